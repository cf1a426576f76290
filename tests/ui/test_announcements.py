"""The end of a run is announced on any page, once, and only to who started it; the tab's title tells its progress."""

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet.runs.run import RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.ui import announcements, cache
from tests.support.pages import opened
from tests.support.situations import running

pytestmark = pytest.mark.usefixtures("still")


def said(app: AppTest) -> list[str]:
    return [toast.value.replace("\\", "") for toast in app.toast]


@pytest.mark.parametrize("page", ["design", "compare", "train"])
def test_the_end_of_a_run_is_announced_once_on_any_page(store: Store, page: str) -> None:
    run = running(store)
    app = opened(page)
    assert said(app) == []
    transitions.finish(store, run.id, RunState.STOPPED)
    cache.forget()
    assert said(app.run()) == [f"{run.name}, run {run.id}: stopped, 1 of 3 epochs finished."]
    assert said(app.run()) == []


def test_the_run_of_another_user_is_not_announced(store: Store) -> None:
    run = running(store)
    with store.database.transaction() as connection:
        connection.execute("UPDATE runs SET owner = 'someone else'")
    app = opened()
    transitions.finish(store, run.id, RunState.STOPPED)
    cache.forget()
    assert said(app.run()) == []


def test_the_title_says_how_far_the_run_is_and_how_well_it_does(store: Store) -> None:
    run = running(store)
    assert announcements._progress(run) == f"1/3, 99.52% · {run.name}"
