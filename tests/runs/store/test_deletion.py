"""Deleting a run: its row and its folder go together, whenever it is cut off and whoever else is at work."""

import errno
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mnistnet.errors import MnistnetError
from mnistnet.runs.files.atomic import sync_folder
from mnistnet.runs.run import ACTIVE, RESUMABLE, Run, RunState
from mnistnet.runs.store import database, transitions
from mnistnet.runs.store import store as stores
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.run_rows import UnknownRun
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.runs.users import NotOwner, User
from mnistnet.runs.worker import supervisor
from tests.support.samples import TINY, metrics, recipe, running

TERMINAL = [state for state in RunState if not state.is_active]
CHECKPOINT = b"what was learned"


def at(store: Store, state: RunState) -> Run:
    """A run in this state that has stored an epoch."""
    run = running(store)
    (store.folder(run.id) / "epoch-0001.pt").write_bytes(CHECKPOINT)
    transitions.record_epoch(store, run.id, metrics(1))
    if state in TERMINAL:
        transitions.finish(store, run.id, state)
    elif state is not RunState.RUNNING:
        store.database.change("UPDATE runs SET state = ? WHERE id = ?", state, run.id)
    return store.run(run.id)


def is_whole(store: Store, run: Run) -> bool:
    """Row, epochs and folder are all there."""
    return (
        [row.epoch for row in store.metrics(run.id)] == [1]
        and (store.folder(run.id) / "epoch-0001.pt").read_bytes() == CHECKPOINT
        and (store.folder(run.id) / "design.json").is_file()
    )


def is_gone(store: Store, run: Run) -> bool:
    """Nothing is left of it, under any name."""
    return (
        run.id not in {one.id for one in store.runs()}
        and store.metrics(run.id) == []
        and not [path for path in store.root.iterdir() if run.id in path.name]
    )


# What goes and what stays


@pytest.mark.parametrize("state", TERMINAL)
def test_a_run_that_has_ended_goes_with_its_epochs_and_its_folder(store: Store, state: RunState) -> None:
    run = at(store, state)
    store.delete(run.id)
    assert is_gone(store, run)


@pytest.mark.parametrize("state", ACTIVE)
def test_an_active_run_is_refused_and_left_as_it_was(store: Store, state: RunState) -> None:
    run = at(store, state)
    with pytest.raises(WrongState, match=f"^run {run.id}: it is {state}; stop it before deleting it$"):
        store.delete(run.id)
    assert store.run(run.id) == run
    assert is_whole(store, run)
    transitions.finish(store, run.id, RunState.STOPPED)


def test_other_runs_are_left_alone(store: Store) -> None:
    others = [at(store, RunState.STOPPED) for _ in range(2)]
    run = at(store, RunState.DONE)
    store.delete(run.id)
    assert [one.id for one in store.runs()] == [run.id for run in others[::-1]]
    assert all(is_whole(store, one) for one in others)


def test_a_run_without_a_folder_can_be_deleted(store: Store) -> None:
    run = at(store, RunState.FAILED)
    shutil.rmtree(store.folder(run.id))
    store.delete(run.id)
    assert is_gone(store, run)


def test_an_unknown_run_is_refused(store: Store) -> None:
    with pytest.raises(UnknownRun, match=r"^run '0123abcd': no such run"):
        store.delete("0123abcd")
    assert not store.root.exists()


def test_somebody_elses_run_is_refused_and_left(store: Store) -> None:
    run = store.enqueue(TINY, recipe(), owner="ada")
    store.request_stop(run.id)
    with pytest.raises(NotOwner, match=f"^run {run.id}: started by ada: only they or an administrator may"):
        store.delete(run.id, by=User("bob"))
    assert store.folder(run.id).is_dir()
    store.delete(run.id, by=User("ada"))
    assert is_gone(store, run)


def test_a_deleted_run_does_not_come_back_with_a_database_built_anew(store: Store) -> None:
    kept, run = at(store, RunState.DONE), at(store, RunState.DONE)
    store.delete(run.id)
    store.database.path.write_bytes(b"damaged" * 1_000)
    assert [one.id for one in store.runs()] == [kept.id]


# Cut off: the disk as it was in that moment, looked at afterwards


class Killed(BaseException):
    """Stands for kill -9; what the code under test still does after it happens to another folder."""


def die(monkeypatch: pytest.MonkeyPatch, store: Store, photo: Path, owner: object, name: str, *, after: bool) -> None:
    """Copy the store just before or just after the owner's function is called, and end there."""
    function: Callable[..., Any] = getattr(owner, name)

    def deadly(*arguments: Any, **named: Any) -> Any:
        if after:
            function(*arguments, **named)
        if not photo.exists():
            shutil.copytree(store.root, photo)
        raise Killed

    monkeypatch.setattr(owner, name, deadly)


def emptied_halfway(folder: Path, **_: Any) -> None:
    next(folder.glob("epoch-*")).unlink()


POINTS: dict[str, tuple[object, str, bool]] = {
    "before the rename": (Path, "rename", False),
    "after the rename": (Path, "rename", True),
    "before the commit": (stores, "sync_folder", True),
    "after the commit": (Store, "sweep", False),
    "before the folder is emptied": (shutil, "rmtree", False),
    "after the folder is emptied": (shutil, "rmtree", True),
}
UNCOMMITTED = ["before the rename", "after the rename", "before the commit"]


@pytest.fixture
def cut_off(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Run], Store]:
    """The store as a deletion of the run left it that was killed at this point."""

    def delete_until(point: str, run: Run) -> Store:
        photo = tmp_path / "photo"
        with monkeypatch.context() as patch:
            die(patch, store, photo, *POINTS[point][:2], after=POINTS[point][2])
            with pytest.raises(Killed):
                store.delete(run.id)
        return Store(photo)

    return delete_until


