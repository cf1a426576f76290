"""What follows the trials: the best ones trained again with new seeds beside the start, then the winner once more.

A trial that looks best among many is partly lucky; new seeds take the luck away. The test set is asked for the
winner's last training alone, once a search: one that is extended may find a better winner, which is not scored.
"""

import math
from statistics import mean, stdev

from mnistnet.nets.summary import summarize
from mnistnet.search import space as spaces
from mnistnet.search.log import Phase
from mnistnet.search.search import Search
from mnistnet.search.trials import Trial, Trials, TrialState

# Seeds are counted from the recipe's: those of trials, of finalists and of the winner have nothing in common.
_FIRST_SEED: dict[Phase, int] = {"search": 0, "finalist": 1000, "winner": 2000}
BEYOND = 2.0  # standard errors, above which a difference is beyond the seeds' spread
START = -1  # the number of the starting design where no trial has its values


def seed(search: Search, phase: Phase, part: int) -> int:
    """The seed of a training: the same for every trial of a phase, so that trials differ by their design alone."""
    return (search.recipe.seed + _FIRST_SEED[phase] + part) % 2**31


def following(search: Search, trials: Trials) -> list[Trial]:
    """The trials that are to be trained again: the best as finalists, then the winner; empty where nothing is left."""
    if not search.finalists or not trials.best:
        return []
    start = _start(search, trials)
    candidates = [trial for trial in _candidates(search, trials) if trial.values != start.values]
    done = [trial for trial in trials.of_phase("finalist") if trial.state is not TrialState.STOPPED]
    known = [trial.values for trial in done]
    if new := [trial for trial in [start, *candidates] if trial.values not in known]:
        return new
    won = winner_of(trials)
    asked = trials.of_phase("winner")
    if won is None or scored_of(trials) or any(trial.values == won.values for trial in asked):
        return []
    return [won]


def scored_of(trials: Trials) -> Trial | None:
    """The trial that was scored on the test set; None before that."""
    return next((trial for trial in trials.of_phase("winner") if trial.state is TrialState.DONE), None)


def overtaken(trials: Trials) -> str:
    """A sentence where the scored trial is no longer the winner; else empty."""
    scored, won = scored_of(trials), winner_of(trials)
    if scored is None or (won and won.values == scored.values):
        return ""
    return (
        f"The test set was asked for trial {trials.original(scored)} before the search was extended; it is asked once "
        "a search."
    )


def _candidates(search: Search, trials: Trials) -> list[Trial]:
    """The best trials, of two objectives those that no other trial beats in both, the most accurate first."""
    done = [trial for trial in trials.of_phase("search") if trial.accuracy is not None]
    if search.objective == "accuracy and parameters":
        done = front(done)
    ranked = sorted(done, key=lambda trial: (-(trial.accuracy or 0.0), trial.params, trial.number))
    return ranked[: search.finalists]


def front(trials: list[Trial]) -> list[Trial]:
    """The trials that none of the others beats: no other has as many right with fewer parameters, or more with as
    many. By parameters."""
    found: list[Trial] = []
    ranked = sorted(trials, key=lambda trial: (trial.params, -(trial.accuracy or 0.0), trial.number))
    for trial in ranked:
        if trial.accuracy is not None and (not found or trial.accuracy > (found[-1].accuracy or 0.0)):
            found.append(trial)
    return found


def _start(search: Search, trials: Trials) -> Trial:
    """The starting design, as the trial that has its values, or as one of its own."""
    values = spaces.starting_values(search.design, search.recipe, search.space)
    same = next((trial for trial in trials.by_number.values() if trial.values == values), None)
    if same:
        return same
    summary = summarize(search.design)
    return Trial(START, "search", values, summary.params, summary.macs)


def compared(trials: Trials) -> list[Trial]:
    """The finalists that are done, the start first, then the best by mean."""
    done = [trial for trial in trials.of_phase("finalist") if trial.accuracy is not None]
    return [*done[:1], *sorted(done[1:], key=lambda trial: -(trial.accuracy or 0.0))]


def winner_of(trials: Trials) -> Trial | None:
    """The finalist with the highest mean; None where that is the start, or no other is done."""
    done = compared(trials)
    if len(done) < 2:
        return None
    start, best = done[:2]
    return best if (best.accuracy or 0.0) > (start.accuracy or 0.0) else None


def difference(first: Trial, second: Trial) -> tuple[float, float]:
    """How much more accurate the first is, a fraction, and the standard error of that (Welch).

    The error is infinite where either has fewer than two seeds.
    """
    one, other = first.accuracies, second.accuracies
    gap = mean(one) - mean(other) if one and other else 0.0
    if min(len(one), len(other)) < 2:
        return gap, math.inf
    return gap, math.sqrt(stdev(one) ** 2 / len(one) + stdev(other) ** 2 / len(other))


def summary(trials: Trials) -> str:
    """One sentence about what the search has found."""
    won, done = winner_of(trials), compared(trials)
    if won is None:
        if len(done) > 1:
            return "No finalist is better than the start with new seeds."
        return "" if trials.best else "No trial was finished."
    gap, error = difference(won, done[0])
    beyond = "more" if gap > BEYOND * error else "no more"
    said = (
        f"Trial {won.of} has {gap * 100:+.3f} points over the start with {len(won.accuracies)} new seeds each, "
        f"{beyond} than two standard errors ({error * 100:.3f} points each)."
    )
    return f"{said} {overtaken(trials)}".rstrip()
