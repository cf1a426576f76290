"""A whole store in one file: database, folders of runs and searches as they were at one moment. Knows no torch.

Runs may train meanwhile. Writers wait only while the database is copied and the runs' files get second names (hard
links, in a hidden folder of the store): none of these files is ever changed in place, so what a worker, a resumption
or a deletion does afterwards does not reach the backup.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from mnistnet.errors import BadInput
from mnistnet.runs import limits
from mnistnet.runs.backup import archive, foreign_database
from mnistnet.runs.backup.archive import Manifest
from mnistnet.runs.files import locks
from mnistnet.runs.files.atomic import WriteError, sync_folder
from mnistnet.runs.files.names import CHECKPOINT, DESIGN, GUESSES, RECIPE, RUN_ID, RUN_JSON, RUN_LOG, START
from mnistnet.runs.run import ACTIVE
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.schema import Rows
from mnistnet.runs.store.store import Store

_OTHERS = (RUN_JSON, DESIGN, RECIPE, RUN_LOG, START, "predictions-validation.npz", "predictions-test.npz")
_SNAPSHOT = ".backup"  # the hidden folder of a store in which a backup works
_MB = 1024**2


class BackupError(BadInput):
    """There is nothing to back up, or something where it would go."""


@dataclass(frozen=True)
class Beside:
    """What a backup holds beside runs: files of these `names` in `FOLDER/ID` of the store, as in `searches/0123abcd`.

    `is_sound` is asked, with a store and an id, whether the copy of such a folder is to be in the backup. `settle` is
    called with the store into which one was unpacked, and with its id, before it is put into its place: it checks the
    files, and sees to it that nothing trains by itself. Raises BadInput to refuse the backup.
    """

    folder: str
    names: tuple[str, ...]
    is_sound: Callable[[Store, str], bool]
    settle: Callable[[Store, str], None]

    def has(self, name: str) -> bool:
        """True where a backup may hold a file of this name."""
        folder, _, file = name.rpartition("/")
        return self.is_folder(folder) and file in self.names

    def is_folder(self, name: str) -> bool:
        """True for the name of a folder that is one of these."""
        folder, _, one = name.partition("/")
        return folder == self.folder and bool(RUN_ID.fullmatch(one))

    def ids(self, names: Iterable[str]) -> list[str]:
        """The ids of the folders among the names of a backup's files."""
        return sorted({name.split("/")[1] for name in names if self.has(name)})


NO_SEARCHES = Beside("searches", (), lambda store, search: False, lambda store, search: None)


@dataclass(frozen=True)
class Contents:
    """The contents of a backup. `unfinished`: how many of its runs were queued or training; `bytes`: of all files;
    `left_out`: how many runs of the store are not in it, as they are damaged; `searches`: how many it holds."""

    runs: int
    unfinished: int
    bytes: int
    left_out: int = 0
    searches: int = 0


def write(store: Store, file: Path, searches: Beside = NO_SEARCHES) -> Contents:
    """Write the store to `file`, which exists only once it is whole; runs go on training meanwhile.

    A damaged checkpoint is left out, as no run would use it, and so is a damaged run. Killed, it leaves at most a
    folder `backup-*.part` beside the file. Raises BackupError where the file exists already or the store holds no
    run, WriteError where the disk of the file does not take it, StoreError where that of the store does not.
    """
    try:
        _require_absent(file)
        if not store.runs():
            raise BackupError(f"{store.root}: holds no run: nothing to back up; set MNISTNET_STORE to one")
        with (
            exclusive_folder(store, _SNAPSHOT) as links,
            TemporaryDirectory(prefix="backup-", suffix=".part", dir=file.parent, ignore_cleanup_errors=True) as part,
        ):
            copy, whole = Path(part, store.database.path.name), Path(part, "whole")
            found, left_out = _snapshot(store, links, copy, searches)
            require_space(file.parent, sum(path.stat().st_size for path in found.values()))
            manifest = archive.pack(found, whole)
            _put(whole, file)
            return replace(contents(foreign_database.read(copy), manifest, searches), left_out=left_out)
    except sqlite3.Error as error:
        raise StoreError(f"{store.root}: {error}: no backup was written; try again") from None
    except OSError as error:
        raise WriteError(f"{file}: {error.strerror}: no backup was written; name a file where there is room") from None