@pytest.mark.parametrize("point", POINTS)
def test_a_deletion_killed_at_any_point_is_finished_or_taken_back(
    store: Store, cut_off: Callable[[str, Run], Store], point: str
) -> None:
    run = at(store, RunState.STOPPED)
    left = cut_off(point, run)
    left.sweep()
    assert is_whole(left, run) if point in UNCOMMITTED else is_gone(left, run)


@pytest.mark.parametrize("point", POINTS)
def test_a_supervisor_begins_by_tidying_up(store: Store, cut_off: Callable[[str, Run], Store], point: str) -> None:
    run = at(store, RunState.STOPPED)
    left = cut_off(point, run)
    supervisor.supervise(left)
    assert is_whole(left, run) if point in UNCOMMITTED else is_gone(left, run)


@pytest.mark.parametrize("point", UNCOMMITTED)
def test_a_run_whose_deletion_was_killed_resumes_with_its_checkpoints(
    store: Store, cut_off: Callable[[str, Run], Store], point: str
) -> None:
    run = at(store, RunState.INTERRUPTED)
    left = cut_off(point, run)
    left.resume(run.id)
    assert is_whole(left, run)


@pytest.mark.parametrize("point", POINTS)
def test_a_deletion_that_was_killed_can_be_asked_for_again(
    store: Store, cut_off: Callable[[str, Run], Store], point: str
) -> None:
    run = at(store, RunState.DONE)
    left = cut_off(point, run)
    if point in UNCOMMITTED:
        left.delete(run.id)
    left.sweep()
    assert is_gone(left, run)


def test_a_folder_emptied_halfway_goes_with_the_next_sweep(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = at(store, RunState.DONE)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", emptied_halfway)
        store.delete(run.id)
    assert not is_gone(store, run)
    store.sweep()
    assert is_gone(store, run)


def test_a_sweep_that_finds_the_database_damaged_finishes_all_the_same(store: Store) -> None:
    run, other = at(store, RunState.STOPPED), at(store, RunState.DONE)
    store.folder(other.id).rename(store.root / f".deleted-{other.id}")
    store.database.path.write_bytes(b"damaged" * 1_000)
    store.sweep()
    assert [path.name for path in store.root.glob(".deleted-*")] == []
    assert is_whole(store, run)


def test_a_folder_in_the_way_of_one_that_comes_back_stops_no_sweep(store: Store) -> None:
    run, other = at(store, RunState.STOPPED), at(store, RunState.DONE)
    shutil.copytree(store.folder(run.id), store.root / f".deleted-{run.id}")
    store.delete(other.id)
    assert is_whole(store, run)
    assert is_gone(store, other)


# The disk says no


def test_a_folder_that_cannot_be_renamed_leaves_the_run_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = at(store, RunState.DONE)

    def refused(*_: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refused)
        with pytest.raises(StoreError, match=r"Permission denied; nothing was changed$"):
            store.delete(run.id)
    assert is_whole(store, run)


def test_a_commit_that_fails_brings_the_folder_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = at(store, RunState.DONE)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(store.database.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM runs").fetchone()  # a reader that stays: nobody can commit
        with pytest.raises(StoreError, match=r"database is locked; nothing was changed$"):
            store.delete(run.id)
        assert is_whole(store, run)
    store.delete(run.id)
    assert is_gone(store, run)


def test_files_that_cannot_be_removed_are_out_of_sight_and_go_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = at(store, RunState.DONE)

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refused)
        store.delete(run.id)
    assert store.runs() == []
    assert not store.folder(run.id).exists()
    store.sweep()
    assert is_gone(store, run)


def test_a_folder_that_was_made_for_a_run_and_never_got_its_row_goes_after_an_hour(store: Store) -> None:
    at(store, RunState.DONE)
    young, old = store.root / ".new-00000001", store.root / ".new-00000002"
    for folder in (young, old):
        folder.mkdir()
    os.utime(old, (0, time.time() - 4000))
    store.sweep()
    assert (young.exists(), old.exists()) == (True, False)


# Several at once


def test_a_sweep_in_the_middle_of_a_deletion_waits_for_its_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = at(store, RunState.DONE)
    sweeping = threading.Thread(target=store.sweep)

    def slow(folder: Path) -> None:
        sweeping.start()
        time.sleep(0.5)  # one that does not wait would have brought the folder back by then
        sync_folder(folder)

    monkeypatch.setattr(stores, "sync_folder", slow)
    store.delete(run.id)
    sweeping.join()
    assert is_gone(store, run)


def test_of_many_deletions_of_one_run_one_succeeds_and_the_others_find_no_run(store: Store) -> None:
    run = at(store, RunState.DONE)

    def delete(_: int) -> str:
        try:
            store.delete(run.id)
        except UnknownRun:
            return "unknown"
        return "deleted"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(delete, range(8))) == ["deleted"] + ["unknown"] * 7
    assert is_gone(store, run)


@pytest.mark.parametrize("state", RESUMABLE)
def test_a_run_that_is_resumed_and_deleted_at_once_is_queued_whole_or_gone(store: Store, state: RunState) -> None:
    def attempted(action: Callable[[str], object], run_id: str) -> str:
        try:
            action(run_id)
        except MnistnetError as error:
            return type(error).__name__
        return "done"

    for _ in range(5):
        run = at(store, state)
        with ThreadPoolExecutor(2) as pool:
            resumed = pool.submit(attempted, store.resume, run.id)
            deleted = pool.submit(attempted, store.delete, run.id)
        if deleted.result() == "done":
            assert is_gone(store, run)
        else:
            assert (resumed.result(), deleted.result()) == ("done", "WrongState")
            assert is_whole(store, run)
            store.request_stop(run.id)
