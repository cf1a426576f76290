"""Some of a store's runs: what lists may offer, the newest, those of a trial."""

import sqlite3
import time
from contextlib import closing

import pytest

from mnistnet.runs.files.names import new_id
from mnistnet.runs.run import Run
from mnistnet.runs.store import queue, selections
from mnistnet.runs.store.store import Store
from tests.support.samples import TINY, recipe

SEARCH = "0a0a0a0a"


def run(store: Store, number: int | None = None, *, scored: bool = False, ended: bool = True) -> Run:
    trial = None if number is None else queue.Trial(SEARCH, number, scored)
    made = store.enqueue_new(queue.NewRun(new_id(), TINY, recipe(), None, "", trial=trial))
    if ended:
        store.request_stop(made.id)
    return store.run(made.id)


def test_trials_that_have_ended_unscored_are_not_listed(store: Store) -> None:
    ours, _, scored, at_work = run(store), run(store, 0), run(store, 1, scored=True), run(store, 2, ended=False)
    assert selections.listed(store).runs == [at_work, scored, ours]
    assert len(store.runs()) == 4


def test_a_damaged_run_is_listed_as_damaged(store: Store) -> None:
    ours = run(store)
    store.database.change("UPDATE runs SET scored = 7 WHERE id = ?", ours.id)
    assert [damaged.id for damaged in selections.listed(store).damaged] == [ours.id]


@pytest.mark.bar("L10")
def test_of_ten_thousand_runs_three_quarters_of_them_trials_the_listed_ones_are_read_at_once(store: Store) -> None:
    run(store)
    with closing(sqlite3.connect(store.database.path)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(runs)")]
        (first,) = database.execute("SELECT * FROM runs").fetchall()
        rows = []
        for number in range(2, 10_001):
            trial = (SEARCH, number, 0) if number % 4 else (None, None, 1)
            given = dict(zip(("search", "trial", "scored"), trial, strict=True))
            given |= {"number": number, "turn": number, "id": f"{number:08x}", "token": None}
            rows.append([given.get(column, value) for column, value in zip(columns, first, strict=True)])
        database.executemany(f"INSERT INTO runs VALUES ({', '.join('?' * len(columns))})", rows)
        database.commit()
    assert (len(store.runs()), len(selections.listed(store).runs)) == (10_000, 2_501)
    began = time.process_time()
    selections.listed(store)
    assert time.process_time() - began < 0.4  # a tenth of a second on a quiet core


def test_the_latest_runs_are_the_newest_trials_included(store: Store) -> None:
    runs = [run(store), run(store, 0), run(store, 1)]
    assert selections.latest(store, 2) == [runs[2], runs[1]]


def test_the_runs_of_a_trial_are_found_whatever_became_of_them(store: Store) -> None:
    first, _, second = run(store, 3), run(store, 4), run(store, 3, ended=False)
    assert selections.of_trial(store, SEARCH, 3) == [second, first]
    assert selections.of_trial(store, "0b0b0b0b", 3) == []
