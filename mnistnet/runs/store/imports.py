"""Runs that were trained elsewhere to their end: their files into a folder, then their rows, as one transaction.

Whoever calls has checked the files; what no row may hold is refused here as well. Knows no torch.
"""

import shutil
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from mnistnet.errors import BadInput, SaveFailed
from mnistnet.runs import limits
from mnistnet.runs.files.atomic import write_atomic
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import EpochMetrics, Run, RunState
from mnistnet.runs.store import bounds
from mnistnet.runs.store.database import StoreError, require_folder
from mnistnet.runs.store.queue import NewRun, insert
from mnistnet.runs.store.store import EPOCH_COLUMNS, NEW, Store
from mnistnet.system import sync_folder


class NotStorable(BadInput):
    """A run holds what no row may."""


@dataclass(frozen=True)
class Finished:
    """What a training elsewhere has left. `files`: their bytes by name; `answers`: sha256 of the predictions' files.

    One that has diverged in place of being done has a `message`, and neither final weights nor predictions. `seconds`
    passed from its start to its end, `threads` trained. `test_errors`: of how many; None: not asked.
    """

    epochs: Sequence[EpochMetrics]
    files: Mapping[str, bytes]
    weights_sha256: str | None
    answers: Mapping[SplitName, str]
    threads: int
    seconds: float
    test_errors: tuple[int, int] | None = None
    state: RunState = RunState.DONE
    message: str = ""
    ended: float = field(default_factory=time.time)


def import_finished(store: Store, new: NewRun, finished: Finished) -> Run:
    """Put a run into the store that has ended at once; the same token again gives the run that it has made already.

    Raises SaveFailed where the disk is full or cannot be written, NotStorable for values that no row may hold; nothing
    is left behind then.
    """
    hidden = store.root / f"{NEW}{new.id}"

    def work(connection: sqlite3.Connection) -> str:
        stored = insert(connection, new)
        if stored == new.id:
            _complete(connection, new.id, finished)
            if hidden.exists():  # else this is the second attempt: the folder is in its place
                hidden.rename(store.folder(new.id))
                sync_folder(store.root)  # before the commit: a row never refers to a folder that is missing
            store.run_files.write(connection, new.id)
        return stored

    try:
        require_folder(store.root)
        limits.require_room(store.root)
        new.write(hidden)
        for name, data in finished.files.items():
            write_atomic(hidden / name, data)
        return store.run(store.database.transact(work, new=True))
    except SaveFailed:
        _take_back(store, new.id)
        raise
    except OSError as error:
        raise StoreError(f"{store.root}: {error.strerror}: not stored; choose another MNISTNET_STORE") from None
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _take_back(store: Store, run_id: str) -> None:
    """Remove a folder that is in its place already, and whose row was not committed."""
    with suppress(StoreError):
        if not store.database.rows("SELECT 1 FROM runs WHERE id = ?", run_id):
            shutil.rmtree(store.folder(run_id), ignore_errors=True)


def _complete(connection: sqlite3.Connection, run_id: str, finished: Finished) -> None:
    """Make the queued run one that has ended, with its epochs. Raises NotStorable for a value that no row may hold."""
    row = {
        "state": finished.state.value,
        "message": finished.message,
        "attempt": 1,
        "threads": finished.threads,
        "started": max(0.0, finished.ended - finished.seconds),
        "ended": finished.ended,
        "test_errors": finished.test_errors[0] if finished.test_errors else None,
        "test_total": finished.test_errors[1] if finished.test_errors else None,
        "weights_sha256": finished.weights_sha256,
        "validation_answers_sha256": finished.answers.get("validation"),
        "test_answers_sha256": finished.answers.get("test"),
    }
    epochs = [asdict(epoch) for epoch in finished.epochs]
    wrong = next((name for name, value in row.items() if not bounds.RUN[name].allows(value)), None)
    if fault := wrong or next(filter(None, map(bounds.epoch_fault, epochs)), None):
        raise NotStorable(f"run {run_id}: {fault}: no run may hold this; it was not stored")
    assignments = ", ".join(f"{name} = ?" for name in row)
    connection.execute(f"UPDATE runs SET {assignments} WHERE id = ?", (*row.values(), run_id))
    marks = ", ".join("?" * (len(EPOCH_COLUMNS) + 1))
    connection.executemany(
        f"INSERT INTO epochs (run, {', '.join(EPOCH_COLUMNS)}) VALUES ({marks})",
        [(run_id, *(epoch[name] for name in EPOCH_COLUMNS)) for epoch in epochs],
    )
