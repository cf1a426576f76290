"""A store in one file and back: what it holds, what is refused, and what a disk or a death in between leaves."""

import contextlib
import errno
import hashlib
import json
import os
import random
import shutil
import sqlite3
import stat
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnistnet.errors import BadInput
from mnistnet.runs.backup import archive, backup, restoration
from mnistnet.runs.backup.archive import ArchiveError
from mnistnet.runs.backup.backup import BackupError, Contents
from mnistnet.runs.files import atomic, locks
from mnistnet.runs.files.atomic import WriteError
from mnistnet.runs.run import EpochMetrics, Run, RunState
from mnistnet.runs.store import database, schema, transitions
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.run_json import RunFiles
from mnistnet.runs.store.store import Store
from tests.support.samples import TINY, TO_VERSION_1, metrics, recipe, running

EPOCHS = 4
KEPT = 3  # checkpoints a run has left


def learned(run_id: str, epoch: int) -> bytes:
    """Stands for a checkpoint: bytes of which no two are alike, more than a page of the database."""
    return random.Random(f"{run_id} {epoch}").randbytes(20_000)


def stored_epoch(store: Store, run: Run, epoch: int) -> EpochMetrics:
    data = learned(run.id, epoch)
    row = metrics(epoch, checkpoint_sha256=hashlib.sha256(data).hexdigest())
    (store.folder(run.id) / row.checkpoint).write_bytes(data)
    transitions.record_epoch(store, run.id, row)
    return row


def trained(store: Store, state: RunState) -> Run:
    """A run with all files that a run may have, in this state."""
    run = running(store, epochs=10)
    for epoch in range(1, EPOCHS + 1):
        stored_epoch(store, run, epoch)
    folder = store.folder(run.id)
    (folder / "epoch-0001.pt").unlink()
    (folder / "log.txt").write_text("what the worker said")
    for name in ("lock", "worker.pid", "epoch-0005.pt", "epoch-0005.pt.part", "predictions-test.npz"):
        (folder / name).write_text(f"{name} of {run.id}")
    (folder / ".hidden").mkdir()
    if state is RunState.DONE:
        transitions.complete(store, run.id, (3, 297), "ab" * 32)
    elif state is RunState.QUEUED:
        transitions.finish(store, run.id, RunState.STOPPED)
        store.resume(run.id)
    elif state is RunState.STARTING:
        store.database.change("UPDATE runs SET state = ? WHERE id = ?", state, run.id)
    elif state is not RunState.RUNNING:
        transitions.finish(store, run.id, state, "because")
    return store.run(run.id)


def contents_of(folder: Path) -> dict[str, bytes]:
    """Every file of a run that a backup keeps, but the record, which tells the state."""
    kinds = ("design.json", "recipe.json", "log.txt", "predictions-*.npz", "epoch-000[1-4].pt")
    return {path.name: path.read_bytes() for kind in kinds for path in folder.glob(kind)}


def seen(store: Store) -> list[tuple[Run, list[EpochMetrics], dict[str, bytes]]]:
    """All that there is to know of a store's runs."""
    return [(run, store.metrics(run.id), contents_of(store.folder(run.id))) for run in store.runs()]


@pytest.fixture
def target(tmp_path: Path) -> Store:
    """Where a backup is restored to; not there yet."""
    return Store(tmp_path / "target")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two runs that have ended and one that trains. Not to be changed."""
    store = Store(tmp_path_factory.mktemp("filled"))
    for state in (RunState.DONE, RunState.STOPPED, RunState.RUNNING):
        trained(store, state)
    return store


@pytest.fixture(scope="module")
def good(filled: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it. Not to be changed."""
    file = tmp_path_factory.mktemp("good") / "runs.zip"
    backup.write(filled, file)
    return file


# There and back


def test_runs_that_have_ended_come_back_as_they_were(store: Store, target: Store, tmp_path: Path) -> None:
    for state in RunState:
        if not state.is_active:
            trained(store, state)
    backup.write(store, tmp_path / "runs.zip")
    restoration.restore(tmp_path / "runs.zip", target)
    assert seen(target) == seen(store)
    assert len(seen(target)[0][2]) == 4 + KEPT


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (RunState.QUEUED, RunState.STOPPED, "it was queued when the backup was made; Resume goes on with it"),
        (
            RunState.STARTING,
            RunState.INTERRUPTED,
            "it was in training when the backup was made; Resume goes on with it",
        ),
        (RunState.RUNNING, RunState.INTERRUPTED, "it was in training when the backup was made; Resume goes on with it"),
    ],
)
def test_a_run_that_was_not_finished_comes_back_whole_and_waits_for_resume(
    store: Store, target: Store, tmp_path: Path, before: RunState, after: RunState, message: str
) -> None:
    run = trained(store, before)
    backup.write(store, tmp_path / "runs.zip")
    restoration.restore(tmp_path / "runs.zip", target)
    restored = target.run(run.id)
    assert (restored.state, restored.message, restored.stage) == (after, message, "")
    assert restored.ended is not None
    assert target.active() == []
    assert target.metrics(run.id) == store.metrics(run.id)
    assert contents_of(target.folder(run.id)) == contents_of(store.folder(run.id))
    assert target.resume(run.id).state is RunState.QUEUED


