"""The local executor: the store's own run queue. One thread a run, cores as slots; opens no port."""

from dataclasses import dataclass, field

from mnistnet import system
from mnistnet.runs.files.names import new_id
from mnistnet.runs.run import DamagedRun, Run, RunState
from mnistnet.runs.store.queue import NewRun
from mnistnet.runs.store.run_rows import NoSuchRun
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.runs.worker import supervisor
from mnistnet.search.executors.executor import ENDS, EpochReported, Event, Task, TaskEnded, end_of

MOST_ATTEMPTS = 3  # of a run whose worker dies


@dataclass
class _Followed:
    """A submitted task's run, and how many of its epochs were told."""

    run_id: str
    epochs: int = field(default=0)


class LocalQueue:
    """Tasks as runs of the store, which its supervisor starts workers for."""

    def __init__(self, store: Store, threads: int = 1, owner: str = "") -> None:
        self._store, self._owner = store, owner
        # One more than fit, so that a worker that has ended finds the next one waiting.
        self._slots = max(1, system.cores() // max(1, threads)) + 1
        self._followed: dict[str, _Followed] = {}

    @property
    def slots(self) -> int:
        """The runs that fit on the cores, and one that waits."""
        return self._slots

    @property
    def waits_for(self) -> str:
        """Nothing: what else is queued before its runs stands on the Train page."""
        return ""

    def submit(self, task: Task) -> None:
        new = NewRun(new_id(), task.architecture, task.recipe, f"search-{task.key}", self._owner, trial=task.trial)
        run = self._store.enqueue_new(new)
        if run.state.is_resumable:
            run = self._store.resume(run.id)
        self._followed[task.key] = _Followed(run.id)
        supervisor.ensure_for(self._store, run)

    def events(self) -> list[Event]:
        supervisor.refresh(self._store)
        found: list[Event] = []
        for key, followed in list(self._followed.items()):
            found += self._news(key, followed)
        return found

    def _news(self, key: str, followed: _Followed) -> list[Event]:
        try:
            run = self._store.find(followed.run_id)
        except NoSuchRun:
            return self._ended(TaskEnded(key, "failed", message=f"its run {followed.run_id} was deleted"))
        if isinstance(run, DamagedRun):
            return self._ended(TaskEnded(key, "failed", run.id, message=f"its run is damaged: {run.fault}"))
        news: list[Event] = []
        if run.epochs_done > followed.epochs:
            rows = self._store.metrics(run.id)
            news += [EpochReported(key, row.epoch, row.validation_accuracy) for row in rows[followed.epochs :]]
            followed.epochs = len(rows)
        if run.state is RunState.INTERRUPTED:
            return [*news, *self._interrupted(key, run)]
        if run.state in ENDS:
            return [*news, *self._ended(end_of(key, run))]
        return news

    def _interrupted(self, key: str, run: Run) -> list[Event]:
        """The end of a run whose worker died for the last time; none where it is queued again."""
        if run.attempt >= MOST_ATTEMPTS:
            return self._ended(TaskEnded(key, "failed", run.id, message=f"{run.attempt} attempts: {run.message}"))
        supervisor.resume(self._store, run.id)
        return []

    def _ended(self, end: TaskEnded) -> list[Event]:
        del self._followed[end.key]
        return [end]

    def cancel(self, key: str) -> None:
        if followed := self._followed.get(key):
            try:
                self._store.request_stop(followed.run_id)
            except (WrongState, NoSuchRun):  # it has just ended, or was deleted
                return

    def close(self) -> None:
        """Nothing to give back: the queue goes on by itself."""
