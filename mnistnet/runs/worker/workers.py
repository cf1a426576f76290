"""The worker processes that a supervisor has started, by the run that each of them trains. Imports no torch."""

import contextlib
import subprocess
import time

from mnistnet import system
from mnistnet.errors import MnistnetError, SaveFailed
from mnistnet.runs import limits
from mnistnet.runs.files.names import PID, RUN_LOG
from mnistnet.runs.run import CLAIMED, Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import processes
from mnistnet.runs.worker.processes import NotStarted

STOP_PATIENCE_SECONDS = 8.0  # a worker looks twice a second; one that does not answer is killed
_LOOK_SECONDS = 0.2
_WORKER = "mnistnet.runs.worker.worker"


def interruption(run: Run) -> str:
    """The message of a run whose worker died, as long as nothing more is known."""
    return f"its process ended in epoch {run.epochs_done + 1}"


class Workers:
    """The workers of one supervisor. A worker of an earlier supervisor is not among them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._memory_kills: dict[str, int | None] = {}  # the kernel's count when the run's worker was started

    def of(self, run: Run) -> subprocess.Popen[bytes] | None:
        """The process that trains the run; None where it is none of these."""
        return self._processes.get(run.id)

    def start(self, run: Run) -> None:
        """Start a worker for a claimed run, or end the run. Raises NotStarted; the run waits again then."""
        try:
            limits.require_allowed(run.architecture, run.recipe)
            limits.require_room(self._store.root)
        except SaveFailed as error:  # the run has no fault: it can go on once there is room
            transitions.finish(self._store, run.id, RunState.INTERRUPTED, str(error))
            return
        except MnistnetError as error:
            transitions.finish(self._store, run.id, RunState.FAILED, str(error))
            return
        folder, arguments = self._store.folder(run.id), (str(self._store.root), run.id, str(run.attempt))
        self._memory_kills[run.id] = system.GROUPS.memory_kills()
        try:
            folder.mkdir(exist_ok=True)
            self._processes[run.id] = processes.detach(_WORKER, *arguments, log=folder / RUN_LOG)
        except NotStarted:  # the run has no fault: it goes on waiting
            transitions.unclaim(self._store, run)
            raise
        except OSError as error:  # the store is just deleted or moved, or no folder can be made in it
            message = f"{folder}: {error.strerror}; Resume tries again"
            transitions.finish(self._store, run.id, RunState.INTERRUPTED, message)

    def follow(self, active: list[Run]) -> None:
        """Note which workers have gone on to another trial of their search."""
        new = [run for run in active if run.search and run.state in CLAIMED and run.id not in self._processes]
        pids = {processes.recorded(self._store.folder(run.id) / PID): run.id for run in new}
        for run_id, worker in list(self._processes.items()):
            if (following := pids.get(worker.pid)) and worker.poll() is None:
                self._processes[following] = self._processes.pop(run_id)
                self._memory_kills[following] = self._memory_kills.pop(run_id, None)

    def drop_ended(self, active: set[str]) -> None:
        """Forget the workers that have ended, but for those of `active` runs: these are still to be marked."""
        for run_id, worker in list(self._processes.items()):
            if worker.poll() is not None and run_id not in active:
                self._report_exit(run_id)

    def reap(self, working: set[str]) -> None:
        """Wait until the workers of runs that are not `working` have ended: they hold memory and threads until then.

        One that goes on to another trial is left alone, one that does not end is killed.
        """
        for run_id, worker in list(self._processes.items()):
            if run_id in working:
                continue
            until = time.monotonic() + STOP_PATIENCE_SECONDS
            while run_id in self._processes and not processes.has_ended(worker, _LOOK_SECONDS):
                self.follow(self._store.active())
                if run_id in self._processes and time.monotonic() > until:
                    worker.kill()
            if run_id in self._processes:
                self._report_exit(run_id)

    def kill(self, run: Run) -> None:
        """Kill the worker of a run, one of these or of an earlier supervisor."""
        self._memory_kills.pop(run.id, None)  # so that no message blames memory
        if worker := self.of(run):
            worker.kill()
        elif run.state is RunState.RUNNING:
            # A worker that has gone on from another trial was started with that one's id.
            its_own = () if run.search else (run.id,)
            processes.kill_recorded(self._store.folder(run.id) / PID, _WORKER, str(self._store.root), *its_own)

    def _report_exit(self, run_id: str) -> None:
        """Drop a worker that has ended, and explain in the run how: whoever marked the run could not know it."""
        worker = self._processes.pop(run_id)
        with contextlib.suppress(MnistnetError):  # the run was deleted, or the disk is full: only words are lost
            run = self._store.run(run_id)
            transitions.explain(self._store, run, interruption(run), self._exit_message(run, worker.returncode))

    def _exit_message(self, run: Run, returncode: int | None) -> str:
        if not system.was_killed(returncode) or run.id not in self._memory_kills:
            return interruption(run)
        before, now = self._memory_kills[run.id], system.GROUPS.memory_kills()
        killed = f"its process was killed in epoch {run.epochs_done + 1}"
        if before is not None and now is not None and now > before:
            return (
                f"{killed}, most likely because memory ran out: choose a smaller batch or fewer threads, or free memory"
            )
        return f"{killed} by signal 9 (the system does this when memory runs out)"
