"""A store that is deleted or moved under a worker, a supervisor and a dashboard: each ends or says so."""

import shutil
from collections.abc import Callable

import pytest

from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.ui import cache
from tests.faults.conftest import looking
from tests.support import situations
from tests.support.pages import opened, texts
from tests.support.processes import supervisors, until, workers
from tests.support.samples import TINY, recipe

pytestmark = pytest.mark.bar("F17")


def moved(store: Store) -> None:
    store.root.rename(store.root.with_name("elsewhere"))


def replaced(store: Store) -> None:
    moved(store)
    store.root.mkdir()


WAYS: dict[str, Callable[[Store], object]] = {
    "deleted": lambda store: shutil.rmtree(store.root),
    "moved": moved,
    "moved, with an empty folder in its place": replaced,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_and_its_supervisor_end_and_make_nothing_anew(store: Store, way: str) -> None:
    run = supervisor.submit(store, TINY, recipe(epochs=100, threads=0))
    supervisor.submit(store, TINY, recipe(epochs=100, threads=0))  # waits
    until(lambda: store.run(run.id).epochs_done >= 1, seconds=200)
    WAYS[way](store)
    until(lambda: not workers(store) and not supervisors(store), seconds=30)
    assert not store.root.exists() or list(store.root.iterdir()) == []
    assert store.runs() == []
    if way == "deleted":
        return
    elsewhere = Store(store.root.with_name("elsewhere"))
    assert "Traceback" not in (elsewhere.folder(run.id) / "log.txt").read_text()
    assert "there is no store any more: deleted or moved" in (elsewhere.folder(run.id) / "log.txt").read_text()
    assert (elsewhere.root / supervisor.LOG).read_text() == ""
    elsewhere.request_stop(elsewhere.active()[-1].id)
    until(looking(elsewhere, lambda: elsewhere.run(run.id).state is RunState.INTERRUPTED), seconds=20)


@pytest.mark.parametrize("way", WAYS)
def test_a_dashboard_says_that_the_store_is_gone(still: Store, way: str) -> None:
    situations.running(still)
    assert "deleted or moved" not in texts(opened("train"))
    WAYS[way](still)
    for page in ("train", "compare", "design"):
        cache.forget()
        assert "there was a store here, and it was deleted or moved" in texts(opened(page)).replace("\\", ""), page
    assert not still.root.exists() or list(still.root.iterdir()) == []
    situations.queued(still)
    cache.forget()
    assert "deleted or moved" not in texts(opened("train"))
