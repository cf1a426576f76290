"""One run, one process: `python -m mnistnet.runs.worker.worker ROOT RUN ATTEMPT`, started by the supervisor.

Takes the run's lock, trains, then stores how it ended. The one place that catches every exception.
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
from mnistnet.runs.files.names import PID
from mnistnet.runs.run import RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.database import GoneError
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker.environment import prepare


def work(store: Store, run_id: str, attempt: int) -> None:
    """Train the run to its end, unless another attempt has replaced this one, or the store is deleted or moved."""
    try:
        _work(store, run_id, attempt)
    except GoneError as error:  # nothing but the log is left to write to, wherever it is now
        sys.stderr.write(f"{error}\n")


def _work(store: Store, run_id: str, attempt: int) -> None:
    lock = locks.hold(locks.of_run(store.folder(run_id)))
    run = transitions.start(store, run_id, attempt) if lock else None
    if run is None:
        return
    (store.folder(run_id) / PID).write_text(str(os.getpid()), "ascii")
    system.give_way()
    try:
        prepare(run.threads, limits.current().memory)
        from mnistnet.runs.worker import training_job  # torch: a second of importing, with the lock already held

        end = training_job.train(store, run)
        if end:
            transitions.finish(store, run_id, end.state, end.message)
    except SaveFailed as error:  # the run has no fault: it can go on once there is room
        transitions.finish(store, run_id, RunState.INTERRUPTED, str(error))
    except MnistnetError as error:
        transitions.finish(store, run_id, RunState.FAILED, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it was, whoever waits reads it
        with contextlib.suppress(OSError):  # the log lies on the same disk
            traceback.print_exc()
        transitions.finish(
            store, run_id, RunState.FAILED, _too_large(error) or f"{type(error).__name__}: {error}".splitlines()[0]
        )


def _too_large(error: Exception) -> str | None:
    """The message where memory ran out, else None. torch has no exception of its own for it on a CPU."""
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        allowed = limits.current().memory / 1e9
        return f"it needs more than the {allowed:.1f} GB of memory allowed here; choose a smaller batch"
    return None


if __name__ == "__main__":
    work(Store(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]))
