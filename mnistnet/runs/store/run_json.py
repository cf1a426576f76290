"""`run.json`: a copy in each run's folder of all that the database knows of the run.

The database is the truth; it is built anew from these files where it is damaged or gone. Each is written in the
transaction that changes the run; it is behind the database only where the disk took the one and not the other.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mnistnet.errors import MnistnetError
from mnistnet.nets import architecture as designs
from mnistnet.nets.summary import require
from mnistnet.runs.files.atomic import write_atomic
from mnistnet.runs.files.contents import contents
from mnistnet.runs.files.names import DESIGN, RECIPE, RUN_ID, RUN_JSON, START
from mnistnet.runs.run import RunState
from mnistnet.runs.store import bounds
from mnistnet.runs.store.schema import TABLES, Row, insert
from mnistnet.training import recipe as recipes

VERSION = 1
SET_ASIDE = "damaged-"  # how the name of a folder begins that was set aside
_REQUIRED = {"turn": 0, "threads": 1}
_NEEDED_OF_RUN = {"id", "name", "architecture_json", "recipe_json", "params", "state", "created"}
_NEEDED_OF_EPOCH = {"run", *bounds.EPOCH} - {"guesses_sha256"}
_MOST_BYTES = 4 * 1024**2  # a hundred epochs take some 50,000
_LOST = "the database was damaged, and this run's own record with it: its curve is lost; Resume trains it anew"

_RunAndEpochs: TypeAlias = tuple[Row, list[Row]]


@dataclass(frozen=True)
class RunFiles:
    """The `run.json` of every run below the folder `root`."""

    root: Path

    def exist(self) -> bool:
        """True where the folder holds runs."""
        return any(True for _ in self._folders())

    def write(self, connection: sqlite3.Connection, run_id: str, *, durably: bool = True) -> None:
        """Write the run's file from what the transaction at hand sees, unless the run or its folder is gone.

        Rows that have a fault are not written: the file keeps what was written last. Raises WriteError, and OSError
        where it need not be durable.
        """
        if not bounds.RUN["id"].allows(run_id):
            return
        run = _rows(connection, "SELECT * FROM runs WHERE id = ?", run_id)
        folder = self.root / run_id
        if not run or not folder.is_dir():
            return
        epochs = _rows(connection, "SELECT * FROM epochs WHERE run = ? ORDER BY epoch", run_id)
        if bounds.run_fault(run[0]) or any(map(bounds.epoch_fault, epochs)):
            return
        text = json.dumps({"version": VERSION, "run": run[0], "epochs": epochs}, indent=1)
        if durably:
            write_atomic(folder / RUN_JSON, text.encode())
        else:
            (folder / RUN_JSON).write_text(text, "utf-8")

    def write_all(self, connection: sqlite3.Connection) -> None:
        """Write every run's file. Raises as `write`."""
        for (run_id,) in connection.execute("SELECT id FROM runs").fetchall():
            self.write(connection, run_id)

    def restore(self, connection: sqlite3.Connection) -> None:
        """Put the run of every folder into the empty tables, each as it was when its file was last written.

        A folder is set aside under another name where its file has a fault, or where neither its file nor its design
        and recipe can be read.
        """
        columns = {table: _columns(connection, table) for table in TABLES}
        found = []
        for folder in list(self._folders()):
            try:
                found.append(_read(folder, columns) or _from_design(folder))
            except _Unusable:
                _set_aside(folder)
        for run, epochs in sorted(found, key=lambda pair: (pair[0]["created"], pair[0]["turn"])):
            connection.execute("SAVEPOINT run")
            try:
                insert(connection, {"runs": [{**run, "number": None}], "epochs": epochs})
            except sqlite3.IntegrityError:  # its token, or an epoch, is there already
                connection.execute("ROLLBACK TO run")
                _set_aside(self.root / run["id"])
            connection.execute("RELEASE run")

    def set_aside(self) -> list[Path]:
        """Folders of runs that could not be taken into a new database."""
        return sorted(path for path in self.root.glob(f"{SET_ASIDE}*") if path.is_dir())

    def _folders(self) -> Iterator[Path]:
        return (
            folder
            for folder in (self.root.iterdir() if self.root.is_dir() else ())
            if RUN_ID.fullmatch(folder.name) and any((folder / name).is_file() for name in (RUN_JSON, DESIGN))
        )


class _Unusable(Exception):  # noqa: N818 - never leaves this module
    """The files of a run cannot be put into the tables."""


def _set_aside(folder: Path) -> None:
    name = f"{SET_ASIDE}{folder.name}"
    taken = len(list(folder.parent.glob(f"{name}*")))
    folder.rename(folder.with_name(f"{name}-{taken}" if taken else name))


def _read(folder: Path, columns: dict[str, set[str]]) -> _RunAndEpochs | None:
    """The rows in the folder's `run.json`; None where there is none, or it is another run's. Raises _Unusable."""
    try:
        document = json.loads(contents(folder / RUN_JSON, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not (document.get("run") or document.get("epochs")):
        return None  # it holds nothing that could be lost
    try:
        run, epochs = document["run"], document["epochs"]
        if run["id"] != folder.name or any(row["run"] != folder.name for row in epochs):
            return None
        rows = [_known(row, columns["epochs"]) for row in epochs]
        run = _known({**_REQUIRED, **run}, columns["runs"] - {"number"})
    except (LookupError, TypeError, AttributeError):
        raise _Unusable from None
    whole = run.keys() >= _NEEDED_OF_RUN and all(row.keys() >= _NEEDED_OF_EPOCH for row in rows)
    if not whole or bounds.run_fault({**run, "epochs_done": len(rows)}) or any(map(bounds.epoch_fault, rows)):
        raise _Unusable
    return run, rows


def _from_design(folder: Path) -> _RunAndEpochs:
    """The row of an interrupted run without epochs, from the folder's design and recipe. Raises _Unusable."""
    if (folder / START).exists():  # nothing says any more how many epochs were trained before
        raise _Unusable
    try:
        architecture, recipe = designs.load(folder / DESIGN), recipes.recipe(recipes.load(folder / RECIPE))
        run = {
            **_REQUIRED,
            "id": folder.name,
            "name": architecture.name,
            "architecture_json": architecture.model_dump_json(),
            "recipe_json": recipe.model_dump_json(),
            "params": require(architecture).params,
            "state": RunState.INTERRUPTED,
            "message": _LOST,
            "created": folder.stat().st_mtime,
        }
    except (OSError, MnistnetError):
        raise _Unusable from None
    return run, []


def _rows(connection: sqlite3.Connection, query: str, run_id: str) -> list[Row]:
    cursor = connection.execute(query, (run_id,))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _known(row: dict[str, Any], columns: set[str]) -> Row:
    return {name: value for name, value in row.items() if name in columns}
