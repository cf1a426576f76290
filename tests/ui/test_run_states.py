"""Who keeps the states of runs true: pages and what polls on them, once a moment; reading changes nothing."""

import pytest

from mnistnet.runs.run import RunState
from mnistnet.runs.store import selections
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.ui import cache, run_states
from tests.support.pages import PAGES, opened, texts
from tests.support.situations import running


@pytest.fixture
def moments(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The moment that it is, as the last of the list."""
    del store
    moments = [0]
    monkeypatch.setattr(cache, "moment", lambda: moments[-1])
    monkeypatch.setattr(run_states, "_last", {})
    cache.forget()
    return moments


@pytest.fixture
def refreshed(moments: list[int], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The moments at which the store's states were refreshed."""
    found: list[int] = []
    monkeypatch.setattr(supervisor, "refresh", lambda store: found.append(moments[-1]))
    return found


@pytest.mark.usefixtures("moments")
@pytest.mark.parametrize("page", PAGES)
def test_every_page_marks_a_run_whose_worker_died(store: Store, page: str) -> None:
    run = running(store)
    assert not opened(page).exception
    assert store.run(run.id).state is RunState.INTERRUPTED


def test_reading_the_runs_changes_none(store: Store, refreshed: list[int]) -> None:
    run = running(store)
    assert [one.state for one in cache.snapshot().runs] == [RunState.RUNNING]
    assert cache.chosen(run.id) == store.run(run.id)
    assert refreshed == []


def test_states_are_refreshed_once_a_moment_however_many_sessions_and_fragments_ask(
    store: Store, moments: list[int], refreshed: list[int]
) -> None:
    running(store)
    for page in ("train", "compare", "train"):
        opened(page)
    assert refreshed == [0]
    moments.append(1)
    cache.forget()
    opened("train")
    assert refreshed == [0, 1]


def test_runs_are_read_once_a_moment(moments: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    read, real = [], selections.listed

    def listed(store: Store) -> object:
        read.append(moments[-1])
        return real(store)

    monkeypatch.setattr(selections, "listed", listed)
    for moment in (0, 0, 1, 1, 1):
        moments.append(moment)
        cache.snapshot()
    assert read == [0, 1]


def test_each_store_has_its_own_states(
    tmp_path: object, moments: list[int], refreshed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    del moments
    run_states.refresh()
    monkeypatch.setenv("MNISTNET_STORE", f"{tmp_path}/another")
    run_states.refresh()
    run_states.refresh()
    assert refreshed == [0, 0]


@pytest.mark.usefixtures("moments")
def test_states_that_cannot_be_kept_true_are_said_to_be_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(store: Store) -> None:
        raise StoreError("the disk is full")

    run = running(store)
    monkeypatch.setattr(supervisor, "refresh", full)
    app = opened("train")
    assert not app.exception
    assert "The states of runs may be out of date: the disk is full" in texts(app).replace("\\", "")
    assert run.id in texts(app) or app.selectbox(key="pick-run").value == run.id
