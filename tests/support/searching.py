"""Searches worked through, by real trainings or none, and the end of all searches of a store. No test of its own."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from mnistnet.runs.store.store import Store
from mnistnet.search import control
from mnistnet.search import folder as folders
from mnistnet.search.controller import Controller
from mnistnet.search.executors.executor import EpochReported, Event, Task, TaskEnded
from mnistnet.search.folder import SearchFolder
from mnistnet.search.search import Search, SearchError
from tests.support.processes import controllers, until


class Instant:
    """An executor that trains nothing: each look at it finds one epoch more of every task.

    `score` gives the accuracy of a task after an epoch.
    """

    def __init__(self, score: Callable[[Task, int], float] | None = None, slots: int = 3) -> None:
        self.slots, self.waits_for, self._score = slots, "", score or wider_is_better
        self.submitted: list[str] = []
        self.cancelled: list[str] = []
        self._tasks: dict[str, tuple[Task, int]] = {}

    def submit(self, task: Task) -> None:
        self.submitted.append(task.key)
        self._tasks[task.key] = (task, 0)

    def events(self) -> list[Event]:
        found: list[Event] = []
        for key, (task, done) in list(self._tasks.items()):
            score = self._score(task, done + 1)
            found.append(EpochReported(key, done + 1, score))
            self._tasks[key] = (task, done + 1)
            if done + 1 == task.recipe.epochs:
                found.append(TaskEnded(key, "done", None, score, 1.0))
                del self._tasks[key]
        return found

    def cancel(self, key: str) -> None:
        if self._tasks.pop(key, None):
            self.cancelled.append(key)

    def close(self) -> None:
        """Nothing to give back."""


def wider_is_better(task: Task, epoch: int) -> float:
    """An accuracy that grows with the parameters and the epochs, and differs a little from seed to seed."""
    widths = sum(getattr(layer, "channels", 0) for layer in task.architecture.layers)
    return min(1.0, 0.5 + widths / 200 + epoch / 100 + task.recipe.seed % 10 / 10_000)


def run_through(folder: SearchFolder, executor: Instant | None = None) -> Instant:
    """Control the search to its end in this process, by an executor that trains nothing."""
    chosen = executor or Instant()
    Controller(folder, chosen).work()
    return chosen


def train_through(store: Store, one: Search, seconds: float = 120) -> SearchFolder:
    """The search, started and done: trained for real."""
    folder = control.start(store, one)
    until = time.monotonic() + seconds
    while folder.state(folder.trials()) not in ("done", "failed"):
        assert time.monotonic() < until, (folder.path / "log.txt").read_text()
        time.sleep(0.1)
        control.refresh(store)
    return folder


def stop_searches(store: Store, searches: Iterable[SearchFolder] | None = None) -> None:
    """Stop every search of the store and wait until no process controls one."""
    found = list(searches or folders.all_of(store))
    for folder in found:
        with suppress(SearchError):
            folder.want(state="stopped")
    if found:
        until(lambda: not controllers(store))
    for process, _ in control._started.values():  # or Python warns that nobody asked what became of them
        process.wait(30)
    control._started.clear()
