"""A search on the command line: its JSON document, its line in a list, its report."""

from typing import Any

from mnistnet.nets.rules import epochs_text
from mnistnet.search import finalists
from mnistnet.search.folder import State
from mnistnet.search.reports.coordinates import described
from mnistnet.search.search import Search
from mnistnet.search.trials import Trial, Trials

HEADINGS = f"{'search':8}  {'state':9}  {'name':32}  {'trials':>9}  {'refused':>7}  {'best':>7}"
_MOST_SHOWN = 20


def document(search_id: str, search: Search, state: State, trials: Trials, wanted: int) -> dict[str, Any]:
    """The document of `search --json`, and one entry of `searches --json`."""
    trained = [trial for trial in trials.by_number.values() if not trial.why_not]
    return {
        "search": search_id,
        "name": search.name,
        "state": state,
        "wanted": wanted,
        "trials": [_trial(trial) for trial in trained],
        "refused": len(trials.refused),
        "best": _trial(trials.best) if trials.best else None,
        "winner": _trial(trials.winner) if trials.winner else None,
        "message": trials.finished.message if trials.finished else "",
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "run": trial.run,
        "state": str(trial.state),
        "params": trial.params,
        "validation_accuracy": trial.accuracy,
        "phase": trial.phase,
        "of": trial.of,
        "values": dict(trial.values),
    }


def best(trials: Trials) -> str:
    """The accuracy of the best trial; a dash before the first."""
    found = trials.best.accuracy if trials.best else None
    return "-" if found is None else f"{found:.2%}"


def line(search_id: str, search: Search, state: State, trials: Trials, wanted: int) -> str:
    """One search in a list."""
    ended = sum(trial.state.is_final for trial in trials.of_phase("search"))
    share, refused = f"{ended}/{wanted}", len(trials.refused)
    return f"{search_id:8}  {state:9}  {search.name:32.32}  {share:>9}  {refused:>7}  {best(trials):>7}"


def report(search_id: str, search: Search, state: State, trials: Trials, wanted: int) -> list[str]:
    """A search in full: its line, its best trials, its finalists, its winner."""
    lines = [HEADINGS, line(search_id, search, state, trials, wanted)]
    done = [trial for trial in trials.of_phase("search") if trial.accuracy is not None]
    ranked = sorted(done, key=lambda trial: (-(trial.accuracy or 0.0), trial.params))[:_MOST_SHOWN]
    if ranked:
        epochs = epochs_text(search.recipe.epochs)
        lines += ["", f"  best trials, {epochs}, validation accuracy", *(_line(search, trial) for trial in ranked)]
    if again := finalists.compared(trials):
        lines += [
            "",
            f"  again with {search.finalist_seeds} new seeds, the start first",
            *(_line(search, trial) for trial in again),
        ]
    if trials.finished and trials.finished.message:
        lines += ["", f"  {trials.finished.message}"]
    if trials.winner and trials.winner.run:
        lines.append(f"  Its run for the test set: {trials.winner.run}")
    return lines


def _line(search: Search, trial: Trial) -> str:
    values = described(search.space, trial.values)
    return f"  {trial.number:>5}  {trial.accuracy:8.3%}  {trial.params:>7,}  {trial.run or '-':8}  {values}"
