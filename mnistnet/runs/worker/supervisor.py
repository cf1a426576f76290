"""Starts a worker process for each queued run and marks runs whose worker died. One for each store.

`python -m mnistnet.runs.worker.supervisor ROOT` is the process; dashboard and command line call the functions.
Whether a process is alive follows from its lock, never from its pid or a clock; a pid serves only to kill a worker
that does not stop, and only where its command line is the right one. Imports no torch.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mnistnet import system
from mnistnet.nets.architecture import Architecture
from mnistnet.runs import limits
from mnistnet.runs.files import locks
from mnistnet.runs.run import CLAIMED, Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.store import Store
from mnistnet.runs.users import User
from mnistnet.runs.worker.processes import NotStarted, detach
from mnistnet.runs.worker.workers import STOP_PATIENCE_SECONDS, Workers, interruption
from mnistnet.system import cores
from mnistnet.training.recipe import Recipe

POLL_SECONDS = 0.2
ORPHAN_PATIENCE_SECONDS = 10.0  # a worker takes its lock in its first half second
LIMIT_PATIENCE_SECONDS = 60.0  # a worker sees by itself that its hours are over
TROUBLE_SECONDS = 2.0  # to wait after an error of the store
LOG = "supervisor.log"

_started: list[tuple[Path, subprocess.Popen[bytes]]] = []


def submit(store: Store, architecture: Architecture, recipe: Recipe, token: str | None = None, owner: str = "") -> Run:
    """Queue a run and start a supervisor where none is there. Raises as `Store.enqueue`,
    and NotStarted where the run is queued and no supervisor could be started.
    """
    run = store.enqueue(architecture, recipe, token, owner)
    ensure_for(store, run)
    return run


def submit_all(
    store: Store, wanted: Sequence[tuple[Architecture, Recipe]], tokens: Sequence[str], owner: str = ""
) -> list[Run]:
    """Queue several runs, all or none, each by its own token as `submit`. Raises as that."""
    runs = store.enqueue_all(wanted, owner, tokens)
    if runs:
        ensure_for(store, runs[0])
    return runs


def resume(store: Store, run_id: str, by: User | None = None) -> Run:
    """Queue an interrupted or stopped run again. Raises as `Store.resume`, and NotStarted as `submit`."""
    run = store.resume(run_id, by)
    ensure_for(store, run)
    return run


def ensure_for(store: Store, run: Run) -> None:
    """Start a supervisor for a run that was just queued, as `ensure`; the error says that the run is queued."""
    try:
        ensure(store)
    except NotStarted as error:
        raise NotStarted(f"run {run.id} is queued, but {error}") from None


def refresh(store: Store) -> None:
    """Mark the runs whose worker died, and start a supervisor where a queued run, or a stop, waits for one."""
    active = store.active()
    mark_dead(store, active)
    # Pages call this many times while a supervisor starts; if ours is about to end, a later call sees that it ended.
    waiting = any(run.state is not RunState.RUNNING or run.stop_requested for run in active)
    if waiting and store.root not in _alive():
        with contextlib.suppress(NotStarted):  # the next look tries again
            ensure(store)


def mark_dead(store: Store, active: list[Run]) -> None:
    """End the running runs whose worker died: nobody holds their lock. Stopped where that was asked for, else
    interrupted."""
    for run in active:
        if run.state is RunState.RUNNING and not locks.is_held(locks.of_run(store.folder(run.id))):
            if run.stop_requested:
                transitions.finish(store, run.id, RunState.STOPPED, attempt=run.attempt)
            else:
                transitions.finish(store, run.id, RunState.INTERRUPTED, interruption(run), attempt=run.attempt)


def ensure(store: Store) -> None:
    """Start a supervisor unless one is there; of several started at once, one stays. Raises NotStarted."""
    _alive()
    if not locks.is_held(locks.of_supervisor(store.root)):
        _started.append((store.root, detach(__name__, str(store.root), log=store.root / LOG)))


def _alive() -> set[Path]:
    """The stores whose supervisor, started by this process, is alive; removes the others from `_started`."""
    _started[:] = [(root, process) for root, process in _started if process.poll() is None]
    return {root for root, _ in _started}


def supervise(store: Store) -> None:
    """Work on the queue until it is empty and nothing runs. Returns at once where another supervisor does."""
    store.sweep()
    while store.active():
        lock = locks.hold(locks.of_supervisor(store.root), patience_seconds=0.5)
        if lock is None:
            return
        _SupervisorLoop(store).work()
        # Whoever queues a run between the last query and this release sees the lock held and starts
        # no supervisor; so the queue is queried once more.
        lock.release()


class _SupervisorLoop:
    """A supervisor that holds the lock: its workers, and since when each run waits for something."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.workers = Workers(store)
        self.waiting_since: dict[tuple[str, str], float] = {}

    def work(self) -> None:
        while True:
            try:
                if not (active := self.store.active()):
                    self.workers.reap(working=set())
                    return
                self._poll(active)
            except (StoreError, NotStarted) as error:  # workers find out by themselves, everything else waits
                with contextlib.suppress(OSError):  # its log lies on the same disk
                    sys.stderr.write(f"{error}\n")
                time.sleep(TROUBLE_SECONDS)
            time.sleep(POLL_SECONDS)

    def _poll(self, active: list[Run]) -> None:
        self.workers.follow(active)
        for run in active:
            self._check(run)
        self.workers.drop_ended({run.id for run in active})
        while claimed := transitions.claim(self.store, cores()):
            # Queried after the claim: a run that was at work then has a slot of its own.
            self.workers.reap({run.id for run in self.store.active() if run.state in CLAIMED} - {claimed.id})
            self.workers.start(claimed)

    def _check(self, run: Run) -> None:
        worker = self.workers.of(run)
        ended = worker is not None and worker.poll() is not None
        if run.state is RunState.RUNNING:
            mark_dead(self.store, [run])
        if run.state is RunState.STARTING and ended:
            if run.stop_requested:
                transitions.finish(self.store, run.id, RunState.STOPPED)
            elif system.was_killed(worker.returncode if worker else None):
                transitions.finish(self.store, run.id, RunState.INTERRUPTED, interruption(run))
            else:
                transitions.finish(self.store, run.id, RunState.FAILED, "its process could not start; the log says why")
        if run.state is RunState.STARTING and worker is None and self._waited(run, "orphan", ORPHAN_PATIENCE_SECONDS):
            transitions.unclaim(self.store, run)
        if (run.stop_requested and self._waited(run, "stop", STOP_PATIENCE_SECONDS)) or self._waited(
            run, "limit", limits.seconds_of_an_attempt() + LIMIT_PATIENCE_SECONDS
        ):
            self.workers.kill(run)

    def _waited(self, run: Run, reason: str, seconds: float) -> bool:
        """True where more than `seconds` have passed since the first call for the run's attempt and this reason."""
        since = self.waiting_since.setdefault((f"{run.id}/{run.attempt}", reason), time.monotonic())
        return time.monotonic() - since > seconds


if __name__ == "__main__":
    supervise(Store(Path(sys.argv[1])))
