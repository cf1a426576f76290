"""The tables of a store: making them, bringing older ones to this version, filling them. Knows no file.

Every function raises sqlite3.Error.
"""

import sqlite3
from importlib.resources import files
from typing import Any, TypeAlias

VERSION = 5
TABLES = ("runs", "epochs")
# What each older version needs to become the next one.
_STEPS = {
    1: ("ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT ''",),
    2: (
        "ALTER TABLE runs ADD COLUMN validation_answers_sha256 TEXT",
        "ALTER TABLE runs ADD COLUMN test_answers_sha256 TEXT",
        "ALTER TABLE epochs ADD COLUMN guesses_sha256 TEXT",
    ),
    3: (
        "ALTER TABLE runs ADD COLUMN started_from TEXT",
        "ALTER TABLE runs ADD COLUMN epochs_before INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN start_sha256 TEXT",
    ),
    4: (
        "ALTER TABLE runs ADD COLUMN search TEXT",
        "ALTER TABLE runs ADD COLUMN trial INTEGER",
        "ALTER TABLE runs ADD COLUMN scored INTEGER NOT NULL DEFAULT 1",
    ),
}

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = dict[str, list[Row]]  # of each table


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, empty, within the transaction at hand."""
    for statement in files(__package__).joinpath("schema.sql").read_text("utf-8").split(";\n"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Bring tables of the older `version` to this one, within the transaction at hand."""
    for older in range(version, VERSION):
        for statement in _STEPS[older]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def insert(connection: sqlite3.Connection, rows: Rows) -> None:
    """Put rows into the tables."""
    for table in TABLES:
        for row in rows[table]:
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
