"""Each process killed in turn while somebody watches: what the screen says is true within seconds."""

import os
import re
import signal
import time

import pytest
from playwright.sync_api import Page, expect

from mnistnet import links
from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import recipe
from tests.browser import screen
from tests.browser.conftest import Dashboard
from tests.support.processes import supervisors, until, workers

pytestmark = pytest.mark.browser

TRUE_WITHIN = 5.0
# Each look is a tick of two seconds; a shared machine may draw late, and the bar is for a quiet one.
PATIENCE = 2 * TRUE_WITHIN * 1000


def start_training(dashboard: Dashboard, page: Page, epochs: int) -> str:
    """By a click, as people do: so that everything is the dashboard's own child."""
    text = links.encode_recipe(recipe({"dataset": "digits", "epochs": epochs, "threads": 1, "batch_size": 128}))
    screen.open_page(page, f"{dashboard.url}/?recipe={text}")
    page.get_by_role("button", name=re.compile("^Start (training|anyway)")).click()
    expect(page.locator("h1")).to_have_text("Train")
    store = Store(dashboard.store)
    screen.wait_for(lambda: bool(store.runs()) and store.runs()[0].epochs_done >= 1, 60, "the first epoch")
    return store.runs()[0].id


def epoch_on(page: Page) -> int:
    """The finished epochs as the page has them; 0 where it says none."""
    found = re.search(
        r"(\d+) of \d+ epochs finished", page.get_by_test_id("stProgress").first.inner_text(timeout=20_000)
    )
    return int(found[1]) if found else 0


@pytest.mark.bar("F3", "S6")
@pytest.mark.parametrize("deadly", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=["KILL", "TERM", "Ctrl-C"])
def test_a_run_goes_on_without_the_dashboard_that_started_it(
    dashboard: Dashboard, page: Page, deadly: signal.Signals
) -> None:
    run_id = start_training(dashboard, page, epochs=10)
    if deadly is signal.SIGINT:  # a terminal sends it to the whole group
        os.killpg(dashboard.process.pid, deadly)
    else:
        dashboard.process.send_signal(deadly)
    dashboard.process.wait(20)
    store = Store(dashboard.store)
    until(lambda: not store.run(run_id).state.is_active)
    ended = store.run(run_id)
    assert (ended.state, ended.attempt) == (RunState.DONE, 1)
    assert [row.epoch for row in store.metrics(run_id)] == list(range(1, 11))
    dashboard.start()
    screen.open_page(page, f"{dashboard.url}/train?run={run_id}")
    expect(page.get_by_text("All 10 epochs finished.")).to_be_visible()


@pytest.mark.bar("S5", "F5", "F3")
def test_each_process_killed_in_turn_shows_a_true_state(dashboard: Dashboard, page: Page) -> None:
    run_id = start_training(dashboard, page, epochs=100)
    store = Store(dashboard.store)
    expect(page.get_by_text("running").first).to_be_visible()

    (worker,) = workers(store)
    worker.kill()
    killed = time.monotonic()
    expect(page.get_by_text(re.compile("Interrupted after epoch"))).to_be_visible(timeout=PATIENCE)
    print(f"worker killed: said after {time.monotonic() - killed:.1f} s")  # noqa: T201 - shown by pytest -s
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("running").first).to_be_visible(timeout=30_000)

    until(lambda: supervisors(store))
    for process in supervisors(store):
        process.kill()
    epochs = store.run(run_id).epochs_done
    until(lambda: store.run(run_id).epochs_done > epochs)
    expect(page.get_by_text("running").first).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()

    dashboard.kill()
    epochs = store.run(run_id).epochs_done
    until(lambda: store.run(run_id).epochs_done > epochs)
    dashboard.start()
    restarted, seen = time.monotonic(), store.run(run_id).epochs_done
    screen.wait_for(lambda: epoch_on(page) > seen, 60, "the open tab, which finds the new server by itself")
    print(f"dashboard back: so is the tab after {time.monotonic() - restarted:.1f} s")  # noqa: T201
    expect(page.get_by_text("running").first).to_be_visible()

    (worker,) = workers(store)
    worker.suspend()
    expect(page.get_by_text("No progress for")).to_be_visible(timeout=60_000)
    assert store.run(run_id).state is RunState.RUNNING
    worker.resume()
    expect(page.get_by_text("No progress for")).to_have_count(0, timeout=60_000)

    for process in [*supervisors(store), *workers(store)]:
        process.kill()
    expect(page.get_by_text(re.compile("Interrupted after epoch"))).to_be_visible(timeout=PATIENCE)


def test_a_run_is_deleted_after_a_question(dashboard: Dashboard, page: Page) -> None:
    run_id = start_training(dashboard, page, epochs=2)
    store = Store(dashboard.store)
    expect(page.get_by_text("All 2 epochs finished.")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("This cannot be undone")).to_be_visible()
    assert store.runs()  # asked, not done
    page.get_by_role("button", name="Delete this run").click()
    expect(page.get_by_text(f"Run {run_id} is deleted")).to_be_visible()
    assert store.runs() == []
    assert not store.folder(run_id).exists()


@pytest.mark.bar("F8")
def test_a_damaged_database_is_said_and_nothing_is_lost(dashboard: Dashboard, page: Page) -> None:
    run_id = start_training(dashboard, page, epochs=3)
    store = Store(dashboard.store)
    expect(page.get_by_text("All 3 epochs finished.")).to_be_visible(timeout=60_000)
    before = store.run(run_id), store.metrics(run_id)
    store.database.path.write_bytes(b"not a database " * 100)
    page.wait_for_timeout(1500)  # a page drawn at once shows what was last read, a second ago at most
    screen.open_page(page, f"{dashboard.url}/train?run={run_id}")
    expect(page.get_by_text("A new one was built from the run folders")).to_be_visible()
    expect(page.get_by_text("All 3 epochs finished.")).to_be_visible()
    assert (store.run(run_id), store.metrics(run_id)) == before
