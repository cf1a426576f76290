"""The three calls that a search makes to whatever trains for it: submit, events, cancel."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from mnistnet.errors import OperationFailed
from mnistnet.nets.architecture import Architecture
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.queue import Trial
from mnistnet.search.log import PartEnd
from mnistnet.training.recipe import Recipe


class Unreachable(OperationFailed):
    """Whoever trains cannot be asked or told anything, or not now."""


@dataclass(frozen=True)
class Task:
    """One training. `key` is the same for the same training for ever: whatever is delivered twice counts once."""

    key: str
    architecture: Architecture
    recipe: Recipe
    trial: Trial


@dataclass(frozen=True)
class EpochReported:
    """A task has finished an epoch, from 1, with this validation accuracy, 0 to 1."""

    key: str
    epoch: int
    accuracy: float


@dataclass(frozen=True)
class TaskEnded:
    """A task has ended. `run`: the id of its run in the store; None where there is none."""

    key: str
    state: PartEnd
    run: str | None = None
    accuracy: float | None = None
    seconds: float = 0.0
    message: str = ""


ENDS: dict[RunState, PartEnd] = {
    RunState.DONE: "done",
    RunState.STOPPED: "stopped",
    RunState.FAILED: "failed",
    RunState.DIVERGED: "diverged",
}


def end_of(key: str, run: Run) -> TaskEnded:
    """The end of a task whose run has ended in one of `ENDS`."""
    accuracy = run.validation_accuracy if run.state is RunState.DONE else None
    return TaskEnded(key, ENDS[run.state], run.id, accuracy, run.train_seconds or 0.0, run.message)


Event: TypeAlias = EpochReported | TaskEnded


class Executor(Protocol):
    """Trains tasks somewhere. All calls return at once.

    `slots`: how many tasks it wants to have at the same time, so that none of its processors waits.
    `waits_for`: what keeps all tasks from being trained, as a sentence for people; empty where nothing does.
    """

    @property
    def slots(self) -> int: ...
    @property
    def waits_for(self) -> str: ...

    def submit(self, task: Task) -> None:
        """Train the task. One that was submitted before, by whatever process, goes on or has ended already.

        Raises an MnistnetError where it cannot be submitted now: it was not, then.
        """

    def events(self) -> list[Event]:
        """What happened to submitted tasks since the last call, each task's epochs in order, its end last.

        An event may be told twice. Raises Unreachable where nothing can be learned now, StoreError where a run cannot
        be stored.
        """

    def cancel(self, key: str) -> None:
        """End the task as soon as possible; nothing where it has ended or is unknown."""

    def close(self) -> None:
        """Give back what the executor holds. Tasks go on where they can."""
