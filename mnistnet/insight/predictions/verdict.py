"""A training against the rules of a profile: each rule, whether it is met, and the figure. No torch, no Streamlit.

`judged` needs plain values and no run, for a claim from elsewhere. `rules_of` reads a run's row, and its epochs only
where they decide: it is cheap for thousands of runs. `verdict_of` also words the result.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mnistnet.data import datasets
from mnistnet.data.splits import Protocol, counts
from mnistnet.insight.predictions.evaluation import Score, streak
from mnistnet.nets.architecture import Layer
from mnistnet.nets.rules import COURSE, Profile, Verdict, epochs_text
from mnistnet.nets.rules.verdicts import consistency_rule, goal_rule, of_layers
from mnistnet.runs.run import EpochMetrics, Run, RunState

LAST_EPOCHS = 5  # of which it is said how many are at the goal, where the profile names no number


@dataclass(frozen=True)
class Reached:
    """What a training reached, as plain values.

    `accuracies`: the validation accuracy after each epoch, shares, the first epoch first. `score`: the final weights
    on the test set; None where there is none. `unfinished` says why there is nothing to judge, as in `stopped after
    2 of 19 epochs`; empty where all epochs were finished.
    """

    accuracies: tuple[float, ...]
    score: Score | None
    protocol: Protocol
    dataset: str = "mnist"
    unfinished: str = ""


@dataclass(frozen=True)
class Consistency:
    """The epochs at the goal, by validation accuracy.

    `first` is the first one, None without one; `in_a_row` the number of latest epochs at the goal; `at_goal` how many
    of the last `of` are.
    """

    first: int | None
    in_a_row: int
    at_goal: int
    of: int


@dataclass(frozen=True)
class RunVerdict:
    """The verdict on a run that has ended, as the Train page shows it.

    `met` is None where there is no verdict: another data set, or training that did not finish. `rules` has every
    rule in the profile's order. `counted` says which accuracy is judged.
    """

    met: bool | None
    headline: str
    rules: tuple[Verdict, ...]
    consistency: Consistency
    counted: str


def verdict_of(run: Run, metrics: Sequence[EpochMetrics], profile: Profile = COURSE) -> RunVerdict:
    """The verdict on a run that is no longer active, by its stored epochs."""
    found = _rules(run, profile, metrics)
    source = datasets.source(run.recipe.dataset)
    is_judged = all(rule.passed is not None for rule in found)
    met = all(rule.passed for rule in found) if is_judged else None
    is_mnist = run.recipe.dataset == "mnist"
    return RunVerdict(
        met=met,
        headline=_headline(run, final_score(run, metrics), met, found, profile),
        rules=tuple(found),
        consistency=consistency([row.validation_accuracy for row in metrics] if is_mnist else [], profile),
        counted=_counted(run, source.title, profile),
    )


def rules_of(
    run: Run, profile: Profile, epochs_of: Callable[[Run], Sequence[EpochMetrics]] | None = None
) -> list[Verdict]:
    """Every rule of the profile in its order, by the run's row.

    `epochs_of` reads the run's epochs. It is called only where a rule on the last epochs may be met; without it such a
    run is not judged by that rule.
    """
    decides = profile.last_epochs > 0 and (run.validation_accuracy or 0.0) >= profile.accuracy
    metrics = epochs_of(run) if decides and epochs_of else None
    found = _rules(run, profile, metrics)
    if profile.last_epochs and metrics is None and found[-1].passed is not None:
        figure = "last epochs not read" if decides else f"last epoch {run.validation_accuracy or 0.0:.2%}"
        found[-1] = Verdict(found[-1].rule, None if decides else False, figure, figure)
    return found


def _rules(run: Run, profile: Profile, metrics: Sequence[EpochMetrics] | None) -> list[Verdict]:
    # To parse the designs of 10,000 runs takes seconds.
    is_needed = bool(profile.techniques) or '"linear"' in run.architecture_json
    layers: tuple[Layer, ...] = run.architecture.layers if is_needed else ()
    known = of_layers(layers, run.params, run.epochs_in_all, profile, run.epochs_before)
    return [*known, *judged(_reached(run, metrics), profile)]


def judged(reached: Reached, profile: Profile) -> list[Verdict]:
    """The rules that are known after training: the accuracy, and the last epochs where the profile has such a rule."""
    found = [_accuracy(reached, profile)]
    return [*found, _consistency(reached, profile)] if profile.last_epochs else found


def consistency(accuracies: Sequence[float], profile: Profile) -> Consistency:
    """The epochs at the profile's accuracy; `accuracies` as in `Reached`."""
    at_goal = [accuracy >= profile.accuracy for accuracy in accuracies]
    last = at_goal[-(profile.last_epochs or LAST_EPOCHS) :]
    first = at_goal.index(True) + 1 if any(at_goal) else None
    return Consistency(first, streak(list(accuracies), profile.accuracy), sum(last), len(last))


def final_score(run: Run, metrics: Sequence[EpochMetrics]) -> Score | None:
    """The final weights' score on the test set; where they have none, the last epoch's on the validation images."""
    if run.test_errors is not None and run.test_total:
        return Score(run.test_errors, run.test_total)
    return validation_score(metrics[-1].validation_accuracy, run) if metrics else None


def validation_score(accuracy: float, run: Run) -> Score:
    """A validation accuracy as errors out of the images that the run validates on."""
    return _score(accuracy, run.recipe.dataset, run.recipe.protocol)


