"""The database's file itself: damaged, emptied, removed, of an older version; and what it is built anew from."""

import random
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from mnistnet.runs import records
from mnistnet.runs.database import VERSION, Database, StoreError
from mnistnet.runs.records import Records
from mnistnet.runs.run import Run, State
from mnistnet.runs.store import Store
from tests.samples import TINY, TO_VERSION_1, metrics, recipe, running


@pytest.fixture
def full(store: Store) -> Store:
    """One run of every kind: done, diverged, running, queued."""
    done = running(store)
    for epoch in (1, 2, 3):
        store.record_epoch(done.id, metrics(epoch, validation_accuracy=epoch / 4))
    store.complete(done.id, 7, 297, "a" * 64)
    diverged = running(store)
    store.finish(diverged.id, State.DIVERGED, "too fast")
    store.record_epoch(running(store).id, metrics(1))
    store.enqueue(TINY, recipe(seed=9), owner="ann")
    return store


def contents(store: Store) -> list[tuple[Run, list[object]]]:
    """All that is known of all runs, but for what only says how far the current epoch is."""
    return [
        (replace(run, stage="", step=0, steps=0), list[object](store.metrics(run.id)))
        for run in sorted(store.runs(), key=lambda run: run.id)
    ]


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database " * 100)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


def torn(path: Path) -> None:
    """A page in the middle from somewhere else, as after a bad disk."""
    data = bytearray(path.read_bytes())
    data[4096:8192] = random.Random(1).randbytes(4096)
    path.write_bytes(data)


DAMAGES = {function.__name__: function for function in (garbage, cut, zeroed, torn)}


@pytest.mark.bar("F8")
@pytest.mark.parametrize("damage", [*DAMAGES, "emptied", "removed"])
def test_a_damaged_database_is_built_anew_from_the_folders(full: Store, damage: str) -> None:
    before = contents(full)
    {**DAMAGES, "emptied": emptied, "removed": removed}[damage](full.database.path)
    assert contents(full) == before
    assert contents(Store(full.root)) == before


@pytest.mark.bar("F8")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database_is_set_aside_and_never_deleted(full: Store, damage: str) -> None:
    DAMAGES[damage](full.database.path)
    bytes_before = full.database.path.read_bytes()
    full.runs()
    (aside,) = full.database.set_aside()
    assert aside.name.startswith("runs.sqlite.damaged-")
    assert aside.read_bytes() == bytes_before


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_can_be_queued_into_a_damaged_store(full: Store, damage: str) -> None:
    known = {run.id for run in full.runs()}
    DAMAGES[damage](full.database.path)
    new = full.enqueue(TINY, recipe())
    assert {run.id for run in full.runs()} == known | {new.id}
    assert full.active()[-1].id == new.id  # behind those that waited before


def test_a_journal_left_beside_a_damaged_database_is_not_played_back_into_the_new_one(full: Store) -> None:
    """SQLite sees to it by itself: beside an empty file a journal is stale."""
    before = contents(full)
    garbage(full.database.path)
    journal = full.root / "runs.sqlite-journal"
    journal.write_bytes(b"a journal")
    assert contents(full) == before
    assert not journal.exists()


def test_a_damaged_database_that_cannot_be_set_aside_is_said_to_be_so(full: Store) -> None:
    full.database.path.write_bytes(b"no database at all" * 100)
    lock = full.root / "database.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()  # no file, so no lock: what an unwritable folder is to anyone but root
    with pytest.raises(StoreError, match=r"damaged, and cannot be set aside: .*; make its folder writable"):
        full.runs()
    with pytest.raises(StoreError, match="damaged, and cannot be set aside"):
        full.enqueue(TINY, recipe())
    lock.rmdir()
    assert full.runs()


def test_who_comes_late_sets_no_healthy_database_aside(full: Store) -> None:
    before = contents(full)
    garbage(full.database.path)
    full.runs()
    full.database._set_aside()  # by a process that found it damaged as well, and waited for the lock
    assert len(full.database.set_aside()) == 1
    assert contents(full) == before


