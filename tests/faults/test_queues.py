"""Long queues: quickly made, first in, first out, never more at work than there are slots."""

import time
from collections.abc import Callable

import pytest

from mnistnet.runs.limits import OverLimit
from mnistnet.runs.run import RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.system import cores
from tests.support.processes import until, workers
from tests.support.samples import TINY, recipe

pytestmark = pytest.mark.bar("F12")


def test_five_hundred_runs_are_queued_within_two_seconds_and_claimed_in_their_order(store: Store) -> None:
    asked = time.process_time()
    queued = store.enqueue_all([(TINY, recipe(seed=seed)) for seed in range(500)])
    assert time.process_time() - asked < 2  # processor time: test machines are shared
    assert [run.recipe.seed for run in queued] == list(range(500))
    slots = 3
    for expected in queued[:50]:
        while (claimed := transitions.claim(store, slots)) is None:
            working = [run for run in store.active() if run.state is RunState.STARTING]
            assert len(working) == slots
            transitions.finish(store, working[0].id, RunState.FAILED)
        assert claimed.id == expected.id
    asked = time.process_time()
    assert len(store.active()) >= 450
    assert time.process_time() - asked < 0.5


def test_all_of_a_batch_are_queued_or_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.enqueue(TINY, recipe())
    monkeypatch.setenv("MNISTNET_LIMITS", "queued=10")
    with pytest.raises(OverLimit, match="1 runs are queued and 10 more were asked for: at most 10 may wait"):
        store.enqueue_all([(TINY, recipe())] * 10)
    assert len(store.runs()) == 1
    assert len([path for path in store.root.iterdir() if path.is_dir()]) == 1
    store.enqueue_all([(TINY, recipe())] * 9)
    with pytest.raises(OverLimit):
        store.enqueue(TINY, recipe())


def follow(store: Store, count: int) -> list[int]:
    """Seeds in the order in which real workers began them; a queue that ends by itself."""
    store.enqueue_all([(TINY, recipe(seed=seed, epochs=1, threads=1)) for seed in range(count)])
    supervisor.ensure(store)
    while store.active():
        supervisor.refresh(store)
        assert sum(run.state in (RunState.STARTING, RunState.RUNNING) for run in store.active()) <= cores()
        assert len(workers(store)) <= cores()
        time.sleep(0.1)
    runs = store.runs()
    assert {(run.state, run.attempt) for run in runs} == {(RunState.DONE, 1)}
    return [run.recipe.seed for run in sorted(runs, key=lambda run: run.started or 0)]


def test_real_workers_take_a_queue_in_its_order(store: Store) -> None:
    order = follow(store, 5)
    assert all(abs(place - seed) < cores() for place, seed in enumerate(order)), order


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_real_workers_take_five_hundred_runs_in_their_order(
    store: Store, record_testsuite_property: Callable[[str, object], None]
) -> None:
    asked = time.monotonic()
    order = follow(store, 500)
    record_testsuite_property("seconds", time.monotonic() - asked)
    assert all(abs(place - seed) < cores() for place, seed in enumerate(order)), order
    until(lambda: not workers(store))
