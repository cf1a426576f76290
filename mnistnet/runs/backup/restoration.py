"""A backup put back into an empty store, all of it or nothing. Knows no torch."""

import json
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from mnistnet.errors import BadInput
from mnistnet.nets import architecture as designs
from mnistnet.runs.backup import archive, foreign_database
from mnistnet.runs.backup.archive import ArchiveError, Manifest
from mnistnet.runs.backup.backup import (
    NO_SEARCHES,
    BackupError,
    Beside,
    Contents,
    contents,
    exclusive_folder,
    is_of_run,
    require_space,
)
from mnistnet.runs.backup.foreign_database import ForeignRows
from mnistnet.runs.files.atomic import sync_folder, write_atomic
from mnistnet.runs.files.names import DESIGN, RECIPE
from mnistnet.runs.run import ACTIVE, RunState
from mnistnet.runs.store import bounds, schema
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.run_json import RunFiles
from mnistnet.runs.store.schema import Row, Rows
from mnistnet.runs.store.store import Store
from mnistnet.training import recipe as recipes

_STAGE = ".restoring"  # the hidden folder of a store in which a restoration works
_PLACING = "placing.json"  # the folders that are being moved from there to their place


def restore(file: Path, store: Store, searches: Beside = NO_SEARCHES) -> Contents:
    """Fill an empty store from a backup, all of it or nothing.

    No restored run begins to train by itself, as it may be training on where it comes from: what was queued comes
    back as stopped, what was starting or running as interrupted, each with a message; `resume` goes on with them
    after their last stored epoch. All others come back as they were. Searches are settled: none goes on by itself.

    Killed, it leaves the store empty; called again, it begins anew. Raises ArchiveError for a file that is no backup,
    damaged or of a newer version, BackupError for a store that is not empty, WriteError or StoreError where the disk
    does not take it.
    """
    try:
        known = store.database.path.name
        manifest = archive.read(file, lambda name: name == known or is_of_run(name) or searches.has(name))
        with exclusive_folder(store, _STAGE, undo=partial(_take_back, store, searches)) as stage:
            if held := store.runs():
                raise _not_empty(store, f"holds {len(held)} runs")
            require_space(store.root, manifest.bytes)
            archive.unpack(file, manifest, stage)
            rows = _checked_rows(stage, manifest, file)
            runs = [_ended(run, manifest.made) for run in foreign_database.renumbered(rows["runs"])]
            _settle(stage, manifest, file, searches)
            _place(store, stage, {**rows, "runs": runs}, searches.ids(manifest.members), searches.folder)
            return contents(rows, manifest, searches)
    except OSError as error:
        raise StoreError(f"{store.root}: {error.strerror}: nothing restored; choose another MNISTNET_STORE") from None


def _not_empty(store: Store, why: str) -> BackupError:
    return BackupError(f"{store.root}: {why}: only an empty store can be restored into; set MNISTNET_STORE to another")


def _checked_rows(stage: Path, manifest: Manifest, file: Path) -> Rows:
    """The rows of the unpacked database, brought to our version. Raises ArchiveError where no store has written it."""
    unpacked = Store(stage).database
    try:
        foreign_database.require_own_schema(unpacked.path)
        with unpacked.transaction(new=True):  # brings an older one to our version
            pass
        rows = foreign_database.read(unpacked.path)
        foreign_database.require_own_values(rows)
    except (ForeignRows, sqlite3.Error) as error:
        raise ArchiveError(f"{file}: {error}") from None
    folders = {name.partition("/")[0] for name in manifest.members if is_of_run(name)}
    if foreign := folders - {run["id"] for run in rows["runs"]}:
        raise ArchiveError(f"{file}: its folder {min(foreign)} belongs to no run; use another backup")
    return rows


def _settle(stage: Path, manifest: Manifest, file: Path, searches: Beside) -> None:
    """Have each search checked and put to rest. Raises ArchiveError where no search has these files."""
    for search_id in searches.ids(manifest.members):
        try:
            searches.settle(Store(stage), search_id)
        except BadInput as error:
            raise ArchiveError(f"{file}: {error}") from None


def _ended(run: Row, made: float) -> Row:
    """The run as it is restored: one that would go on by itself ended when the backup was made."""
    if run["state"] not in ACTIVE:
        return run
    waited = run["state"] == RunState.QUEUED
    state = RunState.STOPPED if waited or run["stop_requested"] else RunState.INTERRUPTED
    message = f"it was {'queued' if waited else 'in training'} when the backup was made; Resume goes on with it"
    return {**run, "state": state, "stage": "", "message": message, "ended": made, "stop_requested": 0}


def _place(store: Store, stage: Path, rows: Rows, searches: Sequence[str], folder: str) -> None:
    """Move folders and rows into their place. The commit decides: cut off before it, the store stays without a run."""
    # The tables first, committed and empty: a database that is missing is made from whatever folders there are.
    with store.database.transaction(new=True):
        pass
    with store.database.transaction() as connection:
        (count,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        if count:
            raise _not_empty(store, f"holds {count} runs")
        schema.insert(connection, rows)
        run_files = RunFiles(stage)
        for run in rows["runs"]:
            (stage / run["id"]).mkdir(exist_ok=True)
            run_files.write(connection, run["id"])
            _write_design(stage / run["id"], run)
        places = [*(run["id"] for run in rows["runs"]), *(f"{folder}/{search}" for search in searches)]
        write_atomic(stage / _PLACING, json.dumps(places).encode())
        for place in places:
            if (store.root / place).exists():
                raise _not_empty(store, f"a folder {place} is in the way")
            (store.root / place).parent.mkdir(exist_ok=True)
            (stage / place).rename(store.root / place)
        sync_folder(store.root)


def _write_design(folder: Path, run: Row) -> None:
    """Write design and recipe from the run's row over those that came with the backup, which may say something else."""
    recipe = recipes.recipe(recipes.parse(run["recipe_json"])).model_dump_json(indent=2) + "\n"
    for name, text in ((DESIGN, designs.parse(run["architecture_json"]).to_json()), (RECIPE, recipe)):
        if (folder / name).exists():
            (folder / name).write_text(text, "utf-8")


def _take_back(store: Store, searches: Beside, stage: Path) -> None:
    """Remove the folders that were moved to their place and whose rows were never committed."""
    try:
        found = json.loads((stage / _PLACING).read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return
    places = [place for place in found if isinstance(place, str)] if isinstance(found, list) else []
    runs = [place for place in places if bounds.RUN["id"].allows(place)]
    committed = [run for run in runs if store.database.rows("SELECT 1 FROM runs WHERE id = ?", run)]
    of_searches = [] if committed else [place for place in places if searches.is_folder(place)]
    for place in [*(run for run in runs if run not in committed), *of_searches]:
        if not (stage / place).exists():
            shutil.rmtree(store.root / place, ignore_errors=True)
    with suppress(OSError):  # none is there, or it holds what was there before
        (store.root / searches.folder).rmdir()
