"""One SQLite file: its connections, its transactions, its version, its repair. Knows tables only by `schema.sql`.

Journal mode stays DELETE: with WAL, SQLite before 3.51.3 can lose committed pages when two processes
checkpoint at once. Every call opens and closes a connection of its own, so that any process may read and
write at any time.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from mnistnet.errors import SaveFailed
from mnistnet.runs.files import locks

T = TypeVar("T")

VERSION = 3
BUSY_SECONDS = 30
_DELETION_SECONDS = 0.2
SET_ASIDE = "damaged-"  # what follows the file's name, before the time
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# What each older version needs to become the next one.
_STEPS = {
    1: ("ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT ''",),
    2: (
        "ALTER TABLE runs ADD COLUMN validation_answers_sha256 TEXT",
        "ALTER TABLE runs ADD COLUMN test_answers_sha256 TEXT",
        "ALTER TABLE epochs ADD COLUMN guesses_sha256 TEXT",
    ),
}


class StoreError(SaveFailed):
    """The store cannot be read or written; the message says where and why."""


class GoneError(StoreError):
    """Where the store was, there is none any more."""


class DamagedError(StoreError):
    """The database was damaged; it is set aside now, and the next transaction makes a new one."""


class Copies(Protocol):
    """Where the contents lie once more, for a database that is damaged or gone."""

    def exist(self) -> bool:
        """Whether there is anything to fill the tables with."""

    def restore(self, connection: sqlite3.Connection) -> None:
        """Fill the empty tables."""

    def keep_all(self, connection: sqlite3.Connection) -> None:
        """Write the copies of everything."""


class Database:
    """The file at `path`, with its tables, filled from the copies where there are any.

    It is made by a transaction that is `new`, or where copies are left of it; by no other.
    """

    def __init__(self, path: Path, copies: Copies) -> None:
        self.path, self._copies = path, copies

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the query finds; nothing where nothing was ever stored. Raises StoreError."""
        try:
            require_folder(self.path.parent)
            return self._rows(query, *values)
        except (sqlite3.Error, OSError) as error:
            if not _is_damage(error):
                raise self._failed(error) from None
        self._set_aside()
        try:
            return self._rows(query, *values)
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from None

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        if self.path.exists():
            with closing(self._connect()) as connection:
                if self._version(connection) == VERSION:
                    return connection.execute(query, values).fetchall()
        elif not self.exists():
            return []
        # Version 0: the transaction that makes the tables is under way, or was cut off, or the file was emptied.
        if not self._migrated() and not self._copies.exist():
            return []
        with self.writing() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def writing(self, *, new: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction, alone with the file from its beginning; all of it or nothing.

        `new`: it may be the store's first. Raises GoneError where it is not and there is no store, StoreError.
        """
        try:
            require_folder(self.path.parent)
            with closing(self._begun(new=new)) as connection:
                yield connection
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            if _is_damage(error):
                self._set_aside()
                raise DamagedError(
                    f"{self.path}: {error}; it is set aside and built anew from the runs' folders; try again"
                ) from None
            raise self._failed(error) from None

    def _begun(self, *, new: bool) -> sqlite3.Connection:
        """A connection with its transaction open and all tables there."""
        if new:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        elif not self.exists():
            raise GoneError(
                f"{self.path.parent}: there is no store any more: deleted or moved; set MNISTNET_STORE to where it is"
            )
        try:
            return self._try_to_begin()
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise
        self._set_aside()
        return self._try_to_begin()

    def _try_to_begin(self) -> sqlite3.Connection:
        self._migrated()
        connection = self._connect(new=True)
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._make_tables(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def exists(self) -> bool:
        """Whether there is a store here: the file, or copies to make it from that stay there."""
        if self.path.exists():
            return True
        if not self._copies.exist():
            return False
        time.sleep(_DELETION_SECONDS)  # who deletes a store folder by folder may have begun with its database
        return self.path.exists() or self._copies.exist()

    def transact(self, work: Callable[[sqlite3.Connection], T], *, new: bool = False) -> T:
        """One transaction with `work` in it, done again where it finds the file damaged. Raises as `writing`."""
        try:
            with self.writing(new=new) as connection:
                return work(connection)
        except DamagedError:
            with self.writing(new=new) as connection:
                return work(connection)

    def change(self, statement: str, *values: object) -> bool:
        """One statement as one transaction; whether it changed any row. Raises StoreError."""
        return self.transact(lambda connection: bool(connection.execute(statement, values).rowcount))

    def copy_to(self, path: Path) -> None:
        """The whole database as it is now, in a file of its own. Raises StoreError."""
        try:
            with closing(self._connect()) as connection:
                connection.execute("VACUUM INTO ?", (str(path),))
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from None

    def set_aside(self) -> list[Path]:
        """Databases that were damaged and replaced; the newest last."""
        return sorted(self.path.parent.glob(f"{self.path.name}.{SET_ASIDE}*"))

    def _connect(self, *, new: bool = False) -> sqlite3.Connection:
        # Without "c": a file that has just gone is not made anew, empty, by whoever only looks.
        place = f"file:{quote(os.fsencode(self.path))}?mode={'rwc' if new else 'rw'}"
        connection = sqlite3.connect(place, timeout=BUSY_SECONDS, isolation_level=None, uri=True)
        connection.text_factory = text
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        if self._version(connection) == 0:
            for statement in files("mnistnet.runs.store").joinpath("schema.sql").read_text("utf-8").split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            self._copies.restore(connection)

    def _version(self, connection: sqlite3.Connection) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise StoreError(f"{self.path}: made by a newer mnistnet (store version {version}); update mnistnet")
        return version

    def _migrated(self) -> bool:
        """Whether there are tables; those of an older version are brought to this one."""
        if not self.path.exists():
            return False
        with closing(self._connect()) as connection:
            version = self._version(connection)
        if 0 < version < VERSION:
            self._migrate()
        return version > 0

    def _migrate(self) -> None:
        """A copy of the older file first, then all steps in one transaction."""
        lock = locks.hold(self._lock, BUSY_SECONDS)
        if lock is None:
            raise StoreError(f"{self.path}: another process has been changing its version for long; try again")
        with lock, closing(self._connect()) as connection:
            version = self._version(connection)
            if version == VERSION:
                return
            backup = self.path.with_name(f"{self.path.name}.version-{version}")
            if not backup.exists():
                self.copy_to(backup)
            connection.execute("BEGIN IMMEDIATE")
            for step in range(version, VERSION):
                for statement in _STEPS[step]:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
            self._copies.keep_all(connection)
            connection.execute("COMMIT")

    def _set_aside(self) -> None:
        """Give a damaged file another name, so that the next transaction makes a new one from the copies."""
        try:
            lock = locks.hold(self._lock, BUSY_SECONDS)
            if lock is None:
                return
            with lock:
                if self._is_damaged():  # else someone else has done it meanwhile
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

    @property
    def _lock(self) -> Path:
        return self.path.with_name("database.lock")

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(f"{self.path}: {error}; nothing was changed")


def text(data: bytes) -> str:
    """What stands in a column of texts: bytes that are no UTF-8 come as surrogates, which no text of ours holds."""
    return data.decode("utf-8", "surrogateescape")


def require_folder(root: Path) -> None:
    """StoreError where something else than a folder is in the store's place."""
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root}: no folder: a store is a folder; set MNISTNET_STORE to one")


def _is_damage(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE
