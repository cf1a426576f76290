"""Every state change of the store, and what it does when several want one at once or the disk says no."""

import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mnistnet.nets.architecture import DesignError
from mnistnet.runs.files.names import new_id
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import queue, schema, transitions
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.run_rows import UnknownRun
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.system import cores
from tests.support.samples import TINY, conv, design, metrics, recipe, running, started

TERMINAL = [state for state in RunState if not state.is_active]


def queued(store: Store, **fields: Any) -> Run:
    return store.enqueue(TINY, recipe(**fields))


def at(store: Store, state: RunState) -> Run:
    """A run that has come to `state`, the only one of its store."""
    run = queued(store)
    if state is not RunState.QUEUED:
        claimed = transitions.claim(store, 1_000)
        assert claimed is not None
        if state is not RunState.STARTING:
            transitions.start(store, run.id, claimed.attempt)
        if state is RunState.DONE:
            transitions.complete(store, run.id, (3, 297), "ab" * 32)
        elif state in TERMINAL:
            transitions.finish(store, run.id, state, "because")
    run = store.run(run.id)
    assert run.state is state
    return run


# Queueing


def test_a_new_run_waits_in_the_queue_with_all_it_was_given(store: Store) -> None:
    run = store.enqueue(TINY, recipe(seed=7))
    assert (run.state, run.name, run.architecture, run.recipe) == (RunState.QUEUED, "tiny", TINY, recipe(seed=7))
    assert (run.epochs_done, run.attempt, run.test_accuracy, run.weights_sha256) == (0, 0, None, None)


def test_design_and_recipe_lie_in_the_runs_folder(store: Store) -> None:
    folder = store.folder(queued(store).id)
    assert (folder / "design.json").read_text() == TINY.to_json()
    assert (folder / "recipe.json").read_text() == recipe().model_dump_json(indent=2) + "\n"


@pytest.mark.parametrize("asked", [0, 1, 64])
def test_a_run_gets_the_threads_it_asks_for_and_never_more_than_there_are_cores(store: Store, asked: int) -> None:
    expected = min(asked, cores()) or cores()
    assert queued(store, threads=asked).threads == expected


@pytest.mark.bar("F10")
def test_a_design_that_cannot_be_built_is_not_queued_and_leaves_nothing(store: Store) -> None:
    too_large = design({"type": "maxpool", "size": 28}, conv(10, 3))
    with pytest.raises(DesignError, match=r"^layers\.1: a 3×3 kernel does not fit on a 1×1 map"):
        store.enqueue(too_large, recipe())
    assert not store.root.exists()


def test_runs_are_listed_newest_first(store: Store) -> None:
    ids = [queued(store).id for _ in range(3)]
    assert [run.id for run in store.runs()] == ids[::-1]


def test_reading_a_store_that_is_not_there_finds_nothing_and_makes_nothing(store: Store) -> None:
    assert (store.runs(), store.active(), store.metrics("0123abcd")) == ([], [], [])
    assert not store.root.exists()


def test_the_store_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNISTNET_STORE", str(tmp_path / "elsewhere"))
    assert Store().root == tmp_path / "elsewhere"


def test_the_store_is_runs_where_we_stand_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MNISTNET_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert Store().root == tmp_path / "runs"


# Tokens


@pytest.mark.bar("S9")
def test_one_token_from_twenty_threads_makes_one_run(store: Store) -> None:
    with ThreadPoolExecutor(20) as pool:
        ids = {run.id for run in pool.map(lambda _: store.enqueue(TINY, recipe(), token="click"), range(20))}
    assert ids == {run.id for run in store.runs()}
    assert len(ids) == 1
    assert [path.name for path in store.root.iterdir() if path.is_dir()] == list(ids)


@pytest.mark.bar("S9")
def test_a_token_given_again_later_finds_the_run_it_made_whatever_became_of_it(store: Store) -> None:
    run = store.enqueue(TINY, recipe(), token="click")
    store.request_stop(run.id)
    assert store.enqueue(TINY, recipe(), token="click") == store.run(run.id)


def test_other_tokens_and_none_make_runs_of_their_own(store: Store) -> None:
    for token in ("a", "b", None, None):
        store.enqueue(TINY, recipe(), token=token)
    assert len(store.runs()) == 4


# Names


def test_a_run_is_found_by_any_unambiguous_beginning(store: Store) -> None:
    run = queued(store)
    assert all(store.run(run.id[:length]) == run for length in range(1, 9))


@pytest.mark.parametrize("prefix", ["", "zz", "%", "_", "0123abcd0", "'; DROP TABLE runs; --", "\0"])
def test_a_run_that_is_not_there_is_unknown(store: Store, prefix: str) -> None:
    queued(store)
    with pytest.raises(UnknownRun, match=r"^run .*: no such run; `python -m mnistnet runs` lists them$"):
        store.run(prefix)


def test_an_ambiguous_beginning_is_refused_with_the_candidates(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(["abcd0001", "abcd0002"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(ids))
    queued(store)
    queued(store)
    with pytest.raises(UnknownRun, match=r"^run 'abcd': 2 runs begin so \(abcd0002, abcd0001\); give more of the id$"):
        store.run("abcd")


# State changes


@pytest.mark.parametrize("state", RunState)
@pytest.mark.parametrize(
    ("change", "leads"),
    [
        ("claim", {RunState.QUEUED: RunState.STARTING}),
        ("unclaim", {RunState.STARTING: RunState.QUEUED}),
        ("start", {RunState.STARTING: RunState.RUNNING}),
        ("complete", {RunState.RUNNING: RunState.DONE}),
        ("finish", {RunState.STARTING: RunState.FAILED, RunState.RUNNING: RunState.FAILED}),
        ("request_stop", {RunState.QUEUED: RunState.STOPPED}),
        ("resume", {RunState.STOPPED: RunState.QUEUED, RunState.INTERRUPTED: RunState.QUEUED}),
    ],
)
def test_a_change_leads_where_it_should_and_is_ignored_or_refused_elsewhere(
    store: Store, state: RunState, change: str, leads: dict[RunState, RunState]
) -> None:
    run = at(store, state)
    changes: dict[str, Callable[[], object]] = {
        "claim": lambda: transitions.claim(store, 1_000),
        "unclaim": lambda: transitions.unclaim(store, run),
        "start": lambda: transitions.start(store, run.id, run.attempt),
        "complete": lambda: transitions.complete(store, run.id, (1, 297), "cd" * 32),
        "finish": lambda: transitions.finish(store, run.id, RunState.FAILED),
        "request_stop": lambda: store.request_stop(run.id),
        "resume": lambda: store.resume(run.id),
    }
    try:
        changes[change]()
    except WrongState:
        assert state not in leads
    assert store.run(run.id).state is leads.get(state, state)


@pytest.mark.parametrize("second", [state for state in TERMINAL if state is not RunState.DONE])
@pytest.mark.parametrize("first", TERMINAL)
def test_the_first_terminal_state_wins(store: Store, first: RunState, second: RunState) -> None:
    run = at(store, first)
    assert not transitions.finish(store, run.id, second, "too late")
    assert store.run(run.id) == run


@pytest.mark.parametrize("first", [state for state in TERMINAL if state is not RunState.DONE])
def test_a_run_that_has_ended_otherwise_is_never_done(store: Store, first: RunState) -> None:
    run = at(store, first)
    assert not transitions.complete(store, run.id, (0, 297), "cd" * 32)
    assert store.run(run.id) == run


def test_many_ends_at_once_leave_one(store: Store) -> None:
    run = at(store, RunState.RUNNING)
    ends = [state for state in TERMINAL if state is not RunState.DONE] * 3
    with ThreadPoolExecutor(len(ends)) as pool:
        firsts = pool.map(lambda end: transitions.finish(store, run.id, end), ends)
        won = [end for end, first in zip(ends, firsts, strict=True) if first]
    assert won == [store.run(run.id).state]


def test_a_finished_run_has_its_score_and_hash(store: Store) -> None:
    run = at(store, RunState.DONE)
    assert (run.test_errors, run.test_total, run.weights_sha256) == (3, 297, "ab" * 32)
    assert run.test_accuracy == pytest.approx(294 / 297)


def test_an_ended_run_has_its_message_and_time(store: Store) -> None:
    run = at(store, RunState.FAILED)
    assert run.message == "because"
    assert run.ended is not None
    assert run.started is not None
    assert run.created <= run.started <= run.ended


# Stopping and resuming


@pytest.mark.parametrize("state", [RunState.STARTING, RunState.RUNNING])
def test_a_stop_is_acknowledged_at_once_and_left_to_the_worker(store: Store, state: RunState) -> None:
    run = store.request_stop(at(store, state).id)
    assert (run.state, run.stop_requested, run.stage) == (state, True, "stopping")
    assert store.stop_requested(run.id)


def test_nobody_wants_a_new_run_to_stop(store: Store) -> None:
    assert not store.stop_requested(queued(store).id)


def test_a_worker_whose_run_is_gone_is_to_stop(store: Store) -> None:
    queued(store)
    assert store.stop_requested("0123abcd")


@pytest.mark.parametrize("state", [RunState.DONE, RunState.FAILED, RunState.DIVERGED, RunState.INTERRUPTED])
def test_stopping_what_has_ended_says_so(store: Store, state: RunState) -> None:
    run = at(store, state)
    with pytest.raises(WrongState, match=f"^run {run.id}: it is {state} already; there is nothing to stop$"):
        store.request_stop(run.id)


@pytest.mark.bar("S4")
def test_stopping_twice_is_stopping_once(store: Store) -> None:
    run = store.request_stop(queued(store).id)
    assert store.request_stop(run.id) == run


@pytest.mark.parametrize("state", [state for state in RunState if not state.is_resumable])
def test_resuming_what_cannot_be_resumed_says_why(store: Store, state: RunState) -> None:
    run = at(store, state)
    message = f"^run {run.id}: it is {state}; only an interrupted or stopped run can be resumed$"
    with pytest.raises(WrongState, match=message):
        store.resume(run.id)


def test_a_resumed_run_forgets_how_it_ended_and_keeps_its_epochs(store: Store) -> None:
    run = running(store)
    transitions.record_epoch(store, run.id, metrics(1))
    store.request_stop(run.id)
    transitions.finish(store, run.id, RunState.STOPPED, "as asked")
    resumed = store.resume(run.id)
    assert (resumed.stop_requested, resumed.message, resumed.ended) == (False, "", None)
    assert store.metrics(run.id) == [metrics(1)]


def test_a_resumed_run_waits_behind_those_already_waiting(store: Store) -> None:
    stopped = store.request_stop(queued(store).id)
    waiting = queued(store)
    store.resume(stopped.id)
    assert [run.id for run in store.active()] == [waiting.id, stopped.id]


# Claiming


def claims(store: Store, slots: int) -> list[str]:
    claimed = []
    while run := transitions.claim(store, slots):
        claimed.append(run.id)
    return claimed


def test_claims_come_first_in_first_out(store: Store) -> None:
    ids = [queued(store).id for _ in range(4)]
    assert claims(store, slots=1_000) == ids


def test_no_more_runs_are_claimed_than_fit_into_the_slots(store: Store) -> None:
    ids = [queued(store, threads=1).id for _ in range(4)]
    assert claims(store, slots=3) == ids[:3]


def test_a_slot_is_free_again_when_its_run_has_ended(store: Store) -> None:
    first, second = queued(store).id, queued(store).id
    assert claims(store, slots=1) == [first]
    transitions.finish(store, first, RunState.FAILED)
    assert claims(store, slots=1) == [second]


@pytest.fixture
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "cores", lambda: 8)


@pytest.mark.usefixtures("many_cores")
def test_a_small_run_does_not_overtake_a_large_one(store: Store) -> None:
    small, large, _ = (queued(store, threads=threads).id for threads in (1, 4, 1))
    assert claims(store, slots=4) == [small]
    transitions.finish(store, small, RunState.FAILED)
    assert claims(store, slots=4) == [large]


@pytest.mark.usefixtures("many_cores")
def test_a_run_larger_than_all_slots_starts_when_nothing_else_runs(store: Store) -> None:
    small, huge = queued(store, threads=1).id, queued(store, threads=8).id
    assert claims(store, slots=2) == [small]
    transitions.finish(store, small, RunState.FAILED)
    assert claims(store, slots=2) == [huge]


WIDTHS, RATES = "0a0a0a0a", "0b0b0b0b"  # ids of searches


def trial(store: Store, search: str, number: int) -> Run:
    """A queued trial, of one thread."""
    new = queue.NewRun(new_id(), TINY, recipe(threads=1), None, "", trial=queue.Trial(search, number))
    return store.enqueue_new(new)


def test_a_worker_goes_on_to_a_trial_of_its_search_but_past_no_run_that_waits(store: Store) -> None:
    ended = trial(store, WIDTHS, 0)
    assert claims(store, slots=1) == [ended.id]
    transitions.finish(store, ended.id, RunState.FAILED)
    someones, following = queued(store, threads=1).id, trial(store, WIDTHS, 1).id
    assert transitions.claim(store, 1, after=ended) is None
    assert claims(store, slots=1) == [someones]
    claimed = transitions.claim(store, 2, after=ended)
    assert claimed is not None
    assert claimed.id == following


def test_a_worker_takes_no_trial_of_another_search(store: Store) -> None:
    ended, other = trial(store, WIDTHS, 0), trial(store, RATES, 0)
    transitions.claim(store, 1)
    transitions.finish(store, ended.id, RunState.FAILED)
    assert transitions.claim(store, 1, after=ended) is None
    assert claims(store, slots=1) == [other.id]


def test_nothing_is_claimed_from_an_empty_queue(store: Store) -> None:
    at(store, RunState.DONE)
    assert transitions.claim(store, 1_000) is None


CLAIM_ALL = """
import sys, time
from pathlib import Path
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
store, go = Store(Path(sys.argv[1])), Path(sys.argv[2])
print("ready", flush=True)
while not go.exists():
    time.sleep(0.001)
while run := transitions.claim(store, 1_000):
    print(run.id)
"""


def test_eight_processes_claiming_at_once_claim_each_run_once(store: Store, tmp_path: Path) -> None:
    ids = [queued(store).id for _ in range(40)]
    command = [sys.executable, "-c", CLAIM_ALL, str(store.root), str(tmp_path / "go")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    (tmp_path / "go").touch()
    claimed = [line for process in processes for line in process.communicate()[0].split()]
    assert sorted(claimed) == sorted(ids)
    assert {run.attempt for run in store.runs()} == {1}


# Late workers


def test_a_claim_that_was_taken_back_waits_where_it_stood(store: Store) -> None:
    first, second = queued(store).id, queued(store).id
    claimed = transitions.claim(store, 1)
    assert claimed is not None
    assert transitions.unclaim(store, claimed)
    assert [run.id for run in store.active()] == [first, second]


def test_a_worker_of_a_claim_that_was_taken_back_does_not_start(store: Store) -> None:
    late = at(store, RunState.STARTING)
    transitions.unclaim(store, late)
    assert transitions.start(store, late.id, late.attempt) is None


def test_a_worker_of_an_earlier_attempt_does_not_start(store: Store) -> None:
    late = at(store, RunState.STARTING)
    transitions.unclaim(store, late)
    again = transitions.claim(store, 1)
    assert again is not None
    assert transitions.start(store, late.id, late.attempt) is None
    assert transitions.start(store, again.id, again.attempt) is not None


def test_an_earlier_attempt_cannot_be_taken_back(store: Store) -> None:
    late = at(store, RunState.STARTING)
    transitions.unclaim(store, late)
    transitions.claim(store, 1)
    assert not transitions.unclaim(store, late)


def test_a_run_starts_for_the_first_time_once(store: Store) -> None:
    first = at(store, RunState.INTERRUPTED)
    store.resume(first.id)
    assert started(store).started == first.started


# Epochs


def test_epochs_come_back_in_order_with_the_best_and_the_last(store: Store) -> None:
    run = running(store)
    rows = [metrics(epoch, validation_accuracy=accuracy) for epoch, accuracy in ((1, 0.5), (2, 0.9), (3, 0.7))]
    for row in rows:
        transitions.record_epoch(store, run.id, row)
    assert store.metrics(run.id) == rows
    seen = store.run(run.id)
    assert (seen.epochs_done, seen.validation_accuracy, seen.best_validation_accuracy) == (3, 0.7, 0.9)
    assert seen.train_seconds == 6.0


def test_an_epoch_trained_again_replaces_the_first(store: Store) -> None:
    run = running(store)
    transitions.record_epoch(store, run.id, metrics(1))
    transitions.record_epoch(store, run.id, metrics(1, train_loss=0.5))
    assert store.metrics(run.id) == [metrics(1, train_loss=0.5)]


def test_forgotten_epochs_are_gone_and_the_earlier_stay(store: Store) -> None:
    run = running(store)
    for epoch in (1, 2, 3):
        transitions.record_epoch(store, run.id, metrics(epoch))
    transitions.forget_epochs_after(store, run.id, 1)
    assert store.metrics(run.id) == [metrics(1)]


def test_what_the_worker_does_is_shown_while_it_runs(store: Store) -> None:
    run = running(store)
    transitions.advance(store, run.id, "training", step=3, steps=11, images_per_second=500.0)
    seen = store.run(run.id)
    assert (seen.stage, seen.step, seen.steps, seen.images_per_second) == ("training", 3, 11, 500.0)


def test_stopping_stays_on_show_whatever_the_worker_does(store: Store) -> None:
    run = running(store)
    store.request_stop(run.id)
    transitions.advance(store, run.id, "training", step=3, steps=11)
    assert store.run(run.id).stage == "stopping"


def test_a_worker_has_nothing_to_show_after_the_end(store: Store) -> None:
    run = at(store, RunState.FAILED)
    transitions.advance(store, run.id, "training", step=3, steps=11)
    assert store.run(run.id) == run


# Disks. The tests may run as root, whom permissions do not stop, so a file stands where a folder
# should be, and /proc where nothing can be written.


def test_a_store_inside_a_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file/runs: Not a directory: nothing was started; choose another"):
        queued(Store(tmp_path / "file" / "runs"))


def test_a_store_with_too_long_a_name_is_refused_with_the_reason(tmp_path: Path) -> None:
    store = Store(tmp_path / ("long" * 100))
    with pytest.raises(StoreError, match="File name too long: nothing was started; choose another MNISTNET_STORE"):
        queued(store)
    with pytest.raises(StoreError, match="File name too long"):
        store.runs()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_a_store_where_nothing_can_be_written_is_refused() -> None:
    with pytest.raises(StoreError, match=r"^/proc/runs: "):
        queued(Store(Path("/proc/runs")))


def test_a_nearly_full_disk_refuses_a_start_and_nothing_is_left_behind(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=50 * 1024**2))
    message = "50 MB free: at least 200 MB are needed; free some space or choose another MNISTNET_STORE"
    with pytest.raises(StoreError, match=message):
        queued(store)
    assert not store.root.exists()


def test_a_nearly_full_disk_refuses_to_resume_and_the_run_stays_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = at(store, RunState.STOPPED)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(StoreError, match="0 MB free"):
        store.resume(run.id)
    assert store.run(run.id) == run


def folders(store: Store) -> list[Path]:
    return [path for path in store.root.iterdir() if path.is_dir()]


def test_a_disk_that_fills_up_in_the_middle_leaves_no_folder(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StoreError, match="No space left on device: nothing was started"):
        queued(store)
    assert folders(store) == []


def newer(store: Store) -> None:
    with sqlite3.connect(store.database.path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()


def test_a_store_of_a_newer_version_is_not_written_and_nothing_is_left_behind(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = queued(store)
    newer(store)
    with pytest.raises(StoreError, match=r"made by a newer mnistnet \(store version 6\); update mnistnet$"):
        queued(store)
    assert folders(store) == [store.folder(run.id)]


def test_a_store_of_a_newer_version_is_not_guessed_at(tmp_path: Path) -> None:
    store = Store(tmp_path)
    queued(store)
    newer(store)
    with pytest.raises(StoreError, match="made by a newer mnistnet"):
        store.runs()


def test_a_reader_finds_no_runs_while_the_very_first_is_being_stored(store: Store) -> None:
    store.root.mkdir()
    connection = sqlite3.connect(store.database.path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE runs (id TEXT)")
    assert (store.runs(), store.metrics("0123abcd")) == ([], [])
    connection.close()


def test_a_run_is_stored_where_the_first_transaction_was_cut_off(store: Store) -> None:
    store.root.mkdir()
    store.database.path.touch()
    assert queued(store).state is RunState.QUEUED


def test_the_journal_is_kept_in_a_file_because_wal_can_lose_commits(store: Store) -> None:
    queued(store)
    with sqlite3.connect(store.database.path) as connection:
        mode = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    assert mode == ("delete",)
