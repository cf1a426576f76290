"""One run, one process: `python -m mnistnet.runs.worker.worker ROOT RUN ATTEMPT`, started by the supervisor.

Takes the run's lock, trains, then stores how it ended. The one place that catches every exception. Trials of a search
are trained in turn by one process, so that none but the first waits two seconds for torch.
"""

import contextlib
import os
import sys
import traceback
from pathlib import Path

from mnistnet import system
from mnistnet.errors import MnistnetError, SaveFailed
from mnistnet.runs import limits
from mnistnet.runs.files import locks
from mnistnet.runs.files.names import PID, RUN_LOG
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.database import GoneError
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker.environment import prepare

_MOST_IN_TURN = 100  # what one training leaves in memory does not add up for ever


def work(store: Store, run_id: str, attempt: int) -> None:
    """Train the run to its end, unless another attempt has replaced this one, or the store is deleted or moved.

    After the trial of a search, the next one of the queue.
    """
    try:
        system.give_way()
        for _ in range(_MOST_IN_TURN):
            done = _work(store, run_id, attempt)
            following = transitions.claim(store, system.cores(), after=done) if done and done.search else None
            if following is None:
                return
            run_id, attempt = following.id, following.attempt
            _log_to(store.folder(run_id) / RUN_LOG)
    except GoneError as error:  # nothing but the log is left to write to, wherever it is now
        sys.stderr.write(f"{error}\n")


def _work(store: Store, run_id: str, attempt: int) -> Run | None:
    """Train one run to its end; None where it was not this process's to train, or this process should end."""
    lock = locks.hold(locks.of_run(store.folder(run_id)))
    if lock is None:
        return None
    with lock:
        run = transitions.start(store, run_id, attempt)
        if run is None:
            return None
        (store.folder(run_id) / PID).write_text(str(os.getpid()), "ascii")
        return run if _train(store, run) else None


def _train(store: Store, run: Run) -> bool:
    """Train a run that has been started and store how it ended; False where memory, disk or code failed."""
    try:
        prepare(run.threads, limits.current().memory)
        from mnistnet.runs.worker import training_job  # torch: a second of importing, with the lock already held

        end = training_job.train(store, run)
        if end:
            transitions.finish(store, run.id, end.state, end.message)
        return True
    except SaveFailed as error:  # the run has no fault: it can go on once there is room
        transitions.finish(store, run.id, RunState.INTERRUPTED, str(error))
    except MnistnetError as error:
        transitions.finish(store, run.id, RunState.FAILED, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it was, whoever waits reads it
        with contextlib.suppress(OSError):  # the log lies on the same disk
            traceback.print_exc()
        transitions.finish(
            store, run.id, RunState.FAILED, _too_large(error) or f"{type(error).__name__}: {error}".splitlines()[0]
        )
    return False


def _log_to(file: Path) -> None:
    """Append all that this process prints from now on to another run's log. Where it cannot be opened, to this one."""
    with contextlib.suppress(OSError), file.open("ab") as log:
        for output in (sys.stdout, sys.stderr):
            output.flush()
            os.dup2(log.fileno(), output.fileno())


def _too_large(error: Exception) -> str | None:
    """The message where memory ran out, else None. torch has no exception of its own for it on a CPU."""
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        allowed = limits.current().memory / 1e9
        return f"it needs more than the {allowed:.1f} GB of memory allowed here; choose a smaller batch"
    return None


if __name__ == "__main__":
    work(Store(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]))
