"""All rows of a store's database as plain values, and whether a store could have written them. Changes nothing.

For databases that come from elsewhere: SQLite itself lets any type into any column, and runs what a schema says.
"""

import math
import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

from mnistnet import strict_json
from mnistnet.errors import BadInput
from mnistnet.runs.store import bounds
from mnistnet.runs.store.database import VERSION, text

TABLES = ("runs", "epochs")
_TYPES = {"INTEGER": int, "REAL": float, "TEXT": str}

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = dict[str, list[Row]]  # of each table


class ForeignRows(BadInput):
    """No store has written this database."""


def read(path: Path) -> Rows:
    """Every row of every table. Raises sqlite3.Error."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = text
        return {table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in TABLES}


def drop_damaged(path: Path) -> int:
    """Take out every run that is damaged, and what belongs to no run; how many runs. Raises sqlite3.Error."""
    found = read(path)
    numbers = [run["number"] for run in found["runs"] if bounds.run_fault(run)]
    damaged = {epoch["run"] for epoch in found["epochs"] if bounds.epoch_fault(epoch)}
    numbers += [run["number"] for run in found["runs"] if run["id"] in damaged and run["number"] not in numbers]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("DELETE FROM runs WHERE number = ?", [(number,) for number in numbers])
        connection.execute("DELETE FROM epochs WHERE run NOT IN (SELECT id FROM runs)")
    return len(numbers)


def insert(connection: sqlite3.Connection, rows: Rows) -> None:
    """Put the rows into the tables of a store. Raises sqlite3.Error."""
    for table in TABLES:
        for row in rows[table]:
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))


def require_own_form(path: Path) -> None:
    """ForeignRows unless the file is whole, of our version or an older one, and holds what a store's holds."""
    try:
        with closing(sqlite3.connect(path)) as connection, closing(_empty()) as own:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise ForeignRows(f"made by a newer mnistnet (store version {version}); update mnistnet")
            # Looked at first: a trigger, or a table that computes its values, would be run by what follows.
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


def numbered(runs: list[Row]) -> list[Row]:
    """The rows of `runs` in their order, for a store that counts them anew: places in lists and queues are its own."""
    turns = {run["id"]: turn for turn, run in enumerate(sorted(runs, key=lambda run: run["turn"]), start=1)}
    in_order = sorted(runs, key=lambda run: run["number"])
    return [{**run, "number": number, "turn": turns[run["id"]]} for number, run in enumerate(in_order, start=1)]


def _fits(value: object, column: tuple[Any, ...]) -> bool:
    """Whether the value is of the type that PRAGMA table_info gives for its column."""
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
    connection.executescript(files("mnistnet.runs.store").joinpath("schema.sql").read_text("utf-8"))
    return connection


def _foreign(table: str, *what: object) -> ForeignRows:
    return ForeignRows(f"its table {table} holds what no store writes ({strict_json.shown(what)}); use another backup")
