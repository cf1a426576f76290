"""A database that comes from elsewhere: its rows as plain values, and whether a store could have written them.

SQLite itself lets any type into any column, and executes what a schema says.
"""

import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from mnistnet import strict_json
from mnistnet.errors import BadInput
from mnistnet.runs.store import bounds, schema
from mnistnet.runs.store.database import text
from mnistnet.runs.store.schema import TABLES, VERSION, Row, Rows

_TYPES = {"INTEGER": int, "REAL": float, "TEXT": str}


class ForeignRows(BadInput):
    """No store has written this database."""


def read(path: Path) -> Rows:
    """Every row of every table. Raises sqlite3.Error."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = text
        return {table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in TABLES}


def delete_damaged(path: Path) -> int:
    """Delete every run that has a fault, and epochs that belong to no run; how many runs. Raises sqlite3.Error."""
    found = read(path)
    numbers = [run["number"] for run in found["runs"] if bounds.run_fault(run)]
    damaged = {epoch["run"] for epoch in found["epochs"] if bounds.epoch_fault(epoch)}
    numbers += [run["number"] for run in found["runs"] if run["id"] in damaged and run["number"] not in numbers]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("DELETE FROM runs WHERE number = ?", [(number,) for number in numbers])
        connection.execute("DELETE FROM epochs WHERE run NOT IN (SELECT id FROM runs)")
    return len(numbers)


def require_own_schema(path: Path) -> None:
    """ForeignRows unless the file is whole, of our version or an older one, and its schema that of a store."""
    try:
        with closing(sqlite3.connect(path)) as connection, closing(_empty()) as own:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise ForeignRows(f"made by a newer mnistnet (store version {version}); update mnistnet")
            # Checked first: the statements below would execute a trigger, or the expression of a computed column.
            needed = {("table", table) for table in TABLES}
            if version < 1 or not needed <= _objects(connection) <= _objects(own) or _computes(connection):
                raise ForeignRows("its database is not that of a store; use another backup")
            if connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
                raise ForeignRows("its database is damaged; use another backup")
    except sqlite3.Error as error:
        raise ForeignRows(f"its database cannot be read ({error}); use another backup") from None


def require_own_values(rows: Rows) -> None:
    """ForeignRows unless every value is one that a store of our version may hold."""
    with closing(_empty()) as own:
        for table in TABLES:
            columns = {row[1]: row for row in own.execute(f"PRAGMA table_info({table})")}
            for row in rows[table]:
                wrong = [name for name in row if name not in columns or not _fits(row[name], columns[name])]
                if wrong or len(row) != len(columns):
                    raise _foreign(table, *wrong)
    longest = {}
    for run in rows["runs"]:
        if fault := bounds.run_fault(run):
            raise ForeignRows(f"its table runs holds what no run can have ({fault}); use another backup")
        longest[run["id"]] = bounds.epochs_of(run["recipe_json"])
    for epoch in rows["epochs"]:
        if fault := bounds.epoch_fault(epoch):
            raise ForeignRows(f"its table epochs holds what no run can have ({fault}); use another backup")
        if epoch["epoch"] > longest.get(epoch["run"], 0):
            raise _foreign("epochs", epoch["run"], epoch["epoch"])


def renumbered(runs: list[Row]) -> list[Row]:
    """The rows of `runs` in their order, with numbers and places in the queue that begin at 1, as in a new store."""
    turns = {run["id"]: turn for turn, run in enumerate(sorted(runs, key=lambda run: run["turn"]), start=1)}
    in_order = sorted(runs, key=lambda run: run["number"])
    return [{**run, "number": number, "turn": turns[run["id"]]} for number, run in enumerate(in_order, start=1)]


def _fits(value: object, column: tuple[Any, ...]) -> bool:
    """True where the value is of the type that PRAGMA table_info gives for its column."""
    _, _, kind, is_required, _, _ = column
    if value is None:
        return not is_required
    return type(value) is _TYPES[kind] and (not isinstance(value, float) or math.isfinite(value))


def _objects(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(connection.execute("SELECT type, name FROM sqlite_master").fetchall())


def _computes(connection: sqlite3.Connection) -> bool:
    columns = [row for table in TABLES for row in connection.execute(f"PRAGMA table_xinfo({table})")]
    return any(row[6] for row in columns)  # its column "hidden"


def _empty() -> sqlite3.Connection:
    """A database in memory with a store's tables."""
    connection = sqlite3.connect(":memory:")
    schema.create(connection)
    return connection


def _foreign(table: str, *what: object) -> ForeignRows:
    return ForeignRows(f"its table {table} holds what no store writes ({strict_json.shown(what)}); use another backup")
