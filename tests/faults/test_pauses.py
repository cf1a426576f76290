"""Processes that are paused, and clocks that jump."""

import time
from collections.abc import Callable

import pytest

from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.runs.worker.training_job import FIRST_BATCH
from mnistnet.ui.train import watchers
from mnistnet.ui.train.live import STALLED_SECONDS
from tests.faults.conftest import SLOW, Outcome, looking, outcome
from tests.support.processes import until, workers
from tests.support.samples import TINY, metrics, recipe, running, started

pytestmark = pytest.mark.bar("F5")

DAY = 86_400.0


def pause(store: Store, undisturbed: Callable[[Run], Outcome], seconds: float) -> None:
    run = supervisor.submit(store, SLOW, recipe(epochs=6))
    until(lambda: store.run(run.id).epochs_done >= 1)
    (worker,) = workers(store)
    worker.suspend()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        supervisor.refresh(store)
        assert (store.run(run.id).state, store.run(run.id).attempt) == (RunState.RUNNING, 1)
        assert workers(store) == [worker]
        time.sleep(0.2)
    worker.resume()
    until(looking(store, lambda: not store.active()))
    assert store.run(run.id).attempt == 1
    assert outcome(store, run.id) == undisturbed(run)


def test_a_worker_paused_for_three_seconds_is_neither_dead_nor_doubled(
    store: Store, undisturbed: Callable[[Run], Outcome]
) -> None:
    pause(store, undisturbed, 3)


@pytest.mark.long
def test_a_worker_paused_for_a_minute_is_neither_dead_nor_doubled(
    store: Store, undisturbed: Callable[[Run], Outcome]
) -> None:
    pause(store, undisturbed, 60)


def test_a_run_without_a_sign_is_silent_by_a_clock_that_nobody_sets(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchers._progress.clear()
    run = running(store)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    transitions.advance(store, run.id, FIRST_BATCH)  # compiling is no silence
    assert watchers.seconds_without_progress(store.run(run.id)) == 0
    now += DAY
    assert watchers.seconds_without_progress(store.run(run.id)) == 0
    transitions.advance(store, run.id, "training", 3, 11)
    assert watchers.seconds_without_progress(store.run(run.id)) == 0
    now += STALLED_SECONDS + 10
    assert watchers.seconds_without_progress(store.run(run.id)) == STALLED_SECONDS + 10
    monkeypatch.setattr(time, "time", lambda: 0.0)  # the wall clock has no say
    assert watchers.seconds_without_progress(store.run(run.id)) == STALLED_SECONDS + 10
    transitions.advance(store, run.id, "training", 4, 11)
    assert watchers.seconds_without_progress(store.run(run.id)) == 0
    transitions.finish(store, run.id, RunState.STOPPED)
    now += DAY
    assert watchers.seconds_without_progress(store.run(run.id)) == 0


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["back", "ahead"])
def test_a_clock_that_jumps_a_day_moves_no_run_in_the_queue_and_kills_none(
    store: Store, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    now, real = 0.0, time.time
    monkeypatch.setattr(time, "time", lambda: real() + now)
    queued = []
    for _ in range(4):
        queued.append(store.enqueue(TINY, recipe()))
        now += jump
    assert [run.id for run in store.active()] == [run.id for run in queued]
    assert [run.id for run in store.runs()] == [run.id for run in reversed(queued)]
    first = started(store)
    assert first.id == queued[0].id
    now += jump
    transitions.record_epoch(store, first.id, metrics(1))
    store.resume(store.request_stop(queued[1].id).id)
    now += jump
    assert [run.id for run in store.active()] == [queued[i].id for i in (0, 2, 3, 1)]


def test_a_clock_that_jumps_kills_no_real_worker(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run = supervisor.submit(store, SLOW, recipe(epochs=30))
    until(lambda: store.run(run.id).epochs_done >= 1)
    real = time.time
    for jump in (DAY, -DAY):
        monkeypatch.setattr(time, "time", lambda jump=jump: real() + jump)
        supervisor.refresh(store)
        assert store.run(run.id).state is RunState.RUNNING
    store.request_stop(run.id)
