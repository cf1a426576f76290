"""A whole store in one file and back: its database and its runs' folders as they were in one moment. Knows no torch.

Runs may train meanwhile. Writers wait only while the database is copied and the runs' files get second names (hard
links, in a hidden folder of the store): none of these files is ever changed in place, so what a worker, a resumption
or a deletion does afterwards does not reach the backup.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mnistnet.errors import BadInput
from mnistnet.runs import limits
from mnistnet.runs.backup import archive
from mnistnet.runs.backup.archive import ArchiveError, Manifest
from mnistnet.runs.files import locks
from mnistnet.runs.files.atomic import WriteError, sync_folder, write_atomic
from mnistnet.runs.files.predictions import GUESSES
from mnistnet.runs.run import ACTIVE, RunState
from mnistnet.runs.store import bounds, rows, run_json
from mnistnet.runs.store.bounds import CHECKPOINT, RUN_ID
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.rows import ForeignRows, Row, Rows
from mnistnet.runs.store.store import Store

_OTHERS = ("run.json", "design.json", "recipe.json", "log.txt", "predictions-validation.npz", "predictions-test.npz")
_SNAPSHOT, _RESTORING = ".backup", ".restoring"  # hidden folders of a store, in which the two work
_PLACING = "placing.json"  # in the latter, from when folders may have been put in their place
_MB = 1024**2


class BackupError(BadInput):
    """There is nothing to back up, or something where it would go."""


@dataclass(frozen=True)
class Contents:
    """What a backup holds. `unfinished`: how many of its runs were queued or training; `bytes`: of all files;
    `left_out`: how many runs of the store are not in it, as they are damaged."""

    runs: int
    unfinished: int
    bytes: int
    left_out: int = 0


def write(store: Store, file: Path) -> Contents:
    """Write the store to `file`, which is there only once it is whole; runs go on training meanwhile.

    A checkpoint that is damaged is left out, as no run would use it, and a run whose row is. Killed, it leaves at
    most a folder `backup-*.part` beside the file. Raises BackupError where the file exists already or the store holds
    no run, NotSaved where the disk of the file does not take it, StoreError where that of the store does not.
    """
    try:
        _require_absent(file)
        if not store.runs():
            raise BackupError(f"{store.root}: holds no run: nothing to back up; set MNISTNET_STORE to one")
        with (
            _alone(store, _SNAPSHOT) as links,
            TemporaryDirectory(prefix="backup-", suffix=".part", dir=file.parent, ignore_cleanup_errors=True) as part,
        ):
            copy, whole = Path(part, store.database.path.name), Path(part, "whole")
            found, left_out = _snapshot(store, links, copy)
            _require_space(file.parent, sum(path.stat().st_size for path in found.values()))
            manifest = archive.pack(found, whole)
            _put(whole, file)
            return replace(_contents(rows.read(copy), manifest), left_out=left_out)
    except sqlite3.Error as error:
        raise StoreError(f"{store.root}: {error}: no backup was written; try again") from None
    except OSError as error:
        raise WriteError(f"{file}: {error.strerror}: no backup was written; name a file where there is room") from None


def restore(file: Path, store: Store) -> Contents:
    """Fill an empty store from a backup, all of it or nothing.

    No restored run begins to train by itself, as it may be training on where it comes from: what was queued comes
    back as stopped, what was starting or running as interrupted, each with a message; `resume` goes on with them
    after their last stored epoch. All others come back as they were.

    Killed, it leaves the store empty; called again, it begins anew. Raises ArchiveError for a file that is no backup,
    damaged or of a newer version, BackupError for a store that is not empty, NotSaved or StoreError where the disk
    does not take it.
    """
    try:
        manifest = archive.read(file, lambda name: name == store.database.path.name or _is_of_run(name))
        with _alone(store, _RESTORING) as stage:
            if held := store.runs():
                raise _not_empty(store, f"holds {len(held)} runs")
            _require_space(store.root, manifest.bytes)
            archive.unpack(file, manifest, stage)
            found = _sound_rows(stage, manifest, file)
            settled = [_settled(run, manifest.made) for run in rows.numbered(found["runs"])]
            _place(store, stage, {**found, "runs": settled})
            return _contents(found, manifest)
    except OSError as error:
        raise StoreError(f"{store.root}: {error.strerror}: nothing restored; choose another MNISTNET_STORE") from None


@contextmanager
def _alone(store: Store, name: str) -> Iterator[Path]:
    """A hidden folder of the store, empty, for one process at a time; afterwards all is as if it had never been.

    Whoever was killed in it left its lock free: what they left goes first.
    """
    existed, folder = store.root.exists(), store.root / name
    folder.mkdir(parents=True, exist_ok=True)
    lock = locks.hold(folder / "lock", patience_seconds=0)
    if lock is None:
        raise StoreError(f"{store.root}: another process is at this already: one at a time; wait for it")
    try:
        _take_back(store, folder)
        for path in [path for path in folder.iterdir() if path.name != "lock"]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        yield folder
    finally:
        _take_back(store, folder)
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        if not existed:
            with suppress(OSError):  # it holds the runs now
                store.root.rmdir()


def _contents(found: Rows, manifest: Manifest) -> Contents:
    return Contents(len(found["runs"]), sum(run["state"] in ACTIVE for run in found["runs"]), manifest.bytes)


def _is_of_run(name: str) -> bool:
    run_id, _, kind = name.partition("/")
    return bool(RUN_ID.fullmatch(run_id)) and (_is_other(kind) or bool(CHECKPOINT.fullmatch(kind)))


def _is_other(name: str) -> bool:
    return name in _OTHERS or bool(GUESSES.fullmatch(name))


def _require_space(place: Path, needed: int) -> None:
    """NotSaved where so many bytes would leave less of the disk free than the limits say."""
    free, least = limits.free_bytes(place), limits.current().free_mb
    if free - needed < least * _MB:
        raise WriteError(
            f"{place}: {free // _MB} MB free: {needed // _MB + 1} MB are needed and {least} MB have to stay free; free "
            "some space or choose another place"
        )


# Writing


def _require_absent(file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise BackupError(f"{file}: exists already: a backup replaces nothing; name another file")


def _snapshot(store: Store, links: Path, copy: Path) -> tuple[dict[str, Path], int]:
    """A copy of the database, and every run's files of the same moment, by the names they have in the backup; and
    how many runs are damaged, which are in neither."""
    found = {}
    with store.database.writing():
        store.database.copy_to(copy)
        left_out = rows.drop_damaged(copy)
        copied = rows.read(copy)
        hashes = {f"{row['run']}/{row['checkpoint']}": row["checkpoint_sha256"] for row in copied["epochs"]}
        for run_id in [run["id"] for run in sorted(copied["runs"], key=lambda run: run["number"])]:
            (links / run_id).mkdir()
            for path in _files(store.folder(run_id)):
                name = f"{run_id}/{path.name}"
                if (_is_other(path.name) or name in hashes) and _is_linked(links / name, path):
                    found[name] = links / name
    damaged = {name for name in found.keys() & hashes.keys() if archive.sha256(found[name]) != hashes[name]}
    return {copy.name: copy, **{name: path for name, path in found.items() if name not in damaged}}, left_out


def _files(folder: Path) -> list[Path]:
    """What of a run's folder may belong into a backup; nothing where the folder is gone."""
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    return [path for path in paths if _is_of_run(f"{folder.name}/{path.name}") and path.is_file()]


