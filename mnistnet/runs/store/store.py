"""The runs under one folder, each a row and a folder: reading them, and what people change.

What the supervisor and the workers change is in `transitions`. Knows no process and no torch.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

from mnistnet.errors import BadInput
from mnistnet.nets.architecture import Architecture
from mnistnet.runs import limits, users
from mnistnet.runs.files.names import ID_PREFIX, RUN_ID, new_id
from mnistnet.runs.run import ACTIVE, CLAIMED, DamagedRun, EpochMetrics, Run, RunState
from mnistnet.runs.store import bounds, messages, queue, run_rows
from mnistnet.runs.store.database import Database, StoreError, require_folder
from mnistnet.runs.store.queue import NewRun
from mnistnet.runs.store.run_json import RunFiles
from mnistnet.runs.store.run_rows import DamagedRunError, Reading, in_states
from mnistnet.runs.users import User
from mnistnet.system import sync_folder
from mnistnet.training.recipe import Recipe

EPOCH_COLUMNS = [field.name for field in fields(EpochMetrics)]
_EPOCHS = (
    f"SELECT {', '.join(EPOCH_COLUMNS)} FROM epochs WHERE run = ? AND {bounds.condition(bounds.EPOCH, 'epochs')}"
    " ORDER BY epoch"
)
NEW = ".new-"  # how the name of a folder begins that has no row yet
_ABANDONED_SECONDS = 3600
_DELETED = ".deleted-"  # how the name of a folder begins that is being removed


class WrongState(BadInput):
    """The run is not in a state in which this can be done."""


def default_root() -> Path:
    """$MNISTNET_STORE, or `runs` in the current folder."""
    return Path(os.environ.get("MNISTNET_STORE") or "runs")


class Store:
    """The runs under one folder. Cheap to make."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or default_root()).resolve()
        self.run_files = RunFiles(self.root)
        self.database = Database(self.root / "runs.sqlite", self.run_files)

    def folder(self, run_id: str) -> Path:
        """The folder of a run's files: checkpoints, predictions, log, lock."""
        return self.root / run_id

    # Reading

    def runs(self) -> list[Run]:
        """All runs, the newest first, without the damaged ones."""
        return self.reading().runs

    def reading(self) -> Reading:
        """All runs and the damaged ones, the newest first."""
        return run_rows.parse(self.database.rows(run_rows.query()))

    def active(self) -> list[Run]:
        """The queued, starting and running runs in the order of the queue, without the damaged ones."""
        return run_rows.parse(self.database.rows(run_rows.IN_TURN)).runs

    def run(self, prefix: str) -> Run:
        """The run whose id is or begins with `prefix`. Raises UnknownRun where none or several do, DamagedRunError."""
        found = self.find(prefix)
        if isinstance(found, DamagedRun):
            raise DamagedRunError(found)
        return found

    def find(self, prefix: str) -> Run | DamagedRun:
        """The run, damaged or not, whose id is or begins with `prefix`. Raises UnknownRun where none or several do."""
        if not ID_PREFIX.fullmatch(prefix):  # the id of a damaged run can be any text
            return self.reading().matching(prefix)
        rows = self.database.rows(run_rows.query("substr(runs.id, 1, ?) = ?"), len(prefix), prefix)
        return run_rows.parse(rows).matching(prefix)

    def metrics(self, run_id: str) -> list[EpochMetrics]:
        """The stored epochs of a run, in order, without those that have a fault (the run is damaged then)."""
        return [EpochMetrics(*row) for row in self.database.rows(_EPOCHS, run_id)]

    def stop_requested(self, run_id: str) -> bool:
        """True where the run is to end: someone asked for it, or it was deleted. Takes a tenth of a millisecond."""
        rows = self.database.rows("SELECT stop_requested FROM runs WHERE id = ?", run_id)
        return not rows or bool(rows[0][0])

    def folders_aside(self) -> list[Path]:
        """Folders of runs that could not be taken into a new database."""
        return self.run_files.set_aside()

    # Changes

    def enqueue(self, architecture: Architecture, recipe: Recipe, token: str | None = None, owner: str = "") -> Run:
        """Put a run at the end of the queue; the same `token` again gives the run it already made.

        Raises DesignError for a design that cannot be built, OverLimit for more than is allowed here,
        StoreError where the disk is full or cannot be written; nothing is left behind then.
        """
        return self.enqueue_new(NewRun(new_id(), architecture, recipe, token, owner))

    def enqueue_new(self, new: NewRun) -> Run:
        """Put a run, with the weights that it starts from, at the end of the queue. Raises as `enqueue`."""
        return self.run(self._enqueue([new])[0])

    def enqueue_all(
        self, wanted: Sequence[tuple[Architecture, Recipe]], owner: str = "", tokens: Sequence[str] = ()
    ) -> list[Run]:
        """Put many runs at the end of the queue, all of them or none. `tokens`: one for each. Raises as `enqueue`."""
        given: Sequence[str | None] = tokens or [None] * len(wanted)
        new = [NewRun(new_id(), *one, token, owner) for one, token in zip(wanted, given, strict=True)]
        ids = self._enqueue(new)
        by_id = {run.id: run for run in self.runs()}
        return [by_id[run_id] for run_id in ids]

    def _enqueue(self, new: list[NewRun]) -> list[str]:
        """The ids of the runs that were stored: those of `new`, or the one that its token has made already."""
        for run in new:
            limits.require_allowed(run.architecture, run.recipe)

        def insert(connection: sqlite3.Connection) -> list[str]:
            queue.require_short(connection, len(new))
            stored = [queue.insert(connection, run) for run in new]
            for run in new:
                if run.id in stored:
                    if self._new(run).exists():  # else this is the second attempt: the folder is in its place
                        self._new(run).rename(self.folder(run.id))
                    self.run_files.write(connection, run.id, durably=False)
            return stored

        try:
            require_folder(self.root)
            limits.require_room(self.root)
            for run in new:
                run.write(self._new(run))
            return self.database.transact(insert, new=True)
        except OSError as error:
            raise StoreError(
                f"{self.root}: {error.strerror}: nothing was started; choose another MNISTNET_STORE"
            ) from None
        finally:
            for run in new:
                shutil.rmtree(self._new(run), ignore_errors=True)

    def _new(self, run: NewRun) -> Path:
        return self.root / f"{NEW}{run.id}"

    def request_stop(self, run_id: str, by: User | None = None) -> Run:
        """Ask a run to end: at once if it waits in the queue, else at its worker's next look.

        Raises WrongState for a run that has ended already, NotOwner for somebody else's.
        """
        users.require_may_change(by, self.run(run_id))

        def stop(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE runs SET state = ?, ended = ?, stage = '' WHERE id = ? AND state = ?",
                (RunState.STOPPED, time.time(), run_id, RunState.QUEUED),
            )
            connection.execute(
                f"UPDATE runs SET stop_requested = 1, stage = 'stopping' WHERE id = ? AND {in_states(CLAIMED)}",
                (run_id,),
            )

        self.database.transact(stop, run_id=run_id)
        run = self.run(run_id)
        if not run.stop_requested and run.state is not RunState.STOPPED:
            raise WrongState(f"run {run.id}: it is {run.state} already; there is nothing to stop")
        return run

    def resume(self, run_id: str, by: User | None = None) -> Run:
        """Put an interrupted or stopped run back into the queue.

        Raises WrongState for any other, NotOwner for somebody else's, OverLimit for more than is allowed here.
        """
        users.require_may_change(by, self.run(run_id))
        limits.require_room(self.root)
        self.sweep()  # a deletion that was cut off may have left the run without its folder

        def resume(connection: sqlite3.Connection) -> bool:
            queue.require_short(connection, 1)
            resumed = queue.requeue(connection, run_id)
            if resumed:
                messages.report_missing_epochs(connection, run_id)
            return resumed

        resumed = self.database.transact(resume, run_id=run_id)
        run = self.run(run_id)
        if not resumed:
            raise WrongState(f"run {run.id}: it is {run.state}; only an interrupted or stopped run can be resumed")
        return run

    def delete(self, run_id: str, by: User | None = None) -> None:
        """Remove a run that is not active, or is damaged: its row, its epochs and its folder, together.

        The folder is renamed inside the transaction and removed after it; killed in between, the next `sweep`
        finishes it or takes it back. Raises WrongState for an active run, NotOwner for somebody else's, StoreError
        where the disk does not let it happen; the run is as it was then.
        """
        run = self.find(run_id)
        users.require_may_change(by, run)
        folder = self.folder(run.id)
        try:
            with self.database.transaction() as connection:
                if isinstance(run, DamagedRun):
                    connection.execute("DELETE FROM runs WHERE number = ?", (run.number,))
                elif not connection.execute(
                    f"DELETE FROM runs WHERE id = ? AND NOT {in_states(ACTIVE)}", (run.id,)
                ).rowcount:
                    raise WrongState(f"run {run.id}: it is {self.run(run.id).state}; stop it before deleting it")
                if RUN_ID.fullmatch(run.id) and folder.exists():
                    folder.rename(self.root / f"{_DELETED}{run.id}")
                    sync_folder(self.root)  # before the commit: a row that is gone finds no folder that stayed
        finally:
            self.sweep()

    def sweep(self) -> None:
        """Finish what was cut off. Raises StoreError.

        The folder of a run that was deleted is removed; one whose row still exists gets its name back. A folder that
        was made an hour ago for a run that got no row is removed.
        """
        for folder in self.root.glob(f"{NEW}*"):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
        found = {folder.name.removeprefix(_DELETED): folder for folder in self.root.glob(f"{_DELETED}*")}
        if not found:
            return

        def take_back(connection: sqlite3.Connection) -> set[str]:
            stayed = {run_id for (run_id,) in connection.execute("SELECT id FROM runs")} & found.keys()
            for run_id in stayed:
                with suppress(OSError):  # another process has done it meanwhile, or a folder is in the way
                    found[run_id].rename(self.folder(run_id))
            return stayed

        # In a transaction, so that no deletion is between its rename and its commit.
        for run_id in found.keys() - self.database.transact(take_back):
            shutil.rmtree(found[run_id], ignore_errors=True)
