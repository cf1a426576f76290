"""The database's file itself: damaged, emptied, removed, of an older version; and what it is built anew from."""

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from mnistnet.cli.program import main
from mnistnet.runs.files import locks
from mnistnet.runs.files.names import DESIGN, RUN_JSON
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import database, transitions
from mnistnet.runs.store.database import Database, GoneError, StoreError
from mnistnet.runs.store.run_json import RunFiles
from mnistnet.runs.store.schema import VERSION
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from tests.support.samples import TINY, TO_VERSION_1, metrics, recipe, running


@pytest.fixture(autouse=True)
def nobody_deletes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is found damaged is damaged: no other process is just removing it, so that none is waited for."""
    monkeypatch.setattr(database, "_DELETION_SECONDS", 0.0)


@pytest.fixture
def full(store: Store) -> Store:
    """One run of every kind: done, diverged, running, queued."""
    done = running(store)
    for epoch in (1, 2, 3):
        transitions.record_epoch(store, done.id, metrics(epoch, validation_accuracy=epoch / 4))
    transitions.complete(store, done.id, (7, 297), "a" * 64)
    diverged = running(store)
    transitions.finish(store, diverged.id, RunState.DIVERGED, "too fast")
    transitions.record_epoch(store, running(store).id, metrics(1))
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


def test_a_database_that_is_set_aside_while_it_is_opened_is_read_anew(
    full: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(full)
    garbage(full.database.path)
    connect = Database._connect

    def late(database: Database, *, new: bool = False) -> sqlite3.Connection:
        monkeypatch.undo()
        Database(full.database.path, RunFiles(full.root))._set_aside()  # by another process, after the file was seen
        return connect(database, new=new)

    monkeypatch.setattr(Database, "_connect", late)
    assert contents(full) == before


def test_a_run_whose_record_is_damaged_keeps_its_design_and_recipe(full: Store) -> None:
    done = next(run for run in full.runs() if run.state is RunState.DONE)
    (full.folder(done.id) / RUN_JSON).write_text('{"run": ')
    garbage(full.database.path)
    found = full.run(done.id)
    assert (found.architecture, found.recipe, found.state) == (done.architecture, done.recipe, RunState.INTERRUPTED)
    assert "its curve is lost; Resume trains it anew" in found.message
    assert len(full.runs()) == 4


def test_a_folder_of_which_nothing_can_be_read_is_set_aside_and_named(full: Store) -> None:
    stray = full.root / "0123abcd"
    stray.mkdir()
    (stray / DESIGN).write_text("nonsense")
    garbage(full.database.path)
    assert len(full.runs()) == 4
    (aside,) = RunFiles(full.root).set_aside()
    assert aside.name == "damaged-0123abcd"
    assert (aside / DESIGN).read_text() == "nonsense"
    assert not stray.exists()


def test_records_of_strangers_put_nothing_but_their_own_run_into_the_tables(full: Store) -> None:
    """A folder copied under another name is no second run, and unknown columns are no way into the statement."""
    done = next(run for run in full.runs() if run.state is RunState.DONE)
    shutil.copytree(full.folder(done.id), full.root / "0123abcd")
    record = full.folder(done.id) / RUN_JSON
    record.write_text(record.read_text().replace('"owner"', '"owner) VALUES (1); --"'))
    before = {run.id for run in full.runs()}
    garbage(full.database.path)
    assert {run.id for run in full.runs()} == before | {"0123abcd"}
    assert full.run("0123abcd").state is RunState.INTERRUPTED  # from its design and recipe alone


def field(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["run"].update({name: value})


def of_epoch(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["epochs"][1].update({name: value})


# What makes a run's record one that no store has written.
BAD_RECORDS: dict[str, Callable[[dict[str, Any]], object]] = {
    "a null": field("stage", None),
    "no created": lambda document: document["run"].pop("created"),
    "a null for created": field("created", None),
    "a text for created": field("created", "yesterday"),
    "a missing field": lambda document: document["run"].pop("params"),
    "no run": lambda document: document.update(run=None),
    "no id": lambda document: document["run"].pop("id"),
    "a list for a run": lambda document: document.update(run=[]),
    "a number for its epochs": lambda document: document.update(epochs=1),
    "a number for an epoch": lambda document: document.update(epochs=[1]),
    "a field missing in an epoch": lambda document: document["epochs"][0].pop("seconds"),
    "an epoch given twice": lambda document: document["epochs"].append(document["epochs"][0]),
    "an accuracy of 500 %": of_epoch("validation_accuracy", 5.0),
    "no number": of_epoch("train_loss", float("nan")),
    "a number beyond SQLite's": field("attempt", 2**64),
    "a token of another run": field("token", "taken"),
    "a name that is not its design's": field("name", "another"),
    "an object for a text": field("message", {}),
}


@pytest.mark.parametrize("case", BAD_RECORDS)
def test_a_folder_whose_record_no_store_has_written_is_set_aside_and_the_others_come_back(
    full: Store, case: str
) -> None:
    done = next(run for run in full.runs() if run.state is RunState.DONE)
    full.request_stop(full.enqueue(TINY, recipe(), token="taken").id)
    path = full.folder(done.id) / RUN_JSON
    document = json.loads(path.read_text())
    BAD_RECORDS[case](document)
    if case == "a token of another run":
        document["run"]["created"] += 1e6
    path.write_text(json.dumps(document))
    others = {run.id for run in full.runs()} - {done.id}
    garbage(full.database.path)
    assert {run.id for run in full.runs()} == others
    (aside,) = full.folders_aside()
    assert aside.name == f"damaged-{done.id}"
    assert (aside / DESIGN).is_file()
    assert json.loads((aside / RUN_JSON).read_text())["epochs"]
    garbage(full.database.path)
    assert {run.id for run in full.runs()} == others


def test_a_folder_that_is_set_aside_is_named_by_the_command_line(
    full: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    run = full.active()[-1]
    path = full.folder(run.id) / RUN_JSON
    path.write_text(path.read_text().replace('"created"', '"made"'))
    removed(full.database.path)
    assert main(["runs"]) == 0
    assert f"damaged-{run.id}: the record of a run, which could not be taken" in capsys.readouterr().err


def test_a_second_folder_of_one_run_is_set_aside_under_another_name(full: Store) -> None:
    run = full.active()[-1]
    (full.root / f"damaged-{run.id}").mkdir()
    (full.folder(run.id) / RUN_JSON).write_text('{"run": {"id": 1}}')
    removed(full.database.path)
    full.runs()
    assert [path.name for path in full.folders_aside()] == [f"damaged-{run.id}", f"damaged-{run.id}-1"]


EMPTY_RECORDS = {"null": "null", "list": "[]", "number": "1", "object": "{}", "no run": '{"run": null, "epochs": []}'}


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, " " * 5_000_000, "{", "", *EMPTY_RECORDS.values()],
    ids=["deep", "large", "cut", "empty", *EMPTY_RECORDS],
)
def test_a_record_that_cannot_be_read_costs_its_run_no_more_than_its_curve(full: Store, text: str) -> None:
    run = full.active()[-1]
    (full.folder(run.id) / RUN_JSON).write_text(text)
    removed(full.database.path)
    assert full.run(run.id).architecture == run.architecture
    assert len(full.runs()) == 4


# Deleted, moved, or never there


def test_nobody_but_who_starts_a_run_makes_a_store(store: Store) -> None:
    for change in (
        lambda: transitions.finish(store, "0123abcd", RunState.FAILED),
        lambda: transitions.advance(store, "0123abcd", "training"),
        lambda: transitions.record_epoch(store, "0123abcd", metrics(1)),
        lambda: transitions.claim(store, 1),
    ):
        with pytest.raises(GoneError, match="there is no store any more: deleted or moved; set MNISTNET_STORE to"):
            change()
    assert not store.root.exists()
    assert not locks.is_held(locks.of_supervisor(store.root))
    assert locks.hold(locks.of_run(store.folder("0123abcd"))) is None
    assert not store.root.exists()
    store.root.mkdir()
    with pytest.raises(GoneError):
        transitions.finish(store, "0123abcd", RunState.FAILED)
    assert list(store.root.iterdir()) == []


def test_a_store_that_is_being_deleted_is_not_made_anew_from_what_is_left(
    full: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed(full.database.path)
    monkeypatch.setattr("time.sleep", lambda _: shutil.rmtree(full.root))  # meanwhile the deletion goes on
    assert full.runs() == []
    assert not full.root.exists()


@pytest.mark.parametrize("command", [["runs"], ["runs", "--json"], ["show", "0"], ["delete", "0"], ["train", "-"]])
def test_a_store_that_is_no_folder_is_said_to_be_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.setenv("MNISTNET_STORE", "/dev/null")
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(TINY.to_json().encode()), encoding="utf-8"))
    assert main(command) == 1
    said = capsys.readouterr()
    assert said.err == "mnistnet: /dev/null: no folder: a store is a folder; set MNISTNET_STORE to one\n"
    assert said.out == ""


def test_a_store_whose_path_is_not_utf_8_is_written_and_read(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        root.mkdir()
    except OSError:
        pytest.skip("this file system takes only names in UTF-8")
    run = running(Store(root))
    transitions.record_epoch(Store(root), run.id, metrics(1))
    assert Store(root).run(run.id).epochs_done == 1


# An older database in the place of a newer one


def put_back(store: Store, copy: Path) -> None:
    shutil.copyfile(copy, store.database.path)


def test_epochs_that_an_older_database_lacks_are_said_to_be_missing(store: Store, tmp_path: Path) -> None:
    run = running(store, epochs=4)
    transitions.record_epoch(store, run.id, metrics(1))
    shutil.copyfile(store.database.path, tmp_path / "older")
    for epoch in (2, 3):
        transitions.record_epoch(store, run.id, metrics(epoch))
    put_back(store, tmp_path / "older")
    transitions.record_epoch(store, run.id, metrics(4))
    transitions.complete(store, run.id, (7, 297), "a" * 64)
    message = "epochs 2 to 3 of it are missing: the database was replaced by an older one while it trained"
    assert (store.run(run.id).state, store.run(run.id).message) == (RunState.DONE, message)


def test_a_last_epoch_that_an_older_database_lacks_is_said_to_be_missing(store: Store, tmp_path: Path) -> None:
    run = running(store)
    for epoch in (1, 2):
        transitions.record_epoch(store, run.id, metrics(epoch))
    shutil.copyfile(store.database.path, tmp_path / "older")
    transitions.record_epoch(store, run.id, metrics(3))
    put_back(store, tmp_path / "older")
    transitions.complete(store, run.id, (7, 297), "a" * 64)
    assert "epoch 3 of it is missing" in store.run(run.id).message


def with_gap(store: Store, older: Path) -> Run:
    """A run in its fourth epoch whose second is missing."""
    run = running(store, epochs=9)
    transitions.record_epoch(store, run.id, metrics(1))
    shutil.copyfile(store.database.path, older)
    transitions.record_epoch(store, run.id, metrics(2))
    put_back(store, older)
    transitions.record_epoch(store, run.id, metrics(3))
    return run


def test_what_is_missing_is_still_said_when_the_run_ends_otherwise_and_is_resumed(store: Store, tmp_path: Path) -> None:
    run = with_gap(store, tmp_path / "older")
    missing = "epoch 2 of it is missing: the database was replaced by an older one while it trained"
    transitions.finish(store, run.id, RunState.INTERRUPTED, "its process ended in epoch 4")
    assert store.run(run.id).message == f"its process ended in epoch 4; {missing}"
    transitions.explain(store, run, "its process ended in epoch", "no prefix will do")
    transitions.explain(store, run, "its process ended in epoch 4", "it was killed; memory ran out")
    assert store.run(run.id).message == f"it was killed; memory ran out; {missing}"
    store.resume(run.id)
    assert store.run(run.id).message == missing


def test_an_epoch_that_is_missing_counts_as_done(store: Store, tmp_path: Path) -> None:
    run = with_gap(store, tmp_path / "older")
    assert store.run(run.id).epochs_done == 3
    assert store.run(run.id).progress == pytest.approx(3 / 9)
    supervisor.mark_dead(store, store.active())
    assert store.run(run.id).message.startswith("its process ended in epoch 4; ")


def test_nothing_is_said_of_a_run_without_a_gap(full: Store) -> None:
    done = next(run for run in full.runs() if run.state is RunState.DONE)
    assert done.message == ""


# Versions


def older(store: Store) -> None:
    """Back to what version 1 was: no owners, no records."""
    with sqlite3.connect(store.database.path) as connection:
        for statement in TO_VERSION_1:
            connection.execute(statement)
    connection.close()
    for record in store.root.glob(f"*/{RUN_JSON}"):
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
    monkeypatch.setattr("mnistnet.runs.store.schema._STEPS", steps)
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


def test_a_database_is_of_this_version_from_its_first_transaction(tmp_path: Path) -> None:
    database = Database(tmp_path / "runs.sqlite", RunFiles(tmp_path))
    with database.transaction(new=True) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