@contextmanager
def exclusive_folder(store: Store, name: str, undo: Callable[[Path], None] = lambda _: None) -> Iterator[Path]:
    """A hidden folder of the store, empty, for one process at a time; removed afterwards.

    `undo` is called with the folder before its files are removed: at the end, and at the beginning, where a process
    that was killed may have left some. Raises StoreError where another process is at it.
    """
    existed, folder = store.root.exists(), store.root / name
    folder.mkdir(parents=True, exist_ok=True)
    lock = locks.hold(folder / "lock", patience_seconds=0)
    if lock is None:
        raise StoreError(f"{store.root}: another process is at this already: one at a time; wait for it")
    try:
        undo(folder)
        for path in [path for path in folder.iterdir() if path.name != "lock"]:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        yield folder
    finally:
        undo(folder)
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        if not existed:
            with suppress(OSError):  # it holds the runs now
                store.root.rmdir()


def contents(found: Rows, manifest: Manifest, searches: Beside) -> Contents:
    """The contents of a backup with these rows."""
    unfinished = sum(run["state"] in ACTIVE for run in found["runs"])
    return Contents(len(found["runs"]), unfinished, manifest.bytes, searches=len(searches.ids(manifest.members)))


def is_of_run(name: str) -> bool:
    """True where a backup may hold a file of this name, as in `0123abcd/run.json`."""
    run_id, _, kind = name.partition("/")
    return bool(RUN_ID.fullmatch(run_id)) and (_is_other(kind) or bool(CHECKPOINT.fullmatch(kind)))


def _is_other(name: str) -> bool:
    return name in _OTHERS or bool(GUESSES.fullmatch(name))


def require_space(place: Path, needed: int) -> None:
    """WriteError where so many bytes would leave less of the disk free than the limits say."""
    free, least = limits.free_bytes(place), limits.current().free_mb
    if free - needed < least * _MB:
        raise WriteError(
            f"{place}: {free // _MB} MB free: {needed // _MB + 1} MB are needed and {least} MB have to stay free; free "
            "some space or choose another place"
        )


def _require_absent(file: Path) -> None:
    if file.exists() or file.is_symlink():
        raise BackupError(f"{file}: exists already: a backup replaces nothing; name another file")


def _snapshot(store: Store, links: Path, copy: Path, searches: Beside) -> tuple[dict[str, Path], int]:
    """Copy the database to `copy` and link every run's files of the same moment below `links`, with those of searches.

    All files by their names in the backup, and how many runs are damaged, which are not among them.
    """
    found = {}
    with store.database.transaction():
        store.database.copy_to(copy)
        left_out = foreign_database.delete_damaged(copy)
        rows = foreign_database.read(copy)
        hashes = {f"{row['run']}/{row['checkpoint']}": row["checkpoint_sha256"] for row in rows["epochs"]}
        for run_id in [run["id"] for run in sorted(rows["runs"], key=lambda run: run["number"])]:
            (links / run_id).mkdir()
            for path in _files(store.folder(run_id)):
                name = f"{run_id}/{path.name}"
                if (_is_other(path.name) or name in hashes) and _is_linked(links / name, path):
                    found[name] = links / name
        found |= _copied(store, Store(links), searches)
    damaged = {name for name in found.keys() & hashes.keys() if archive.sha256(found[name]) != hashes[name]}
    return {copy.name: copy, **{name: path for name, path in found.items() if name not in damaged}}, left_out


def _copied(store: Store, copies: Store, searches: Beside) -> dict[str, Path]:
    """Copies of the files of sound searches, by their names in the backup: a log grows in place.

    A log that is copied while nothing can be written into the database tells no end of a run that is not in there.
    """
    found: dict[str, Path] = {}
    folder = store.root / searches.folder
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        place = f"{searches.folder}/{path.name}"
        if not searches.is_folder(place):
            continue
        target = copies.root / place
        target.mkdir(parents=True)
        for name in searches.names:
            with suppress(FileNotFoundError):  # none was written yet, or it has just been deleted
                shutil.copyfile(path / name, target / name)
        if searches.is_sound(copies, path.name):
            found |= {f"{place}/{file.name}": file for file in target.iterdir()}
    return found


def _files(folder: Path) -> list[Path]:
    """The files of a run's folder that a backup may hold; none where the folder is gone."""
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    return [path for path in paths if is_of_run(f"{folder.name}/{path.name}") and path.is_file()]


def _is_linked(link: Path, path: Path) -> bool:
    """Link the file, or copy it where the file system has no hard links; False where it has just been removed."""
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
