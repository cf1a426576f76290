"""A search from its button to a trial's run, in a real browser, on the offline sample."""

import re

import pytest
from playwright.sync_api import Page, expect

from mnistnet import links
from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import Store
from mnistnet.search import folder
from tests.browser import screen
from tests.browser.conftest import Dashboard
from tests.support.samples import TINY, recipe

pytestmark = pytest.mark.browser

END_MS = 50_000  # five trainings of a second each, and the start of their processes


def test_a_ready_made_search_ends_and_its_trial_opens_as_a_run(dashboard: Dashboard, page: Page) -> None:
    address = f"design={links.encode_design(TINY)}&recipe={links.encode_recipe(recipe(epochs=1))}"
    screen.open_page(page, f"{dashboard.url}/search?{address}")
    page.get_by_text("Same net, five seeds").scroll_into_view_if_needed()
    page.locator(".st-key-ready-seeds").get_by_role("button", name="Start").click()

    expect(page.get_by_text("1 of 1 trials · 5 of 5 trainings")).to_be_visible(timeout=END_MS)
    expect(page.get_by_text("Best: trial 0")).to_be_visible()
    expect(page.get_by_text("mean of 5 seeds")).to_be_visible()
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_visible()  # it has ended, and nothing polls
    expect(page.get_by_role("button", name="Pause", exact=True)).to_have_count(0)
    screen.settle(page)

    page.get_by_role("combobox", name="Open a trial").scroll_into_view_if_needed()
    page.wait_for_timeout(1_000)  # a list that is open closes when the page scrolls
    screen.choose(page, "Open a trial, the best first", re.compile("^0 · trial"))
    expect(page.get_by_role("heading", name="Trial 0")).to_be_visible()
    assert "trial=0" in page.url
    page.get_by_role("button", name="Open its run").click()
    expect(page.locator("h1")).to_have_text("Train")

    store = Store(dashboard.store)
    (found,) = folder.all_of(store)
    run = store.run(str(found.trials().by_number[0].run))
    assert run.state is RunState.DONE
    assert run.id in page.url
    chosen = page.get_by_test_id("stSelectbox").filter(has_text="Run").first
    shown = [chosen.inner_text(), *chosen.locator("input").evaluate_all("inputs => inputs.map(one => one.value)")]
    assert f"trial 0 of search {found.id}" in " ".join(shown)