def test_twenty_looks_at_a_damaged_database_set_it_aside_once(full: Store) -> None:
    from concurrent.futures import ThreadPoolExecutor

    before = contents(full)
    garbage(full.database.path)
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: contents(full), range(20)))
    assert found == [before] * 20
    assert len(full.database.set_aside()) == 1


def test_a_run_whose_record_is_damaged_keeps_its_design_and_recipe(full: Store) -> None:
    done = next(run for run in full.runs() if run.state is State.DONE)
    (full.folder(done.id) / records.NAME).write_text('{"run": ')
    garbage(full.database.path)
    found = full.run(done.id)
    assert (found.architecture, found.recipe, found.state) == (done.architecture, done.recipe, State.INTERRUPTED)
    assert "its curve is lost; Resume trains it anew" in found.message
    assert len(full.runs()) == 4


def test_a_folder_of_which_nothing_can_be_read_is_set_aside_and_named(full: Store) -> None:
    stray = full.root / "0123abcd"
    stray.mkdir()
    (stray / records.DESIGN).write_text("nonsense")
    garbage(full.database.path)
    assert len(full.runs()) == 4
    (aside,) = Records(full.root).set_aside()
    assert aside.name == "damaged-0123abcd"
    assert (aside / records.DESIGN).read_text() == "nonsense"
    assert not stray.exists()


def test_records_of_strangers_put_nothing_but_their_own_run_into_the_tables(full: Store) -> None:
    """A folder copied under another name is no second run, and unknown columns are no way into the statement."""
    done = next(run for run in full.runs() if run.state is State.DONE)
    shutil.copytree(full.folder(done.id), full.root / "0123abcd")
    record = full.folder(done.id) / records.NAME
    record.write_text(record.read_text().replace('"owner"', '"owner) VALUES (1); --"'))
    before = {run.id for run in full.runs()}
    garbage(full.database.path)
    assert {run.id for run in full.runs()} == before | {"0123abcd"}
    assert full.run("0123abcd").state is State.INTERRUPTED  # from its design and recipe alone


# Versions


def older(store: Store) -> None:
    """Back to what version 1 was: no owners, no records."""
    with sqlite3.connect(store.database.path) as connection:
        for statement in TO_VERSION_1:
            connection.execute(statement)
    connection.close()
    for record in store.root.glob(f"*/{records.NAME}"):
        record.unlink()


def test_an_older_store_is_brought_to_this_version_and_a_copy_is_kept(full: Store) -> None:
    before = [replace(run, owner="") for run, _ in contents(full)]
    older(full)
    assert [run for run, _ in contents(full)] == before
    with sqlite3.connect(full.root / "runs.sqlite.version-1") as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT count(*) FROM runs").fetchone() == (4,)
    copy.close()


def test_an_older_stores_runs_get_their_records(full: Store) -> None:
    older(full)
    full.runs()
    garbage(full.database.path)
    assert len(full.runs()) == 4
    assert not any("curve is lost" in run.message for run in full.runs())


def test_a_migration_that_fails_leaves_the_older_store_as_it_was(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    older(full)
    before = full.database.path.read_bytes()
    steps = {1: ("ALTER TABLE runs ADD COLUMN owner TEXT",), 2: ("nonsense",)}
    monkeypatch.setattr("mnistnet.runs.database._STEPS", steps)
    with pytest.raises(StoreError, match="nothing was changed"):
        full.runs()
    assert full.database.path.read_bytes() == before
    monkeypatch.undo()


def test_many_processes_bring_an_older_store_to_this_version_once(full: Store) -> None:
    from concurrent.futures import ThreadPoolExecutor

    older(full)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: len(full.runs()), range(8))) == {4}
    assert len(list(full.root.glob("runs.sqlite.version-*"))) == 1


class Nothing:
    """No copies anywhere."""

    def exist(self) -> bool:
        return False

    def restore(self, connection: sqlite3.Connection) -> None: ...

    def keep_all(self, connection: sqlite3.Connection) -> None: ...


def test_a_database_is_of_this_version_from_its_first_transaction(tmp_path: Path) -> None:
    database = Database(tmp_path / "runs.sqlite", Nothing())
    with database.writing(new=True) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