def _is_linked(link: Path, path: Path) -> bool:
    """Give the file a second name, or copy it where the file system knows none; False where it has just gone."""
    try:
        link.hardlink_to(path)
    except FileNotFoundError:  # a checkpoint of three epochs ago, which its worker removes
        return False
    except OSError:
        shutil.copyfile(path, link)
    return True


def _put(whole: Path, file: Path) -> None:
    """Give the finished file its name, unless something has that name by now."""
    try:
        file.hardlink_to(whole)  # a rename would replace what is there
    except OSError:
        _require_absent(file)
        whole.rename(file)  # a file system without hard links
    sync_folder(file.parent)


# Restoring


def _not_empty(store: Store, why: str) -> BackupError:
    return BackupError(f"{store.root}: {why}: only an empty store can be restored into; set MNISTNET_STORE to another")


def _sound_rows(stage: Path, manifest: Manifest, file: Path) -> Rows:
    """The rows of the unpacked database, brought to our version; ArchiveError where no store has written them."""
    unpacked = Store(stage).database
    try:
        rows.require_own_form(unpacked.path)
        with unpacked.writing(new=True):  # brings an older one to our version
            pass
        found = rows.read(unpacked.path)
        rows.require_own_values(found)
    except (ForeignRows, sqlite3.Error) as error:
        raise ArchiveError(f"{file}: {error}") from None
    if foreign := _folders(manifest) - {run["id"] for run in found["runs"]}:
        raise ArchiveError(f"{file}: its folder {min(foreign)} belongs to no run; use another backup")
    return found


def _folders(manifest: Manifest) -> set[str]:
    return {name.partition("/")[0] for name in manifest.members if _is_of_run(name)}


def _settled(run: Row, made: float) -> Row:
    """The run as it is restored: one that would go on by itself has ended when the backup was made."""
    if run["state"] not in ACTIVE:
        return run
    waited = run["state"] == RunState.QUEUED
    state = RunState.STOPPED if waited or run["stop_requested"] else RunState.INTERRUPTED
    message = f"it was {'queued' if waited else 'in training'} when the backup was made; Resume goes on with it"
    return {**run, "state": state, "stage": "", "message": message, "ended": made, "stop_requested": 0}


def _place(store: Store, stage: Path, found: Rows) -> None:
    """Folders and rows into their place. The commit decides: cut off before it, the store stays without a run."""
    ids = [run["id"] for run in found["runs"]]
    # The tables first, committed and empty: a database that is not there is made from whatever folders there are.
    with store.database.writing(new=True):
        pass
    with store.database.writing() as connection:
        (count,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        if count:
            raise _not_empty(store, f"holds {count} runs")
        rows.insert(connection, found)
        for run_id in ids:
            (stage / run_id).mkdir(exist_ok=True)
            run_json.keep(connection, stage, run_id)
            run_json.keep_design(connection, stage, run_id)
        write_atomic(stage / _PLACING, json.dumps(ids).encode())
        for run_id in ids:
            if store.folder(run_id).exists():
                raise _not_empty(store, f"a folder {run_id} is in the way")
            (stage / run_id).rename(store.folder(run_id))
        sync_folder(store.root)


def _take_back(store: Store, stage: Path) -> None:
    """Remove the folders that were put in their place and whose rows were never committed."""
    try:
        ids = json.loads((stage / _PLACING).read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return
    for run_id in filter(bounds.RUN["id"].allows, ids if isinstance(ids, list) else []):
        placed = not (stage / run_id).exists()
        if placed and not store.database.rows("SELECT 1 FROM runs WHERE id = ?", run_id):
            shutil.rmtree(store.folder(run_id), ignore_errors=True)
