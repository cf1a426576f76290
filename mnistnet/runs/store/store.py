"""The truth about every run: its row and its folder, and what people may ask of it. Knows no process, no torch."""

import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mnistnet.errors import BadInput
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.summary import require
from mnistnet.runs import limits
from mnistnet.runs.run import ACTIVE, CLAIMED, RESUMABLE, DamagedRun, Run, RunState, User
from mnistnet.runs.store import run_json
from mnistnet.runs.store.bounds import LARGEST, RUN_ID
from mnistnet.runs.store.database import StoreError, require_folder
from mnistnet.runs.store.transitions import Ledger, quoted, say_what_is_missing
from mnistnet.system import cores, sync_folder
from mnistnet.training.recipe import Recipe

_NEW = ".new-"  # how the name of a folder begins that has no row yet
_ABANDONED_SECONDS = 3600
_DOOMED = ".deleted-"  # how the name of a folder begins that is being removed


class WrongState(BadInput):
    """The run is not in a state in which this can be done."""


class NotOwner(BadInput):
    """The run was started by someone else."""


def default_root() -> Path:
    """$MNISTNET_STORE, or `runs` where we stand."""
    return Path(os.environ.get("MNISTNET_STORE") or "runs")


class Store(Ledger):
    """The runs under one folder: rows and files. Cheap to make."""

    def __init__(self, root: Path | None = None) -> None:
        super().__init__((root or default_root()).resolve())

    def folder(self, run_id: str) -> Path:
        """Where the files of a run lie: checkpoints, predictions, log, lock."""
        return self.root / run_id

    def enqueue(self, architecture: Architecture, recipe: Recipe, token: str | None = None, owner: str = "") -> Run:
        """Put a run at the end of the queue; the same `token` again gives the run it already made.

        Raises DesignError for a design that cannot be built, OverLimit for more than is allowed here,
        StoreError where the disk is full or cannot be written; nothing is left behind then.
        """
        return self.run(self._enqueue([(architecture, recipe)], token, owner)[0])

    def enqueue_all(self, wanted: Sequence[tuple[Architecture, Recipe]], owner: str = "") -> list[Run]:
        """Put many runs at the end of the queue, all of them or none. Raises as `enqueue`."""
        ids = self._enqueue(wanted, None, owner)
        by_id = {run.id: run for run in self.runs()}
        return [by_id[run_id] for run_id in ids]

    def _enqueue(self, wanted: Sequence[tuple[Architecture, Recipe]], token: str | None, owner: str) -> list[str]:
        for architecture, recipe in wanted:
            limits.require_allowed(architecture, recipe)
        new = {secrets.token_hex(4): one for one in wanted}
        stored: list[str] = []
        try:
            require_folder(self.root)
            limits.require_room(self.root)
            for run_id, (architecture, recipe) in new.items():
                folder = self.root / f"{_NEW}{run_id}"
                folder.mkdir(parents=True)
                (folder / run_json.DESIGN).write_text(architecture.to_json(), "utf-8")
                (folder / run_json.RECIPE).write_text(recipe.model_dump_json(indent=2) + "\n", "utf-8")
            stored = self.database.transact(
                lambda connection: self._insert_all(connection, new, token, owner), new=True
            )
        except OSError as error:
            raise StoreError(
                f"{self.root}: {error.strerror}: nothing was started; choose another MNISTNET_STORE"
            ) from None
        finally:
            for run_id in new:
                shutil.rmtree(self.root / f"{_NEW}{run_id}", ignore_errors=True)
        return stored

    def _insert_all(
        self,
        connection: sqlite3.Connection,
        new: dict[str, tuple[Architecture, Recipe]],
        token: str | None,
        owner: str,
    ) -> list[str]:
        self._require_short_queue(connection, len(new))
        stored = [self._insert(connection, run_id, token, owner, *one) for run_id, one in new.items()]
        for run_id in new.keys() & set(stored):
            if (made := self.root / f"{_NEW}{run_id}").exists():
                made.rename(self.folder(run_id))
            run_json.keep(connection, self.root, run_id, durably=False)
        return stored

    def _require_short_queue(self, connection: sqlite3.Connection, more: int) -> None:
        waiting = connection.execute("SELECT count(*) FROM runs WHERE state = ?", (RunState.QUEUED,)).fetchone()[0]
        if waiting + more > limits.current().queued:
            raise limits.OverLimit(
                f"{waiting} runs are queued and {more} more were asked for: at most {limits.current().queued} may "
                "wait; let some finish, or stop them"
            )

    def _insert(
        self,
        connection: sqlite3.Connection,
        run_id: str,
        token: str | None,
        owner: str,
        architecture: Architecture,
        recipe: Recipe,
    ) -> str:
        connection.execute(
            "INSERT INTO runs (number, id, token, turn, name, architecture_json, recipe_json, params, threads, state,"
            f" created, owner) VALUES ({_next('number')}, ?, ?, {_next('turn')}, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (token) DO NOTHING",
            (
                run_id,
                token,
                architecture.name,
                architecture.model_dump_json(),
                recipe.model_dump_json(),
                require(architecture).params,
                min(recipe.threads, cores()) or cores(),
                RunState.QUEUED,
                time.time(),
                owner,
            ),
        )
        row = connection.execute("SELECT id FROM runs WHERE id = ? OR token = ?", (run_id, token)).fetchone()
        return str(row[0])

    def request_stop(self, run_id: str, by: User | None = None) -> Run:
        """Ask a run to end: at once if it waits in the queue, else at its worker's next look.

        Raises WrongState for a run that has ended already, NotYours for somebody else's.
        """
        _require_right(self.run(run_id), by)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE runs SET state = ?, ended = ?, stage = '' WHERE id = ? AND state = ?",
                (RunState.STOPPED, time.time(), run_id, RunState.QUEUED),
            )
            connection.execute(
                f"UPDATE runs SET stop_requested = 1, stage = 'stopping' WHERE id = ? AND state IN ({quoted(CLAIMED)})",
                (run_id,),
            )

        self.changing(run_id, work)
        run = self.run(run_id)
        if not run.stop_requested and run.state is not RunState.STOPPED:
            raise WrongState(f"run {run.id}: it is {run.state} already; there is nothing to stop")
        return run

    def resume(self, run_id: str, by: User | None = None) -> Run:
        """Put an interrupted or stopped run back into the queue.

        Raises WrongState for any other, NotYours for somebody else's, OverLimit for more than is allowed here.
        """
        _require_right(self.run(run_id), by)
        limits.require_room(self.root)
        self.sweep()  # a deletion that was cut off may have left the run without its folder

        def work(connection: sqlite3.Connection) -> int:
            self._require_short_queue(connection, 1)
            resumed = connection.execute(
                "UPDATE runs SET state = ?, stop_requested = 0, ended = NULL, message = '', stage = '',"
                f" step = 0, images_per_second = NULL, turn = {_next('turn')}"
                f" WHERE id = ? AND state IN ({quoted(RESUMABLE)})",
                (RunState.QUEUED, run_id),
            ).rowcount
            if resumed:
                say_what_is_missing(connection, run_id)
            return resumed

        done = self.changing(run_id, work)
        run = self.run(run_id)
        if not done:
            raise WrongState(f"run {run.id}: it is {run.state}; only an interrupted or stopped run can be resumed")
        return run

    def explain(self, run: Run, said: str, reason: str) -> None:
        """Say why a run was interrupted of which no more than `said` was known, and perhaps what it lacks."""
        if reason != said:
            self._change(
                run.id,
                "UPDATE runs SET message = ? || substr(message, ?)"
                " WHERE id = ? AND state = ? AND substr(message || '; ', 1, ?) = ?",
                reason,
                len(said) + 1,
                run.id,
                RunState.INTERRUPTED,
                len(said) + 2,
                f"{said}; ",
            )

    def delete(self, run_id: str, by: User | None = None) -> None:
        """Remove a run that is not active, or is damaged: its row, its epochs and its folder, together.

        The folder gets another name inside the transaction and is emptied after it; killed in between, the next
        `sweep` finishes it or takes it back. Raises WrongState for an active run, NotYours for somebody else's,
        StoreError where the disk does not let it happen; the run is as it was then.
        """
        run = self.found(run_id)
        _require_right(run, by)
        folder, doomed = self.folder(run.id), self._doomed(run.id)
        try:
            with self.database.writing() as connection:
                if isinstance(run, DamagedRun):
                    connection.execute("DELETE FROM runs WHERE number = ?", (run.number,))
                elif not connection.execute(
                    f"DELETE FROM runs WHERE id = ? AND state NOT IN ({quoted(ACTIVE)})", (run.id,)
                ).rowcount:
                    raise WrongState(f"run {run.id}: it is {self.run(run.id).state}; stop it before deleting it")
                if RUN_ID.fullmatch(run.id) and folder.exists():
                    folder.rename(doomed)
                    sync_folder(self.root)  # before the row goes: it could not be found again in a folder that stayed
        finally:
            self.sweep()

    def sweep(self) -> None:
        """Finish what was cut off: a deletion's folder whose row is gone goes, one whose row stayed comes back; a
        folder that was made for a run an hour ago and never got its row goes. Raises StoreError.
        """
        for folder in self.root.glob(f"{_NEW}*"):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
        found = {folder.name.removeprefix(_DOOMED): folder for folder in self.root.glob(f"{_DOOMED}*")}
        if not found:
            return
        with self.database.writing() as connection:  # so that no deletion is between its rename and its commit
            stayed = {run_id for (run_id,) in connection.execute("SELECT id FROM runs")} & found.keys()
            for run_id in stayed:
                with suppress(OSError):  # somebody else has done it meanwhile, or a folder is in the way
                    found[run_id].rename(self.folder(run_id))
        for run_id in found.keys() - stayed:
            shutil.rmtree(found[run_id], ignore_errors=True)

    def _doomed(self, run_id: str) -> Path:
        return self.root / f"{_DOOMED}{run_id}"


def _require_right(run: Run | DamagedRun, by: User | None) -> None:
    if not by or by.is_administrator:
        return
    if isinstance(run, DamagedRun):
        raise NotOwner(f"run {run.id}: damaged: only an administrator may delete it")
    if not by.may_change(run):
        raise NotOwner(
            f"run {run.id}: started by {run.owner or 'someone without a name'}: only they or an administrator may "
            "stop, resume or delete it"
        )


def _next(column: str) -> str:
    """The first number that follows all others in a column of `runs`, as SQL.

    Damaged ones are no numbers, and those in the upper half of what is allowed were written by hand: none could follow.
    """
    known = f"FROM runs WHERE typeof({column}) = 'integer' AND {column} <= {LARGEST // 2}"
    return f"(SELECT coalesce(max({column}), 0) + 1 {known})"
