"""One SQLite file: its connections, its transactions, its version. Knows tables only by `schema.sql`.

Journal mode stays DELETE: with WAL, SQLite before 3.51.3 can lose committed pages when two processes
checkpoint at once. Every call opens and closes a connection of its own, so that any process may read and
write at any time.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from mnistnet.errors import SaveFailed

VERSION = 1
BUSY_SECONDS = 30


class StoreError(SaveFailed):
    """The store cannot be read or written; the message says where and why."""


class Database:
    """The file at `path`, made with its tables at the first write."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """What the query finds; nothing where nothing was ever stored. Raises StoreError."""
        try:
            if not self.path.exists():
                return []
            with closing(self._connect()) as connection:
                # Version 0: the transaction that makes the tables is under way, or was cut off.
                return connection.execute(query, values).fetchall() if self._version(connection) else []
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self.path}: {error}; nothing was changed") from None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone with the file from its beginning; all of it or nothing. Raises StoreError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                self._make_tables(connection)
                yield connection
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self.path}: {error}; nothing was changed") from None

    def change(self, statement: str, *values: object) -> bool:
        """One statement as one transaction; whether it changed any row. Raises StoreError."""
        with self.writing() as connection:
            return bool(connection.execute(statement, values).rowcount)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        if self._version(connection) == 0:
            for statement in files("mnistnet.runs").joinpath("schema.sql").read_text().split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")

    def _version(self, connection: sqlite3.Connection) -> int:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > VERSION:
            raise StoreError(f"{self.path}: made by a newer mnistnet (store version {version}); update mnistnet")
        return version
