"""The cluster executor: Dask distributed by the address of its scheduler. An extra.

Needs the scheduler alone: workers get a design and a recipe and return bytes, which are checked and put into the
store here. `remote` is what they do, `scheduler` holds the connection.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mnistnet.errors import BadInput
from mnistnet.runs import limits
from mnistnet.runs.files.names import new_id
from mnistnet.runs.run import RunState
from mnistnet.runs.store import imports, selections
from mnistnet.runs.store.imports import NotStorable
from mnistnet.runs.store.queue import NewRun
from mnistnet.runs.store.store import Store
from mnistnet.search.executors import outcome, remote
from mnistnet.search.executors.address import NoCluster
from mnistnet.search.executors.executor import EpochReported, Event, Task, TaskEnded, end_of
from mnistnet.search.executors.outcome import BadOutcome, Outcome
from mnistnet.search.executors.reports import Begun, Failure
from mnistnet.search.executors.scheduler import Scheduler

Train: TypeAlias = Callable[[str], bytes]

_MOST_WAITING = 4  # tasks beyond those that train, so that a worker that has ended finds the next one waiting
_LOOK_SECONDS = 2.0
_MOST_DEATHS = 3  # of workers that have begun a task, as of the workers of a run
_LEFT = (RunState.DONE, RunState.DIVERGED)  # what a worker leaves as a run
_TIMES = {1: "once", 2: "twice", 3: "three times"}


@dataclass
class _Followed:
    """A submitted task: its future once the scheduler has it, how many of its epochs were told, the attempts that
    workers have begun, and how often the scheduler gave it up."""

    task: Task
    future: Any = None
    epochs: int = 0
    begun: set[str] = field(default_factory=set)
    given_up: int = 0


class Cluster:
    """Tasks as tasks of a Dask scheduler. Connects again where the connection is lost, and submits anew what it knows.

    `train` runs on the workers, which have to be able to import it. Raises NoCluster where no worker fits; a scheduler
    that does not answer is waited for.
    """

    def __init__(self, store: Store, scheduler: Scheduler, owner: str = "", train: Train = remote.train) -> None:
        self._store, self._scheduler, self._owner, self._train = store, scheduler, owner, train
        self._followed: dict[str, _Followed] = {}
        self._news: list[Event] = []
        self._looked = 0.0
        self._scheduler.try_to_connect()

    @property
    def slots(self) -> int:
        """The workers that may train, and some tasks that wait."""
        workers = self._scheduler.workers
        return workers + min(max(workers, 1), _MOST_WAITING)

    @property
    def waits_for(self) -> str:
        """Workers that fit, where there are none."""
        return self._scheduler.waits_for

    def submit(self, task: Task) -> None:
        """Note the task; `events` gives it to the scheduler, now or once there is one."""
        self._followed[task.key] = _Followed(task)

    def events(self) -> list[Event]:
        """As every executor's. Raises NoCluster while no scheduler answers, StoreError where a run cannot be stored."""
        try:
            self._step()
        except NoCluster:  # what the scheduler still has is found by its key
            for followed in self._followed.values():
                followed.future = None
            raise
        news, self._news = self._news, []
        return news

    def _step(self) -> None:
        self._scheduler.connect()
        for key, followed in list(self._followed.items()):
            if followed.future is None:
                self._hand_over(key, followed)
        self._scheduler.flush()
        self._take_reports()
        for key, followed in list(self._followed.items()):
            self._take_end(key, followed)
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._look()

    def cancel(self, key: str) -> None:
        """End the task: its worker asks twice a second whether anybody waits for it."""
        if self._followed.pop(key, None):
            self._news.append(TaskEnded(key, "stopped"))
            self._scheduler.forget(key)
            with suppress(NoCluster):  # the next events() tells that
                self._scheduler.flush()

    def close(self) -> None:
        """Close the connection. Tasks go on, and the scheduler keeps their results for who submits them again."""
        with suppress(NoCluster):
            self._scheduler.flush()
        self._scheduler.close()

    # Tasks

    def _hand_over(self, key: str, followed: _Followed) -> None:
        """Give a task to the scheduler, unless it is one that has ended before, or that this machine does not allow."""
        task = followed.task
        run = selections.of_token(self._store, _token(task))
        if run and run.state in _LEFT:  # its end was not noted any more
            self._end(key, end_of(key, run))
            return
        try:
            limits.require_allowed(task.architecture, task.recipe)
        except BadInput as error:
            self._end(key, TaskEnded(key, "failed", message=str(error)))
            return
        topic = f"mnistnet-search-{task.trial.search}"
        resources = {"GPU": 1.0} if task.recipe.device == "cuda" else {}
        arguments = (self._train, remote.document(task, topic))
        followed.future = self._scheduler.submit(task.key, topic, remote.begin, arguments, resources)

    def _take_reports(self) -> None:
        for report in self._scheduler.reports():
            followed = self._followed.get(report.key)
            if followed and isinstance(report, Begun):
                followed.begun.add(report.attempt)
                if followed.given_up and len(followed.begun) > _MOST_DEATHS:  # the scheduler began to count anew
                    self._end(report.key, TaskEnded(report.key, "failed", message=_died(_MOST_DEATHS)))
            elif followed and isinstance(report, EpochReported) and report.epoch == followed.epochs + 1:
                followed.epochs += 1  # any other is known, or the end tells it
                self._news.append(report)

    def _take_end(self, key: str, followed: _Followed) -> None:
        """Learn whether a task has ended, and store what it left. Raises NoCluster where the connection is lost."""
        ended = self._scheduler.ended(followed.future)
        if ended is None:
            return
        if isinstance(ended, Failure):
            self._fail(key, followed, ended)
            return
        try:
            told, finished = outcome.unpack(ended, followed.task)
        except BadOutcome as error:
            self._end(key, TaskEnded(key, "failed", message=f"what its worker sent is not believed: {error}"))
            return
        if finished is None:
            self._end(key, _without_run(key, told))
            return
        try:
            run = imports.import_finished(self._store, self._new(followed.task), finished)
        except NotStorable as error:
            self._end(key, TaskEnded(key, "failed", message=str(error)))
            return
        for row in finished.epochs[followed.epochs :]:
            self._news.append(EpochReported(key, row.epoch, row.validation_accuracy))
        self._end(key, end_of(key, run))

    def _fail(self, key: str, followed: _Followed, failure: Failure) -> None:
        """End a task that has failed; submit it anew where it only waited at workers that died of others."""
        deaths = len(followed.begun)
        if failure.by_deaths and deaths < _MOST_DEATHS and followed.given_up < _MOST_DEATHS:
            followed.given_up += 1
            self._scheduler.forget(key)
            self._scheduler.flush()  # before the same key is submitted again
            followed.future = None
            return
        message = _died(max(1, deaths)) if failure.by_deaths else failure.message
        self._end(key, TaskEnded(key, "failed", message=message))

    def _new(self, task: Task) -> NewRun:
        return NewRun(new_id(), task.architecture, task.recipe, _token(task), self._owner, trial=task.trial)

    def _end(self, key: str, end: TaskEnded) -> None:
        del self._followed[key]
        self._scheduler.forget(key)
        self._news.append(end)

    def _look(self) -> None:
        """Count the workers, and see to it that none of them waits while a task does."""
        self._looked = time.monotonic()
        self._scheduler.look()
        futures = {key: followed.future for key, followed in self._followed.items() if followed.future is not None}
        waiting = {key for key, future in futures.items() if future.status == "pending"}
        if waiting and self._scheduler.workers:
            self._scheduler.wake(waiting)


def _died(times: int) -> str:
    return f"its worker died {_TIMES.get(times, f'{times} times')}"


def _token(task: Task) -> str:
    return f"search-{task.key}"


def _without_run(key: str, told: Outcome) -> TaskEnded:
    return TaskEnded(key, told.state, seconds=told.seconds, message=told.message)
