"""The trials of a search as frozen values, folded from its log. Knows no file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from mnistnet.search.choices import Value
from mnistnet.search.log import Ended, Finished, Line, Phase, Proposed, Reported, Submitted


class TrialState(StrEnum):
    """The states of a trial; nothing more happens to it by itself in any but `running`."""

    RUNNING = "running"
    DONE = "done"
    PRUNED = "pruned"
    FAILED = "failed"
    STOPPED = "stopped"
    REFUSED = "refused"  # over the budget, or impossible: not trained
    REPEATED = "repeated"  # the values of an earlier trial: not trained


_OPEN = (TrialState.RUNNING, TrialState.STOPPED)  # still to be trained; a stopped one once it is resumed


@dataclass(frozen=True)
class Part:
    """One training of a trial, with a seed of its own.

    `reports`: the validation accuracy after each epoch so far. `state` is `running` until it has ended. `run`: its id
    in the store. `ended`: the moment of its end, in seconds since 1970; None where that is not known.
    """

    number: int
    seed: int
    state: str = "running"
    reports: tuple[float, ...] = ()
    accuracy: float | None = None
    seconds: float = 0.0
    run: str | None = None
    message: str = ""
    ended: float | None = None


@dataclass(frozen=True)
class Trial:
    """One proposal, and its trainings. `of`, `why_not`, `same_as`: as in its line of the log.

    `wanted`: how many parts it is to have.
    """

    number: int
    phase: Phase
    values: Mapping[str, Value]
    params: int
    macs: int
    of: int | None = None
    why_not: str = ""
    same_as: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    wanted: int = 1
    parts: tuple[Part, ...] = ()

    @property
    def state(self) -> TrialState:
        """The state that follows from its parts: the worst end of them."""
        if self.why_not:
            return TrialState.REFUSED if self.same_as is None else TrialState.REPEATED
        ends = {part.state for part in self.parts}
        for state in (TrialState.PRUNED, TrialState.STOPPED):
            if state in ends:
                return state
        if ends & {"failed", "diverged"}:
            return TrialState.FAILED
        if len(self.parts) < self.wanted or "running" in ends:
            return TrialState.RUNNING
        return TrialState.DONE

    @property
    def unfinished(self) -> "list[tuple[Trial, int]]":
        """The trial with each of its parts that is still to be trained, or to be submitted again."""
        if self.state not in _OPEN:
            return []
        ended = {part.number for part in self.parts if part.state not in ("running", "stopped")}
        return [(self, part) for part in range(self.wanted) if part not in ended]

    @property
    def accuracy(self) -> float | None:
        """The mean of its parts' final validation accuracies; None where it is not done."""
        found = [part.accuracy for part in self.parts if part.accuracy is not None]
        return sum(found) / len(found) if self.state is TrialState.DONE and found else None

    @property
    def accuracies(self) -> list[float]:
        """The final validation accuracy of each part that is done."""
        return [part.accuracy for part in self.parts if part.accuracy is not None and part.state == "done"]

    @property
    def run(self) -> str | None:
        """The run of its first part that has one."""
        return next((part.run for part in self.parts if part.run), None)

    @property
    def message(self) -> str:
        """Why it failed or was not trained; empty where neither."""
        return self.why_not or next((part.message for part in self.parts if part.message), "")

    @property
    def seconds(self) -> float:
        """Seconds of training, all parts together."""
        return sum(part.seconds for part in self.parts)


@dataclass(frozen=True)
class Trials:
    """All trials of a search by number, when its log begins and was last written, and its last end, if it has ended."""

    by_number: Mapping[int, Trial] = field(default_factory=dict)
    began: float | None = None
    last: float | None = None
    finished: Finished | None = None

    def of_phase(self, phase: Phase) -> list[Trial]:
        """The trials of a phase that are or were trained."""
        return [
            trial
            for trial in self.by_number.values()
            if trial.phase == phase and trial.state not in (TrialState.REFUSED, TrialState.REPEATED)
        ]

    @property
    def ended(self) -> int:
        """How many trials of the search's first phase have ended, without those that Resume begins anew."""
        return sum(trial.state not in _OPEN for trial in self.of_phase("search"))

    @property
    def refused(self) -> list[Trial]:
        """The proposals that were over the budget or impossible."""
        return [trial for trial in self.by_number.values() if trial.state is TrialState.REFUSED]

    @property
    def best(self) -> Trial | None:
        """The trial of the search's first phase with the highest accuracy, the smaller one of two equal ones."""
        done = [trial for trial in self.of_phase("search") if trial.accuracy is not None]
        return max(done, key=lambda trial: (trial.accuracy or 0.0, -trial.params), default=None)

    def original(self, trial: Trial) -> int | None:
        """The number of the first phase's trial that this one repeats, at once or through a finalist, or its own; None
        for the starting design where no trial has its values."""
        while trial.phase != "search":
            if trial.of is None or trial.of not in self.by_number:
                return None
            trial = self.by_number[trial.of]
        return trial.number

    @property
    def winner(self) -> Trial | None:
        """The trial that was trained once more for the test set."""
        return next(iter(self.of_phase("winner")[-1:]), None)


def folded(trials: Trials, lines: Iterable[Line], seeds: Mapping[Phase, int]) -> Trials:
    """The trials after these lines. `seeds`: the parts of a trial in each phase. Lines that repeat others change
    nothing: an epoch that is known, an end of a part that has ended."""
    by_number = dict(trials.by_number)
    began, last, finished = trials.began, trials.last, trials.finished
    for line in lines:
        began, last = began or line.time, line.time
        if isinstance(line, Finished):
            finished = line
            continue
        finished = None
        if isinstance(line, Proposed):
            fields = line.model_dump(exclude={"event", "time"})
            by_number.setdefault(line.number, Trial(**fields, wanted=seeds[line.phase]))
        elif trial := by_number.get(line.number):
            by_number[line.number] = replace(trial, parts=_parts(trial, line))
    return Trials(by_number, began, last, finished)


def _parts(trial: Trial, line: Submitted | Reported | Ended) -> tuple[Part, ...]:
    found = {part.number: part for part in trial.parts}
    part = found.get(line.part)
    match line:
        case Submitted():
            if part is None or part.state == "stopped":
                found[line.part] = Part(line.part, line.seed)
        case Reported():
            if part and part.state == "running" and line.epoch == len(part.reports) + 1:
                found[line.part] = replace(part, reports=(*part.reports, line.accuracy))
        case Ended():
            if part and part.state == "running":
                ended = line.model_dump(include={"state", "accuracy", "seconds", "run", "message"})
                found[line.part] = replace(part, **ended, ended=line.time or None)
    return tuple(found[number] for number in sorted(found))