def reaches(score: Score, profile: Profile) -> bool:
    """True where the score is at least the profile's accuracy: 9,940 of 10,000 are 99.4 %."""
    # The quotient of two integers is the float closest to it; one minus the error rate may not be.
    return (score.total - score.errors) / score.total >= profile.accuracy


def _score(accuracy: float, dataset: str, protocol: Protocol) -> Score:
    total = counts(datasets.source(dataset), protocol).validation
    return Score(round((1 - accuracy) * total), total)


def _headline(run: Run, score: Score | None, met: bool | None, found: Sequence[Verdict], profile: Profile) -> str:
    what = "Assignment" if profile is COURSE else f"“{profile.title}”"
    if run.recipe.dataset != "mnist":
        return f"No verdict: the goal is on MNIST, this run was trained on {datasets.source(run.recipe.dataset).title}"
    if run.state is not RunState.DONE:
        return f"No verdict: {run.state} {_after(run)}"
    if met is None:
        return f"No verdict: {next(rule.figure for rule in found if rule.passed is None)}"
    figures = [f"{score.accuracy:.2%}"] if score else []
    figures += [rule.figure for rule in found[:2]]
    figures.append(found[2].rule if found[2].passed else found[2].detail)
    figures += [rule.figure for rule in found[3:] if not rule.passed and rule.rule != goal_rule(profile)]
    return f"{what} {'met' if met else 'not met'}: {', '.join(figures)}"


def _after(run: Run) -> str:
    return f"after {run.epochs_done} of {epochs_text(run.recipe.epochs)}"


def _counted(run: Run, title: str, profile: Profile) -> str:
    if run.recipe.protocol == "course":
        judged_epoch = "best" if profile.consistency == "once" else "last"
        used = f"Validation used the test set of {title} after every epoch."
        return f"{used} The accuracy that is judged is that of the {judged_epoch} epoch."
    if profile.split == "validation":
        return f"The accuracy is judged on the held-out images of {title}, as the profile says."
    if run.test_errors is None:
        return f"The test set of {title} is used once, at the end: this run has not reached it."
    return f"The test set of {title} was used once, with the final weights: the rule is checked on this figure."


def _reached(run: Run, metrics: Sequence[EpochMetrics] | None) -> Reached:
    """What the run reached; without its epochs, `accuracies` are that of the best and of the last one."""
    of_row = (run.best_validation_accuracy, run.validation_accuracy)
    score = Score(run.test_errors, run.test_total) if run.test_errors is not None and run.test_total else None
    return Reached(
        tuple(accuracy for accuracy in of_row if accuracy is not None)
        if metrics is None
        else tuple(row.validation_accuracy for row in metrics),
        score,
        run.recipe.protocol,
        run.recipe.dataset,
        "" if run.state is RunState.DONE else f"{run.state} {_after(run)}",
    )


def _obstacle(reached: Reached, score: Score | None) -> str:
    """Why the accuracy cannot be judged; empty where it can."""
    if reached.dataset != "mnist":
        return f"data set {reached.dataset}"
    return reached.unfinished or ("" if score else "no score")


def _accuracy(reached: Reached, profile: Profile) -> Verdict:
    score, where = _that_counts(reached, profile)
    obstacle = _obstacle(reached, score)
    passed = None if obstacle or score is None else reaches(score, profile)
    if score is None:  # what it has instead is said, and not judged
        score, where = _of_epoch(reached, "last")
    detail = f"{score.text} ({where}); {score.interval_text}" if score else "no epoch was finished"
    place = "test set" if profile.split == "test" else f"validation images, {where.rpartition(', ')[2]}"
    figure = f"{score.accuracy:.2%} on the {place}" if score else ""
    return Verdict(goal_rule(profile), passed, detail, obstacle or figure)


def _that_counts(reached: Reached, profile: Profile) -> tuple[Score | None, str]:
    """The score that the profile judges, and the images and weights that it is of."""
    if profile.split == "test":
        return reached.score, f"test set of {datasets.source(reached.dataset).title}, final weights"
    return _of_epoch(reached, "best" if profile.consistency == "once" else "last")


def _of_epoch(reached: Reached, which: str) -> tuple[Score | None, str]:
    """The validation score of the `best` or `last` epoch, and the images and epoch that it is of."""
    part = "test set" if reached.protocol == "course" else "held-out images"
    where = f"{part} of {datasets.source(reached.dataset).title}, {which} epoch"
    if not reached.accuracies:
        return None, where
    accuracy = max(reached.accuracies) if which == "best" else reached.accuracies[-1]
    return _score(accuracy, reached.dataset, reached.protocol), where


def _consistency(reached: Reached, profile: Profile) -> Verdict:
    rule, found = consistency_rule(profile), consistency(reached.accuracies, profile)
    figure = f"{found.at_goal} of the last {profile.last_epochs} epochs at the goal"
    obstacle = _obstacle(reached, None if not reached.accuracies else _of_epoch(reached, "last")[0])
    if found.of < profile.last_epochs:
        figure += f", {epochs_text(found.of)} known"
    detail = f"{figure}; first epoch at the goal: {found.first or 'none'}"
    passed = None if obstacle else found.at_goal == profile.last_epochs
    return Verdict(rule, passed, detail, obstacle or figure)