def test_a_run_that_was_asked_to_stop_comes_back_as_stopped(store: Store, target: Store, tmp_path: Path) -> None:
    run = trained(store, RunState.RUNNING)
    store.request_stop(run.id)
    backup.write(store, tmp_path / "runs.zip")
    restoration.restore(tmp_path / "runs.zip", target)
    assert (target.run(run.id).state, target.run(run.id).stop_requested) == (RunState.STOPPED, False)


def test_both_say_what_the_backup_holds(filled: Store, target: Store, tmp_path: Path) -> None:
    written = backup.write(filled, tmp_path / "runs.zip")
    with zipfile.ZipFile(tmp_path / "runs.zip") as packed:
        size = sum(entry.file_size for entry in packed.infolist() if entry.filename != "manifest.json")
    assert written == Contents(runs=3, unfinished=1, bytes=size)
    assert restoration.restore(tmp_path / "runs.zip", target) == written


def test_a_backup_holds_what_a_run_needs_and_no_more(filled: Store, good: Path) -> None:
    kinds = {"run.json", "design.json", "recipe.json", "log.txt", "predictions-test.npz"}
    kinds |= {f"epoch-000{epoch}.pt" for epoch in (2, 3, 4)}
    with zipfile.ZipFile(good) as packed:
        names = packed.namelist()
    expected = {f"{run.id}/{kind}" for run in filled.runs() for kind in kinds} | {"runs.sqlite", "manifest.json"}
    assert sorted(names) == sorted(expected)


def test_the_manifest_gives_size_and_sha256_of_every_other_member(good: Path) -> None:
    with zipfile.ZipFile(good) as packed:
        manifest = json.loads(packed.read("manifest.json"))
        members = {name: packed.read(name) for name in packed.namelist() if name != "manifest.json"}
    assert manifest["version"] == 1
    assert manifest["members"] == {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in members.items()
    }


def test_a_backup_leaves_the_store_as_it_was(filled: Store, tmp_path: Path) -> None:
    before = {path: path.stat().st_nlink for path in sorted(filled.root.rglob("*"))}
    backup.write(filled, tmp_path / "runs.zip")
    assert {path: path.stat().st_nlink for path in sorted(filled.root.rglob("*"))} == before
    assert [path.name for path in tmp_path.iterdir()] == ["runs.zip"]


def test_a_damaged_checkpoint_is_left_out_and_the_others_are_not(store: Store, target: Store, tmp_path: Path) -> None:
    run = trained(store, RunState.STOPPED)
    (store.folder(run.id) / "epoch-0004.pt").write_bytes(b"damaged")
    backup.write(store, tmp_path / "runs.zip")
    restoration.restore(tmp_path / "runs.zip", target)
    assert sorted(path.name for path in target.folder(run.id).glob("*.pt")) == ["epoch-0002.pt", "epoch-0003.pt"]


def test_a_run_without_a_folder_comes_back_without_files(store: Store, target: Store, tmp_path: Path) -> None:
    run = trained(store, RunState.STOPPED)
    shutil.rmtree(store.folder(run.id))
    backup.write(store, tmp_path / "runs.zip")
    restoration.restore(tmp_path / "runs.zip", target)
    assert target.runs() == store.runs()


def test_a_store_whose_runs_were_all_deleted_is_empty(good: Path, filled: Store, store: Store) -> None:
    store.delete(trained(store, RunState.DONE).id)
    restoration.restore(good, store)
    assert {run.id for run in store.runs()} == {run.id for run in filled.runs()}


def test_new_runs_stand_behind_restored_ones(good: Path, target: Store) -> None:
    restoration.restore(good, target)
    new = target.enqueue(TINY, recipe())
    assert target.runs()[0] == new
    assert transitions.claim(target, 1_000) == target.run(new.id)


def test_a_restored_store_outlives_its_database(good: Path, target: Store) -> None:
    restoration.restore(good, target)
    before = seen(target)
    target.database.path.write_bytes(b"damaged" * 1_000)
    assert seen(target) == before


def test_a_backup_of_a_restored_store_holds_the_same(good: Path, target: Store, tmp_path: Path) -> None:
    restoration.restore(good, target)
    backup.write(target, tmp_path / "again.zip")
    again = Store(tmp_path / "again")
    restoration.restore(tmp_path / "again.zip", again)
    assert seen(again) == seen(target)


# What happens to the store while a backup is written


