"""One SQLite file: its connections, its transactions, its repair. Knows its tables only through `schema`.

Journal mode stays DELETE: with WAL, SQLite before 3.51.3 can lose committed pages when two processes checkpoint at
once. Every call opens and closes a connection of its own, so that any process may read and write at any time.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from mnistnet.errors import SaveFailed
from mnistnet.runs.files import locks
from mnistnet.runs.files.atomic import WriteError
from mnistnet.runs.store import schema
from mnistnet.runs.store.run_json import RunFiles
from mnistnet.runs.store.schema import VERSION

T = TypeVar("T")

BUSY_SECONDS = 30
_DELETION_SECONDS = 0.2
SET_ASIDE = "damaged-"  # what follows the file's name, before the time
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class StoreError(SaveFailed):
    """The store cannot be read or written; the message says where and why."""


class GoneError(StoreError):
    """The store was deleted or moved."""


class DamagedError(StoreError):
    """The database was damaged and has been set aside; the next transaction makes a new one."""


class Database:
    """The file at `path` and its tables, which are restored from `run_files` where the file is damaged or gone.

    Only a transaction that is `new` makes a file where there are no run files.
    """

    def __init__(self, path: Path, run_files: RunFiles) -> None:
        self.path, self._run_files = path, run_files

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that the query returns; none where there is no store. Raises StoreError."""
        before = self._file()
        try:
            require_folder(self.path.parent)
            return self._rows(query, *values)
        except (sqlite3.Error, OSError) as error:
            if _is_damage(error):
                self._set_aside()
            elif self._file() == before:  # else another process has set the file aside meanwhile
                raise self._failed(error) from None
        try:
            return self._rows(query, *values)
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from None

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        version = 0
        if self.path.exists():
            with closing(self._connect()) as connection:
                version = self._version(connection)
                if version == VERSION:
                    return connection.execute(query, values).fetchall()
        elif not self.exists():
            return []
        # Version 0: the transaction that makes the tables is under way or was cut off, or the file was emptied.
        if version == 0 and not self._run_files.exist():
            return []
        return self.transact(lambda connection: connection.execute(query, values).fetchall())

    def change(self, statement: str, *values: object, run_id: str | None = None) -> bool:
        """Execute one statement as one transaction; whether it changed any row. Arguments and errors of `transact`."""
        return self.transact(lambda connection: bool(connection.execute(statement, values).rowcount), run_id=run_id)

    def transact(self, work: Callable[[sqlite3.Connection], T], *, run_id: str | None = None, new: bool = False) -> T:
        """The result of `work` in one transaction, which is repeated where the file turns out to be damaged.

        Arguments and errors of `transaction`.
        """
        try:
            with self.transaction(run_id=run_id, new=new) as connection:
                return work(connection)
        except DamagedError:
            with self.transaction(run_id=run_id, new=new) as connection:
                return work(connection)

    @contextmanager
    def transaction(self, *, run_id: str | None = None, new: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction that has the file to itself from its beginning; all of it is stored or nothing.

        `run_id`: the run that it changes, whose `run.json` is written before the commit. `new`: it may be the
        store's first. Raises GoneError where it is not and there is no store, DamagedError, StoreError.
        """
        try:
            require_folder(self.path.parent)
            with closing(self._begin(new=new)) as connection:
                yield connection
                if run_id is not None:
                    with suppress(WriteError):  # the database may have room where this copy has none
                        self._run_files.write(connection, run_id)
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            if _is_damage(error):
                self._set_aside()
                raise DamagedError(
                    f"{self.path}: {error}; it is set aside and built anew from the runs' folders; try again"
                ) from None
            raise self._failed(error) from None

    def _begin(self, *, new: bool) -> sqlite3.Connection:
        """A connection with an open transaction and the tables of this version."""
        if new:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        elif not self.exists():
            raise GoneError(
                f"{self.path.parent}: there is no store any more: deleted or moved; set MNISTNET_STORE to where it is"
            )
        connection = self._connect(new=True)
        try:
            if 0 < self._version(connection) < VERSION:
                self._upgrade()
            connection.execute("BEGIN IMMEDIATE")
            if self._version(connection) == 0:
                schema.create(connection)
                self._run_files.restore(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def exists(self) -> bool:
        """True where there is a store here: the file, or run files that stay there and from which it can be made."""
        if self.path.exists():
            return True
        if not self._run_files.exist():
            return False
        time.sleep(_DELETION_SECONDS)  # whoever deletes a store folder by folder may have begun with its database
        return self.path.exists() or self._run_files.exist()

    def copy_to(self, path: Path) -> None:
        """Write the whole database as it is now to a file of its own. Raises StoreError."""
        try:
            with closing(self._connect()) as connection:
                connection.execute("VACUUM INTO ?", (str(path),))
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from None

    def set_aside(self) -> list[Path]:
        """Databases that were damaged and replaced; the newest last."""
        return sorted(self.path.parent.glob(f"{self.path.name}.{SET_ASIDE}*"))

    def _connect(self, *, new: bool = False) -> sqlite3.Connection:
        # Without "c", a reader does not make an empty file in place of one that has just been removed.
        place = f"file:{quote(os.fsencode(self.path))}?mode={'rwc' if new else 'rw'}"
        connection = sqlite3.connect(place, timeout=BUSY_SECONDS, isolation_level=None, uri=True)
        connection.text_factory = text
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _version(self, connection: sqlite3.Connection) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise StoreError(f"{self.path}: made by a newer mnistnet (store version {version}); update mnistnet")
        return version

    def _upgrade(self) -> None:
        """Copy the file of an older version, then bring it to this one in one transaction."""
        lock = locks.hold(self._lock, BUSY_SECONDS)
        if lock is None:
            raise StoreError(f"{self.path}: another process has been changing its version for long; try again")
        with lock, closing(self._connect()) as connection:
            version = self._version(connection)
            if version == VERSION:  # another process has done it meanwhile
                return
            backup = self.path.with_name(f"{self.path.name}.version-{version}")
            if not backup.exists():
                self.copy_to(backup)
            connection.execute("BEGIN IMMEDIATE")
            schema.upgrade(connection, version)
            self._run_files.write_all(connection)
            connection.execute("COMMIT")

    def _set_aside(self) -> None:
        """Rename a damaged file, so that the next transaction makes a new one from the run files."""
        try:
            lock = locks.hold(self._lock, BUSY_SECONDS)
            if lock is None:
                return
            with lock:
                if self._is_damaged():  # else another process has done it meanwhile
                    stamp = time.strftime("%Y%m%d-%H%M%S")
                    number = len(self.set_aside())
                    with suppress(FileNotFoundError):
                        self.path.rename(self.path.with_name(f"{self.path.name}.{SET_ASIDE}{stamp}-{number}"))
        except OSError as error:
            what = f"damaged, and cannot be set aside: {error.strerror}; make its folder writable"
            raise StoreError(f"{self.path}: {what}") from None

    def _is_damaged(self) -> bool:
        try:
            with closing(self._connect()) as connection:
                return bool(connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
        except sqlite3.Error as error:
            return _is_damage(error)

    def _file(self) -> int | None:
        """The number of the file in this place, which a file that is set aside keeps; None where there is none."""
        try:
            return self.path.stat().st_ino
        except OSError:
            return None

    @property
    def _lock(self) -> Path:
        return self.path.with_name("database.lock")

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(f"{self.path}: {error}; nothing was changed")


def text(data: bytes) -> str:
    """A connection's `text_factory`: bytes that are not UTF-8 become surrogates, which no text of a store holds."""
    return data.decode("utf-8", "surrogateescape")


def require_folder(root: Path) -> None:
    """StoreError where something else than a folder is in the store's place."""
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root}: no folder: a store is a folder; set MNISTNET_STORE to one")


def _is_damage(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE
