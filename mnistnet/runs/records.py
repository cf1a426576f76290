"""`run.json`: all that the database knows of a run, once more in the run's own folder.

The database is the truth; it is built anew from these files where it is damaged or gone. Each is written in the
transaction that changes the run; it is behind what was committed only where the disk took the one and not the other.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mnistnet.errors import MnistnetError
from mnistnet.nets import architecture as designs
from mnistnet.nets.geometry import require
from mnistnet.runs.durable import write_whole
from mnistnet.runs.rows import insert
from mnistnet.runs.run import State
from mnistnet.training import recipe as recipes

NAME, DESIGN, RECIPE = "run.json", "design.json", "recipe.json"
VERSION = 1
_REQUIRED = {"turn": 0, "threads": 1}
_LOST = "the database was damaged, and this run's own record with it: its curve is lost; Resume trains it anew"


def keep(connection: sqlite3.Connection, root: Path, run_id: str, *, durably: bool = True) -> None:
    """Write the run's file from what the transaction at hand sees. Raises NotSaved."""
    run = _rows(connection, "SELECT * FROM runs WHERE id = ?", run_id)
    folder = root / run_id
    if not run or not folder.is_dir():  # nothing of it can be lost any more
        return
    epochs = _rows(connection, "SELECT * FROM epochs WHERE run = ? ORDER BY epoch", run_id)
    text = json.dumps({"version": VERSION, "run": run[0], "epochs": epochs}, indent=1)
    if durably:
        write_whole(folder / NAME, text.encode())
    else:
        (folder / NAME).write_text(text, "utf-8")


@dataclass(frozen=True)
class Records:
    """The records of a store, as what its database can be filled from."""

    root: Path

    def exist(self) -> bool:
        """Whether the store's folders hold runs."""
        return any(True for _ in _folders(self.root))

    def keep_all(self, connection: sqlite3.Connection) -> None:
        """Write every run's file."""
        for (run_id,) in connection.execute("SELECT id FROM runs").fetchall():
            keep(connection, self.root, run_id)

    def restore(self, connection: sqlite3.Connection) -> None:
        """Put the run of every folder into the empty tables, each as it was when its file was last written.

        A folder of which neither record nor design and recipe can be read is left where it is.
        """
        found = [read for folder in _folders(self.root) if (read := _read(folder) or _remains(folder))]
        for run, epochs in sorted(found, key=lambda pair: (pair[0]["created"], pair[0]["turn"])):
            tables = {"runs": [{**run, "number": None}], "epochs": epochs}
            known = {table: _columns(connection, table) for table in tables}
            insert(connection, {table: [_kept(row, known[table]) for row in some] for table, some in tables.items()})


def _folders(root: Path) -> Iterator[Path]:
    names = (NAME, DESIGN)
    return (
        folder
        for folder in (root.iterdir() if root.is_dir() else ())
        if not folder.name.startswith(".") and any((folder / name).is_file() for name in names)
    )


_Found: TypeAlias = tuple[dict[str, Any], list[dict[str, Any]]]


def _read(folder: Path) -> _Found | None:
    try:
        document = json.loads((folder / NAME).read_bytes())
        run, epochs = document["run"], document["epochs"]
        State(run["state"])
        designs.parse(run["architecture_json"])
        recipes.parse(run["recipe_json"])
        whole = run["id"] == folder.name and all(row["run"] == folder.name for row in epochs)
        return ({**_REQUIRED, **run}, epochs) if whole else None
    except (OSError, ValueError, KeyError, TypeError, MnistnetError):
        return None


def _remains(folder: Path) -> _Found | None:
    """A run of which only design and recipe are left."""
    try:
        design, recipe = (folder / DESIGN).read_bytes(), (folder / RECIPE).read_bytes()
        architecture, fields = designs.parse(design), recipes.parse(recipe)
        run = {
            **_REQUIRED,
            "id": folder.name,
            "name": architecture.name,
            "architecture_json": architecture.model_dump_json(),
            "recipe_json": recipes.recipe(fields).model_dump_json(),
            "params": require(architecture).params,
            "state": State.INTERRUPTED,
            "message": _LOST,
            "created": folder.stat().st_mtime,
        }
    except (OSError, MnistnetError):
        return None
    return run, []


def _rows(connection: sqlite3.Connection, query: str, run_id: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query, (run_id,))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _kept(row: dict[str, Any], columns: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in columns}
