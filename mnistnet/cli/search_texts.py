"""A search on the command line: its JSON document, its line in a list, its report."""

from typing import Any

from mnistnet.nets.rules import epochs_text
from mnistnet.search import finalists
from mnistnet.search.reports.coordinates import described
from mnistnet.search.reports.now import SearchNow
from mnistnet.search.search import Search
from mnistnet.search.trials import Trial, Trials

HEADINGS = f"{'search':8}  {'state':9}  {'name':32}  {'trials':>9}  {'refused':>7}  {'best':>7}"
_MOST_SHOWN = 20


def document(shown: SearchNow) -> dict[str, Any]:
    """The document of `search --json`, and one entry of `searches --json`."""
    trials = shown.trials
    trained = [trial for trial in trials.by_number.values() if not trial.why_not]
    return {
        "search": shown.id,
        "name": shown.search.name,
        "state": shown.state,
        "wanted": shown.wanted.trials,
        "trials": [_trial(trial) for trial in trained],
        "refused": len(trials.refused),
        "best": _trial(trials.best) if trials.best else None,
        "winner": _trial(trials.winner) if trials.winner else None,
        "message": shown.message,
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


def line(shown: SearchNow) -> str:
    """One search in a list."""
    share, refused = f"{shown.trials.ended}/{shown.wanted.trials}", len(shown.trials.refused)
    name, found = shown.search.name, best(shown.trials)
    return f"{shown.id:8}  {shown.state:9}  {name:32.32}  {share:>9}  {refused:>7}  {found:>7}"


def report(shown: SearchNow) -> list[str]:
    """A search in full: its line, its best trials, its finalists, its winner."""
    search, trials = shown.search, shown.trials
    lines = [HEADINGS, line(shown)]
    ranked = sorted(shown.done, key=lambda trial: (-(trial.accuracy or 0.0), trial.params))[:_MOST_SHOWN]
    if ranked:
        epochs = epochs_text(search.recipe.epochs)
        lines += ["", f"  best trials, {epochs}, validation accuracy", *(_line(search, trial) for trial in ranked)]
    if again := finalists.compared(trials):
        lines += [
            "",
            f"  again with {search.finalist_seeds} new seeds, the start first",
            *(_line(search, trial) for trial in again),
        ]
    if shown.message:
        lines += ["", f"  {shown.message}"]
    if trials.winner and trials.winner.run:
        lines.append(f"  Its run for the test set: {trials.winner.run}")
    return lines


def _line(search: Search, trial: Trial) -> str:
    values = described(search.space, trial.values)
    return f"  {trial.number:>5}  {trial.accuracy:8.3%}  {trial.params:>7,}  {trial.run or '-':8}  {values}"
