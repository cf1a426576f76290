"""The work done in the running lesson: the runs that count, and the wrong digits that were looked at."""

from mnistnet.errors import MnistnetError
from mnistnet.lessons import codec, holding
from mnistnet.lessons.lesson import Lesson
from mnistnet.lessons.work import Look, Work
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run
from mnistnet.ui import auth, cache, session


def work(lesson: Lesson) -> Work:
    """The current design, the lesson's runs, and the mistakes that were looked at."""
    looks = tuple(look for look in session.looks.value if _is_mistake(look))
    return Work(session.design.value, runs(lesson), looks)


def runs(lesson: Lesson) -> tuple[Run, ...]:
    """The runs that count: of this user, started since the lesson was begun, with all that it holds as it gave it."""
    begun, owner = session.begun.value, auth.owner()
    if begun is None:
        return ()
    return tuple(
        run
        for run in cache.snapshot().runs
        if run.created >= begun and run.owner == owner and holding.keeps(lesson, run.architecture, run.recipe)
    )


def is_new_look(run: Run, split: SplitName) -> bool:
    """Remember the digit that the Mistakes page shows where it was chosen and is a mistake; True for a new one."""
    index, before = session.digit.value, session.looks.value
    if not session.lesson.value or index is None:
        return False
    look = Look(run.id, split, index, session.question.value)
    if look in before or not _is_mistake(look):
        return False
    session.looks.set((*before, look)[-codec.MOST_LOOKS :])
    return True


def _is_mistake(look: Look) -> bool:
    """True where the run's stored predictions have this digit wrong: the address may claim anything."""
    run = cache.chosen(look.run)
    try:
        evaluation = cache.stored_evaluation(run, look.split) if run else None
    except MnistnetError:
        return False
    return evaluation is not None and any(mistake.index == look.index for mistake in evaluation.mistakes)
