"""Runs seen from more than one tab, tabs that close, and fingers that click too often."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from mnistnet import links
from mnistnet.nets.presets import FIRST
from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.training.recipe import recipe
from tests.browser import screen
from tests.browser.conftest import Dashboard
from tests.support import situations

pytestmark = pytest.mark.browser

LONG = recipe({"dataset": "digits", "epochs": 100, "threads": 1})
SHORT = recipe({"dataset": "digits", "epochs": 8, "threads": 1, "batch_size": 128})


@pytest.mark.bar("S1")
def test_a_refresh_keeps_the_chosen_run_on_every_page(dashboard: Dashboard, page: Page) -> None:
    store = Store(dashboard.store)
    chosen, newer = (situations.ended(RunState.STOPPED)(store) for _ in range(2))
    screen.open_page(page, f"{dashboard.url}/train?run={chosen.id}")
    for title in ("Mistakes", "Compare", "Receptive fields", "Design", "Train"):
        screen.go_to(page, title)
        page.reload()
        expect(page.locator("h1")).to_have_text(title)
        screen.settle(page)
        assert f"run={chosen.id}" in page.url, title
    expect(page.get_by_role("combobox", name="Run")).to_have_value(re.compile(chosen.id))
    assert newer.id not in page.url


@pytest.mark.bar("S4")
def test_another_tab_sees_the_same_run_and_stops_it(dashboard: Dashboard, page: Page, browser: Browser) -> None:
    store = Store(dashboard.store)
    run = supervisor.submit(store, FIRST.architecture, LONG)
    screen.open_page(page, f"{dashboard.url}/train?run={run.id}")
    context = browser.new_context()
    other = context.new_page()
    screen.open_page(other, f"{dashboard.url}/train")
    for tab in (page, other):
        expect(tab.get_by_role("combobox", name="Run")).to_have_value(re.compile(run.id), timeout=20_000)
        expect(tab.get_by_role("button", name="Stop")).to_be_visible(timeout=20_000)
    other.get_by_role("button", name="Stop").click()
    screen.wait_for(lambda: store.run(run.id).state is RunState.STOPPED, 30, "the stop")
    for tab in (page, other):
        expect(tab.get_by_role("button", name="Resume")).to_be_visible(timeout=20_000)
    context.close()


@pytest.mark.bar("S3", "S6")
def test_a_closed_tab_misses_nothing_of_the_curve(dashboard: Dashboard, browser: Browser) -> None:
    store = Store(dashboard.store)
    context = browser.new_context()
    tab = context.new_page()
    run = supervisor.submit(store, FIRST.architecture, SHORT)
    screen.open_page(tab, f"{dashboard.url}/train?run={run.id}")
    screen.wait_for(lambda: store.run(run.id).epochs_done >= 1, 60, "first epoch")
    tab.reload()
    expect(tab.get_by_text(re.compile(r"^Epoch \d+ \(latest"))).to_be_visible(timeout=20_000)
    context.close()
    screen.wait_for(lambda: store.run(run.id).state is RunState.DONE, 120, "the end, with nobody looking")
    for _ in range(2):  # and once more after the dashboard was started anew
        context = browser.new_context()
        tab = context.new_page()
        screen.open_page(tab, f"{dashboard.url}/train?run={run.id}")
        expect(tab.get_by_text("All 8 epochs finished.")).to_be_visible(timeout=20_000)
        whole = tab.locator("[data-testid=stVegaLiteChart][aria-label*='over 8 epochs']")
        expect(whole.first).to_be_visible(timeout=20_000)
        context.close()
        dashboard.kill()
        dashboard.start()
    assert [row.epoch for row in store.metrics(run.id)] == list(range(1, 9))


@pytest.mark.bar("S9")
def test_twenty_rapid_clicks_on_start_make_one_run(dashboard: Dashboard, page: Page) -> None:
    store = Store(dashboard.store)
    screen.open_page(page, f"{dashboard.url}/?recipe={links.encode_recipe(LONG)}")
    start = page.get_by_role("button", name=re.compile("^Start (training|anyway)"))
    start.evaluate(
        """async button => {
            for (let clicks = 0; clicks < 10; clicks++) button.click();
            for (let clicks = 0; clicks < 10; clicks++) {
                await new Promise(done => setTimeout(done, 40));
                button.click();
            }
        }"""
    )
    expect(page.locator("h1")).to_have_text("Train", timeout=20_000)
    screen.settle(page)
    page.wait_for_timeout(1_000)  # whatever was still under way has come by now
    assert len(store.runs()) == 1
    store.request_stop(store.runs()[0].id)
