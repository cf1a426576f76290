"""How far a search is: its trainings done and still to come, and the time that these will take."""

import itertools
from dataclasses import dataclass
from statistics import mean

from mnistnet.search.search import Search
from mnistnet.search.trials import Part, Trials

_LATEST = 40  # ends of trainings from which the speed is taken
_PAUSE = 6.0  # a gap of so many mean trainings between two ends was a pause
_SHORTEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True)
class Progress:
    """Trainings that have ended, `done`, of `wanted` in all phases; `seconds_left` is None until one has ended.

    `trials` of the first phase have ended. `refused` of `proposed` proposals were over the budget or impossible.
    """

    done: int
    wanted: int
    trials: int
    seconds_left: float | None
    refused: int
    proposed: int

    @property
    def share(self) -> float:
        """Share of the trainings that have ended, 0 to 1."""
        return min(1.0, self.done / self.wanted) if self.wanted else 0.0

    @property
    def share_refused(self) -> float:
        """Share of the proposals that were refused, 0 to 1."""
        return self.refused / self.proposed if self.proposed else 0.0


def trainings(search: Search, trials: int) -> int:
    """The trainings of a search of so many trials, if none is pruned: trials, finalists beside the start, winner."""
    finals = min(search.finalists, trials)
    again = (finals + 1) * search.finalist_seeds + 1 if finals else 0
    return trials * search.seeds + again


def progress(search: Search, wanted_trials: int, trials: Trials) -> Progress:
    """How far the search is, which is to have so many trials."""
    parts = [part for trial in trials.by_number.values() for part in trial.parts]
    done = sum(part.state not in ("running", "stopped") for part in parts)
    wanted = trainings(search, wanted_trials)
    if trials.finished:
        wanted = done
    seconds = _seconds_a_training(parts, trials.began)
    left = seconds * max(0, wanted - done) if seconds is not None else None
    proposed = sum(trial.phase == "search" for trial in trials.by_number.values())
    return Progress(done, wanted, trials.ended, left, len(trials.refused), proposed)


def _seconds_a_training(parts: list[Part], began: float | None) -> float | None:
    """Seconds from one end of a training to the next, without pauses: several at once make it shorter."""
    ends = sorted(part.ended for part in parts if part.ended)[-_LATEST:]
    if not ends or began is None:
        return None
    if len(ends) < _LATEST:
        ends = [began, *ends]
    usual = mean(part.seconds for part in parts if part.ended)
    gaps = [second - first for first, second in itertools.pairwise(ends)]
    longest = max(_SHORTEST_PAUSE_SECONDS, _PAUSE * usual)
    kept = [gap for gap in gaps if gap <= longest]
    return mean(kept) if kept else usual