def test_what_happens_after_the_first_moment_does_not_reach_the_backup(
    store: Store, target: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted, resumed = trained(store, RunState.DONE), trained(store, RunState.STOPPED)
    training = trained(store, RunState.RUNNING)
    before = seen(store)
    pack = archive.pack

    def pack_late(*arguments: Any) -> Any:
        store.delete(deleted.id)
        store.resume(resumed.id)
        for epoch in (5, 6, 7):  # none of the checkpoints that the backup names is left then
            stored_epoch(store, training, epoch)
            (store.folder(training.id) / f"epoch-000{epoch - KEPT}.pt").unlink()
        store.enqueue(TINY, recipe())
        return pack(*arguments)

    monkeypatch.setattr(archive, "pack", pack_late)
    backup.write(store, tmp_path / "runs.zip")
    restoration.restore(tmp_path / "runs.zip", target)
    assert [(rows, files) for _, rows, files in seen(target)] == [(rows, files) for _, rows, files in before]
    assert target.run(resumed.id) == before[1][0]
    store.request_stop(resumed.id)
    transitions.finish(store, training.id, RunState.STOPPED)


def test_no_writer_comes_between_the_database_and_the_files(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(store, RunState.RUNNING)
    copy_to = database.Database.copy_to

    def copy_and_disturb(self: database.Database, path: Path) -> None:
        copy_to(self, path)
        with pytest.raises(StoreError, match="database is locked"):
            transitions.record_epoch(store, run.id, metrics(5))

    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(database.Database, "copy_to", copy_and_disturb)
    backup.write(store, tmp_path / "runs.zip")
    transitions.finish(store, run.id, RunState.STOPPED)


def test_where_the_disk_knows_no_second_names_files_are_copied(
    filled: Store, target: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "hardlink_to", refused)
        backup.write(filled, tmp_path / "runs.zip")
    restoration.restore(tmp_path / "runs.zip", target)
    assert [files for *_, files in seen(target)] == [files for *_, files in seen(filled)]


def test_a_second_backup_of_a_store_at_once_is_refused(filled: Store, tmp_path: Path) -> None:
    (filled.root / ".backup").mkdir()
    lock = locks.hold(filled.root / ".backup" / "lock")
    assert lock is not None
    with pytest.raises(StoreError, match="another process is at this already: one at a time; wait for it"):
        backup.write(filled, tmp_path / "runs.zip")
    lock.release()
    assert list(tmp_path.iterdir()) == []
    backup.write(filled, tmp_path / "runs.zip")


def test_what_a_killed_backup_left_in_the_store_goes_with_the_next(filled: Store, tmp_path: Path) -> None:
    (filled.root / ".backup" / "0123abcd").mkdir(parents=True)
    (filled.root / ".backup" / "0123abcd" / "run.json").write_text("left")
    backup.write(filled, tmp_path / "runs.zip")
    assert not (filled.root / ".backup").exists()


# What no backup is written over, and what it needs


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_nothing_is_overwritten(filled: Store, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "runs.zip"
    if kind == "file":
        file.write_text("precious")
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("nowhere")
    with pytest.raises(BackupError, match=r"runs\.zip: exists already: a backup replaces nothing; name another file$"):
        backup.write(filled, file)
    assert list(tmp_path.iterdir()) == [file]
    assert kind != "file" or file.read_text() == "precious"


def test_a_file_that_appears_meanwhile_is_not_overwritten(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, pack = tmp_path / "runs.zip", archive.pack

    def pack_late(*arguments: Any) -> Any:
        file.write_text("precious")
        return pack(*arguments)

    monkeypatch.setattr(archive, "pack", pack_late)
    with pytest.raises(BackupError, match="exists already"):
        backup.write(filled, file)
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_text() == "precious"


def test_a_store_without_a_run_is_refused_and_not_made(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"runs: holds no run: nothing to back up; set MNISTNET_STORE to one$"):
        backup.write(store, tmp_path / "runs.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused(filled: Store, tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"runs\.zip: No such file or directory: no backup was written; name a file"):
        backup.write(filled, tmp_path / "nowhere" / "runs.zip")
    assert list(tmp_path.iterdir()) == []
    assert not (filled.root / ".backup").exists()


@pytest.mark.parametrize("action", ["backup", "restore"])
def test_too_little_room_is_told_before_anything_is_written(
    filled: Store, good: Path, target: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setenv("MNISTNET_LIMITS", "free_mb=999999999")
    with pytest.raises(
        WriteError, match=r"MB free: 1 MB are needed and 999999999 MB have to stay free; free some space"
    ):
        backup.write(filled, tmp_path / "runs.zip") if action == "backup" else restoration.restore(good, target)
    assert list(tmp_path.iterdir()) == []
    assert not (filled.root / ".backup").exists()


@contextlib.contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """A disk that takes no more: the kernel refuses what goes beyond."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.posix
@pytest.mark.parametrize("size", [0, 10_000, 100_000, 200_000])
def test_a_disk_that_fills_up_leaves_no_half_backup_and_says_so(filled: Store, tmp_path: Path, size: int) -> None:
    with no_file_larger_than(size), pytest.raises((WriteError, StoreError)) as refused:
        backup.write(filled, tmp_path / "runs.zip")
    assert len(str(refused.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
    assert not (filled.root / ".backup").exists()


@pytest.mark.posix
@pytest.mark.parametrize("size", [0, 5_000, 19_000])
def test_a_disk_that_fills_up_while_restoring_leaves_the_store_empty(
    good: Path, filled: Store, target: Store, size: int
) -> None:
    with no_file_larger_than(size), pytest.raises((WriteError, StoreError)):
        restoration.restore(good, target)
    assert target.runs() == []
    assert not [path for path in target.root.rglob("*") if path.is_dir()]
    restoration.restore(good, target)
    assert len(target.runs()) == len(filled.runs())


# Into what it is restored


def test_a_store_with_a_run_is_refused_before_anything_is_unpacked(
    good: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(store, RunState.DONE)
    monkeypatch.delattr(archive, "unpack")
    before = {path for path in store.root.rglob("*") if path.name != "lock"}
    with pytest.raises(BackupError, match="holds 1 runs: only an empty store can be restored into; set MNISTNET_STORE"):
        restoration.restore(good, store)
    assert {path for path in store.root.rglob("*") if path.name != "lock"} == before


def test_a_run_queued_meanwhile_is_noticed(good: Path, target: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    unpack = archive.unpack

    def unpack_late(*arguments: Any) -> None:
        unpack(*arguments)
        target.enqueue(TINY, recipe())

    monkeypatch.setattr(archive, "unpack", unpack_late)
    with pytest.raises(BackupError, match="holds 1 runs"):
        restoration.restore(good, target)
    (run,) = target.runs()
    assert {path.name for path in target.root.iterdir() if path.is_dir()} == {run.id}


def test_a_folder_in_the_way_is_refused_and_left(good: Path, filled: Store, target: Store) -> None:
    run = filled.runs()[0]
    target.folder(run.id).mkdir(parents=True)
    (target.folder(run.id) / "precious").write_text("kept")
    with pytest.raises(BackupError, match=f"a folder {run.id} is in the way: only an empty store"):
        restoration.restore(good, target)
    assert [path.name for path in target.root.iterdir() if path.is_dir()] == [run.id]
    assert (target.folder(run.id) / "precious").read_text() == "kept"


def test_a_second_restoring_into_a_store_at_once_is_refused(good: Path, target: Store) -> None:
    (target.root / ".restoring").mkdir(parents=True)
    lock = locks.hold(target.root / ".restoring" / "lock")
    assert lock is not None
    with pytest.raises(StoreError, match="another process is at this already"):
        restoration.restore(good, target)
    lock.release()
    restoration.restore(good, target)


def test_a_store_where_a_file_stands_is_refused(good: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        StoreError, match=r"file: (File exists|Not a directory): nothing restored; choose another MNISTNET_STORE"
    ):
        restoration.restore(good, Store(tmp_path / "file"))


# Killed while restoring: the disk as it was in that moment, looked at afterwards


class Killed(BaseException):
    """Stands for kill -9; what the code under test still does after it happens to another folder."""


POINTS: dict[str, tuple[object, str, int, bool]] = {
    "before the first member": (archive, "_unpacked", 1, False),
    "in the middle of unpacking": (archive, "_unpacked", 7, True),
    "before the tables": (restoration, "_place", 1, False),
    "before the rows": (schema, "insert", 1, False),
    "after the rows": (schema, "insert", 1, True),
    "while records are written": (RunFiles, "write", 2, True),
    "before the folders": (restoration, "write_atomic", 1, False),
    "after one folder": (Path, "rename", 1, True),
    "after two folders": (Path, "rename", 2, True),
    "before the commit": (restoration, "sync_folder", 1, True),
    "after the commit": (restoration, "_take_back", 2, False),
    "while tidying up": (restoration, "_take_back", 2, True),
}
COMMITTED = ["after the commit", "while tidying up"]


@pytest.fixture
def cut_off(good: Path, target: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Store]:
    """The store as a restoring left it that was killed at this point."""

    def restore_until(point: str) -> Store:
        owner, name, call, after = POINTS[point]
        function: Callable[..., Any] = getattr(owner, name)
        photo, calls = tmp_path / "photo", 0

        def deadly(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            result = function(*arguments, **named) if calls != call or after else None
            if calls == call:
                shutil.copytree(target.root, photo)
                raise Killed
            return result

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, deadly)
            with pytest.raises(Killed):
                restoration.restore(good, target)
        return Store(photo)

    return restore_until


@pytest.mark.parametrize("point", [point for point in POINTS if point not in COMMITTED])
def test_a_restoring_killed_before_its_commit_leaves_an_empty_store_and_can_be_called_again(
    good: Path, filled: Store, cut_off: Callable[[str], Store], point: str
) -> None:
    left = cut_off(point)
    assert left.runs() == []
    restoration.restore(good, left)
    assert [files for *_, files in seen(left)] == [files for *_, files in seen(filled)]
    assert not [path for path in left.root.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("point", COMMITTED)
def test_a_restoring_killed_after_its_commit_leaves_a_whole_store(
    good: Path, filled: Store, cut_off: Callable[[str], Store], point: str
) -> None:
    left = cut_off(point)
    whole = [files for *_, files in seen(filled)]
    assert [files for *_, files in seen(left)] == whole
    with pytest.raises(BackupError, match="holds 3 runs"):
        restoration.restore(good, left)
    assert [files for *_, files in seen(left)] == whole
    assert not [path for path in left.root.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("point", ["after one folder", "before the commit"])
def test_a_run_started_after_a_killed_restoring_is_left_alone(
    good: Path, cut_off: Callable[[str], Store], point: str
) -> None:
    left = cut_off(point)
    run = left.enqueue(TINY, recipe())
    with pytest.raises(BackupError, match="holds 1 runs"):
        restoration.restore(good, left)
    assert left.runs() == [run]
    assert [path.name for path in left.root.iterdir() if path.is_dir()] == [run.id]


def test_a_commit_that_fails_takes_the_folders_back(good: Path, target: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with target.database.transaction(new=True):
        pass
    sync_folder = atomic.sync_folder
    readers: list[sqlite3.Connection] = []

    def read_on(folder: Path) -> None:
        sync_folder(folder)
        readers.append(sqlite3.connect(target.database.path, isolation_level=None))
        readers[0].execute("BEGIN")
        readers[0].execute("SELECT count(*) FROM runs").fetchone()  # a reader that stays: nobody can commit

    with monkeypatch.context() as patch:
        patch.setattr(database, "BUSY_SECONDS", 0.05)
        patch.setattr(restoration, "sync_folder", read_on)
        with pytest.raises(StoreError, match="database is locked"):
            restoration.restore(good, target)
    readers[0].close()
    assert target.runs() == []
    assert not [path for path in target.root.iterdir() if path.is_dir()]


# What is not taken as it is written


def test_places_and_turns_are_numbered_anew_in_their_order(good: Path, filled: Store, target: Store) -> None:
    numbers = "UPDATE runs SET number = number * 300000000, turn = turn * 300000000"
    restoration.restore(with_database(good, target.root.parent / "numbered.zip", numbers), target)
    assert [run.id for run in target.runs()] == [run.id for run in filled.runs()]
    assert target.database.rows("SELECT number, turn FROM runs ORDER BY number") == [(1, 1), (2, 2), (3, 3)]


def test_a_design_beside_the_database_is_that_of_its_run(good: Path, target: Store, tmp_path: Path) -> None:
    other = TINY.renamed("another").to_json().encode()
    members = [(e, other if e.filename.endswith("design.json") else data) for e, data in members_of(good)]
    restoration.restore(crafted(tmp_path / "runs.zip", members), target)
    assert {(target.folder(run.id) / "design.json").read_text() for run in target.runs()} == {TINY.to_json()}


@pytest.mark.parametrize("text", ['["../precious", 1, null]', "{", "[" * 100_000, "7"], ids=lambda text: text[:9])
def test_a_note_of_a_killed_restoring_that_no_restoring_wrote_is_not_followed(
    good: Path, target: Store, text: str
) -> None:
    precious = target.root.parent / "precious"
    precious.mkdir()
    (target.root / ".restoring").mkdir(parents=True)
    (target.root / ".restoring" / "placing.json").write_text(text)
    restoration.restore(good, target)
    assert len(target.runs()) == 3
    assert precious.is_dir()


# Bytes that were damaged on their way


@pytest.fixture
def refused(target: Store) -> Callable[[Path], str]:
    """Restores a file that must be refused, with nothing left of the attempt; what was said."""

    def restore(file: Path) -> str:
        with pytest.raises(BadInput) as error:
            restoration.restore(file, target)
        assert not target.root.exists()
        message = str(error.value)
        assert message.startswith(f"{file}: ")
        assert message.isprintable()
        return message

    return restore


DAMAGED = "no backup, or damaged: its checksum is not that of its bytes; use another copy"


@pytest.mark.parametrize("seed", range(50))
def test_one_flipped_bit_anywhere_is_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str], seed: int
) -> None:
    data = bytearray(good.read_bytes())
    place = random.Random(seed).randrange(len(data) * 8)
    data[place // 8] ^= 1 << place % 8
    (tmp_path / "runs.zip").write_bytes(data)
    assert refused(tmp_path / "runs.zip").endswith(DAMAGED)


@pytest.mark.parametrize("share", [0.0, 0.0001, *(tenth / 10 for tenth in range(1, 10)), 0.9999])
def test_a_backup_that_was_cut_short_is_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str], share: float
) -> None:
    data = good.read_bytes()
    (tmp_path / "runs.zip").write_bytes(data[: int(len(data) * share)])
    assert refused(tmp_path / "runs.zip").endswith(DAMAGED)


@pytest.mark.parametrize("missing", [1, 63, 64, 65, 1_000])
def test_a_backup_without_its_last_bytes_is_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str], missing: int
) -> None:
    (tmp_path / "runs.zip").write_bytes(good.read_bytes()[:-missing])
    assert refused(tmp_path / "runs.zip").endswith(DAMAGED)


@pytest.mark.parametrize(
    "text", [b"", b"not a zip", b"PK\x05\x06" + bytes(18), bytes(100_000)], ids=["empty", "text", "empty zip", "zeros"]
)
def test_a_file_that_is_no_backup_is_refused(tmp_path: Path, refused: Callable[[Path], str], text: bytes) -> None:
    (tmp_path / "runs.zip").write_bytes(text)
    assert refused(tmp_path / "runs.zip").endswith(DAMAGED)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, refused: Callable[[Path], str]) -> None:
    assert refused(tmp_path / "nowhere.zip").endswith(
        "no such file: give one that `python -m mnistnet backup` has written"
    )
    assert "no such file" in refused(tmp_path)


# Bytes that somebody has chosen, checksums and all

Members: TypeAlias = list[tuple[zipfile.ZipInfo, bytes]]


def sealed(file: Path) -> Path:
    """The file with the checksum of its bytes as its last."""
    data = file.read_bytes()[:-64]
    file.write_bytes(data + hashlib.sha256(data).hexdigest().encode())
    return file


def members_of(file: Path) -> Members:
    with zipfile.ZipFile(file) as packed:
        return [(entry, packed.read(entry)) for entry in packed.infolist() if entry.filename != "manifest.json"]


def crafted(file: Path, found: Members, **changes: Any) -> Path:
    """A backup of these members, with a manifest to match unless `changes` say otherwise."""
    said = {e.filename: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for e, data in found}
    manifest = {"version": 1, "made": 1e9, "members": said, **changes}
    with zipfile.ZipFile(file, "w") as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name given twice
        for entry, data in found:
            packed.writestr(entry, data, entry.compress_type)
        packed.writestr("manifest.json", json.dumps(manifest))
        packed.comment = b"0" * 64
    return sealed(file)


def named(name: str, mode: int = stat.S_IFREG | 0o644, *, packed: bool = False) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    return entry


def test_a_crafted_backup_with_nothing_wrong_is_restored(good: Path, target: Store, tmp_path: Path) -> None:
    restoration.restore(crafted(tmp_path / "runs.zip", members_of(good)), target)
    assert len(target.runs()) == 3


BAD_NAMES = [
    "/etc/cron.d/x",
    "../x",
    "..",
    ".",
    "x",
    "runs.sqlite-journal",
    "supervisor.lock",
    "0123abcd",
    "0123abcd/",
    "0123abcd/lock",
    "0123abcd/worker.pid",
    "0123abcd/epoch-0001.pt.part",
    "0123abcd/epoch-\u0661\u0661\u0661\u0661.pt",
    "0123abcd/run.json\n",
    "0123abcd/../../x",
    "0123abcd/../run.json",
    "0123abcd//run.json",
    "0123abcd\\run.json",
    "C:/run.json",
    "//host/run.json",
    "0123ABCD/run.json",
    "0123abcd/deeper/run.json",
    ".restoring/placing.json",
    "a" * 5_000,
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: ascii(name)[:30])
def test_a_name_that_no_store_has_is_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str], name: str
) -> None:
    file = crafted(tmp_path / "runs.zip", [*members_of(good), (named(name), b"{}")])
    assert "is no file of a store: only a file as `python -m mnistnet backup` wrote it is allowed" in refused(file)


def test_a_place_before_the_file_is_refused(good: Path, tmp_path: Path, refused: Callable[[Path], str]) -> None:
    data = bytearray(good.read_bytes())
    start_of_directory = data.rindex(b"PK\x05\x06") + 16
    data[start_of_directory + 2] ^= 0x40  # four megabytes later: the members would begin before the file
    file = tmp_path / "runs.zip"
    file.write_bytes(data)
    refused(sealed(file))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.sampled_from("/\\.:ab01\0\n\u202e") | st.characters(codec="utf-8"), min_size=1, max_size=24))
def test_no_name_leads_out_of_the_store(good: Path, tmp_path: Path, name: str) -> None:
    root = tmp_path / "deep" / "store"
    file = crafted(tmp_path / "runs.zip", [*members_of(good), (named(name), b"{}")])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ArchiveError):
        restoration.restore(file, Store(root))
    assert [path for path in tmp_path.rglob("*") if path not in before and path != root.parent] == []


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFDIR | 0o755, stat.S_IFIFO, stat.S_IFCHR])
def test_a_member_that_is_no_plain_file_is_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str], mode: int
) -> None:
    run_id = members_of(good)[1][0].filename.partition("/")[0]
    link = (named(f"{run_id}/predictions-validation.npz", mode), b"/etc/passwd")
    file = crafted(tmp_path / "runs.zip", [*members_of(good), link])
    assert "predictions-validation.npz' is no plain file" in refused(file)


def test_a_name_given_twice_is_refused(good: Path, tmp_path: Path, refused: Callable[[Path], str]) -> None:
    members = members_of(good)
    assert "a name is given twice" in refused(crafted(tmp_path / "runs.zip", [*members, members[3]]))


def test_a_bomb_is_refused_before_it_is_unpacked(good: Path, tmp_path: Path, refused: Callable[[Path], str]) -> None:
    run_id = members_of(good)[1][0].filename.partition("/")[0]
    bomb = (named(f"{run_id}/predictions-validation.npz", packed=True), bytes(100 * 1024**2))
    file = crafted(tmp_path / "runs.zip", [*members_of(good), bomb])
    assert file.stat().st_size < 1024**2
    assert "is no plain file" in refused(file)


def test_members_that_lie_over_each_other_are_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str]
) -> None:
    # Each header claims a hundred times what is there, as stored bytes.
    file = crafted(tmp_path / "runs.zip", members_of(good))
    data, large = file.read_bytes(), (100 * file.stat().st_size).to_bytes(4, "little")
    start = data.rindex(b"PK\x01\x02", 0, data.index(b"manifest.json", data.index(b"PK\x01\x02")) - 40)
    file.write_bytes(data[: start + 20] + large + large + data[start + 28 :])
    assert "its members are larger than itself" in refused(sealed(file))


def test_a_member_that_is_not_what_the_manifest_says_is_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str]
) -> None:
    members = members_of(good)
    said = {e.filename: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for e, data in members}
    name = members[-1][0].filename
    said[name]["sha256"] = "0" * 64
    file = crafted(tmp_path / "runs.zip", members, members=said)
    assert f"'{name}' is not what the manifest says" in refused(file)


def changed(name: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    def change(said: dict[str, Any]) -> None:
        said[next(key for key in said if key.endswith(name))].update(fields)

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed("run.json", bytes=1), "its members are not those of the manifest"),
        (lambda said: said.popitem(), "its members are not those of the manifest"),
        (lambda said: said.update(x={"sha256": "0" * 64, "bytes": 0}), "its members are not those of the manifest"),
        (changed("run.json", bytes=-1), "its manifest cannot be read"),
        (changed("run.json", sha256="A" * 64), "its manifest cannot be read"),
        (changed("run.json", mode=0), "its manifest cannot be read"),
    ],
    ids=["another size", "one too few", "one too many", "a size below zero", "another hash", "an unknown field"],
)
def test_a_manifest_that_is_not_that_of_the_members_is_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str], change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    members = members_of(good)
    said = {e.filename: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for e, data in members}
    change(said)
    assert reason in refused(crafted(tmp_path / "runs.zip", members, members=said))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "null", '{"version": 1}', '{"version": "1"}', "[" * 100_000, '{"version": 1, "made": NaN}'],
    ids=lambda text: text[:12],
)
def test_a_manifest_that_cannot_be_read_is_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str], text: str
) -> None:
    file = tmp_path / "runs.zip"
    with zipfile.ZipFile(file, "w") as packed:
        for entry, data in members_of(good):
            packed.writestr(entry, data)
        packed.writestr("manifest.json", text)
        packed.comment = b"0" * 64
    assert "manifest" in refused(sealed(file))


def test_a_backup_without_a_manifest_is_refused(good: Path, tmp_path: Path, refused: Callable[[Path], str]) -> None:
    file = tmp_path / "runs.zip"
    with zipfile.ZipFile(file, "w") as packed:
        for entry, data in members_of(good):
            packed.writestr(entry, data)
        packed.comment = b"0" * 64
    assert "it has no manifest" in refused(sealed(file))


def test_a_backup_of_a_newer_version_is_refused_politely(
    good: Path, tmp_path: Path, refused: Callable[[Path], str]
) -> None:
    file = crafted(tmp_path / "runs.zip", members_of(good), version=2, more="unknown here")
    assert refused(file).endswith("made by a newer mnistnet (backup version 2); update mnistnet")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), flips=st.integers(1, 4))
def test_whatever_is_changed_under_a_right_checksum_is_refused_or_restored_whole(
    good: Path, filled: Store, tmp_path: Path, seed: int, flips: int
) -> None:
    # Around the zip's own headers, where nothing but its structure is hit.
    chance, data = random.Random(seed), bytearray(good.read_bytes())
    headers = data.index(b"PK\x01\x02")
    for _ in range(flips):
        place = chance.randrange(headers * 8, (len(data) - 64) * 8)
        data[place // 8] ^= 1 << place % 8
    file, root = tmp_path / "runs.zip", tmp_path / f"store-{seed}-{flips}"
    file.write_bytes(data)
    store = Store(root)
    try:
        restoration.restore(sealed(file), store)
    except BadInput:
        assert not root.exists()
    else:
        assert [files for *_, files in seen(store)] == [files for *_, files in seen(filled)]


# Databases that no store has written


def with_database(good: Path, file: Path, *statements: str) -> Path:
    """The backup with these statements carried out on its database."""
    path = file.with_name("changed.sqlite")
    members = members_of(good)
    path.write_bytes(members[0][1])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    members[0] = members[0][0], path.read_bytes()
    path.unlink()
    return crafted(file, members)


NOT_OF_A_STORE = "its database is not that of a store; use another backup"
BAD_DATABASES = {
    "no tables": (["PRAGMA user_version = 0"], NOT_OF_A_STORE),
    "a trigger": (["CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END"], NOT_OF_A_STORE),
    "another table": (["CREATE TABLE more (x)"], NOT_OF_A_STORE),
    "a view for a table": (
        ["DROP TABLE epochs", "CREATE VIEW epochs AS SELECT id AS run, 1 AS epoch FROM runs"],
        NOT_OF_A_STORE,
    ),
    "a computed column": (["ALTER TABLE runs ADD COLUMN x TEXT AS (hex(zeroblob(9999999)))"], NOT_OF_A_STORE),
    "a missing table": (["DROP TABLE epochs"], NOT_OF_A_STORE),
    "another column": (["ALTER TABLE runs ADD COLUMN x TEXT"], "table runs"),
    "a text for a number": (["UPDATE epochs SET train_loss = 'low' WHERE epoch = 4"], "'train_loss'"),
    "an infinite loss": (["UPDATE epochs SET train_loss = 9e999 WHERE epoch = 4"], "'train_loss'"),
    "bytes for a text": (["UPDATE runs SET message = x'00ff'"], "'message'"),
    "an unknown state": (["UPDATE runs SET state = 'asleep' WHERE number = 1"], "asleep"),
    "a design that is none": (["UPDATE runs SET architecture_json = '{}' WHERE number = 1"], "table runs"),
    "a recipe that is none": (["UPDATE runs SET recipe_json = '{\"epochs\": -1}' WHERE number = 1"], "epochs=-1"),
    "an id that leads elsewhere": (["UPDATE runs SET id = '../../x' WHERE number = 2"], "table runs"),
    "a checkpoint elsewhere": (["UPDATE epochs SET checkpoint = '../../x' WHERE epoch = 4"], "table epochs"),
    "an epoch of no run": (
        ["UPDATE epochs SET run = 'ffffffff' WHERE epoch = 4 AND run IN (SELECT id FROM runs WHERE number = 1)"],
        "table epochs",
    ),
    "a folder of no run": (
        ["DELETE FROM epochs", "DELETE FROM runs WHERE number = 1"],
        "belongs to no run; use another backup",
    ),
    "a place at SQLite's end": (["UPDATE runs SET number = 9223372036854775807 WHERE number = 1"], "number="),
    "a turn at SQLite's end": (["UPDATE runs SET turn = 9223372036854775807 WHERE number = 1"], "turn="),
    "fewer errors than none": (["UPDATE runs SET test_errors = -5 WHERE number = 1"], "test_errors=-5"),
    "more errors than images": (["UPDATE runs SET test_errors = 500 WHERE number = 1"], "test_errors=500"),
    "an accuracy of 500 %": (["UPDATE epochs SET validation_accuracy = 5.0"], "validation_accuracy=5.0"),
    "an accuracy below all": (["UPDATE epochs SET validation_accuracy = -1e300"], "validation_accuracy=-1e+300"),
    "control characters": (["UPDATE runs SET name = 'a' || char(27) || '[2J'"], "name="),
    "another name than its design's": (["UPDATE runs SET name = 'another' WHERE number = 1"], "its design's, 'tiny'"),
    "more epochs than its recipe asks for": (["UPDATE epochs SET epoch = 11 WHERE epoch = 4"], "table epochs"),
    "text that is no UTF-8": (["UPDATE runs SET message = CAST(x'ff' AS TEXT)"], "message="),
    "a newer version": (["PRAGMA user_version = 99"], "made by a newer mnistnet (store version 99); update mnistnet"),
}


@pytest.mark.parametrize("case", BAD_DATABASES)
def test_a_database_that_no_store_has_written_is_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str], case: str
) -> None:
    statements, reason = BAD_DATABASES[case]
    assert reason in refused(with_database(good, tmp_path / "runs.zip", *statements))


@pytest.mark.parametrize(
    "data", [b"", b"no database", b"SQLite format 3\0" + bytes(4_080)], ids=["empty", "text", "zeros"]
)
def test_a_member_that_is_no_database_is_refused(
    good: Path, tmp_path: Path, refused: Callable[[Path], str], data: bytes
) -> None:
    members = members_of(good)
    members[0] = members[0][0], data
    assert "its database" in refused(crafted(tmp_path / "runs.zip", members))


def test_a_database_with_a_damaged_page_is_refused(good: Path, tmp_path: Path, refused: Callable[[Path], str]) -> None:
    members = members_of(good)
    data = bytearray(members[0][1])
    data[8192:12_288] = bytes(4096)
    members[0] = members[0][0], bytes(data)
    assert "its database" in refused(crafted(tmp_path / "runs.zip", members))


def test_a_backup_without_a_database_is_refused(good: Path, tmp_path: Path, refused: Callable[[Path], str]) -> None:
    assert "its database" in refused(crafted(tmp_path / "runs.zip", members_of(good)[1:]))


def test_a_backup_of_an_older_store_is_brought_to_this_version(
    good: Path, filled: Store, target: Store, tmp_path: Path
) -> None:
    restoration.restore(with_database(good, tmp_path / "runs.zip", *TO_VERSION_1), target)
    assert [asdict(run)["owner"] for run in target.runs()] == [""] * 3
    assert [run.id for run in target.runs()] == [run.id for run in filled.runs()]
    assert not [path for path in target.root.iterdir() if "version" in path.name]
