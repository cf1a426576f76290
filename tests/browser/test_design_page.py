"""The Design page's own memory and its editor in a real Chromium: what AppTest, without a browser, cannot see."""

import re

import pytest
from playwright.sync_api import Page, expect

from mnistnet import links
from mnistnet.nets.presets import PRESETS
from tests.browser import screen
from tests.browser.conftest import Dashboard

pytestmark = pytest.mark.browser

BACK = "Your last design is back"
ITEM = "mnistnet.last-design"
PATIENCE = 40_000  # milliseconds; the component is the last thing that a busy machine draws


def change(page: Page) -> str:
    """Take the most channels that fit for layer 1; the count afterwards, once the browser keeps the design."""
    page.get_by_role("button", name="max 40").first.click()
    expect(screen.meter(page)).not_to_have_text("16,170", timeout=PATIENCE)
    screen.settle(page)
    screen.wait_for(
        lambda: bool(page.evaluate(f"localStorage.getItem('{ITEM}')")), PATIENCE / 1000, "the design is kept"
    )
    return screen.meter(page).inner_text()


def test_the_last_design_comes_back_at_the_bare_address(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, shared.url)
    expect(page.get_by_text(BACK)).to_have_count(0)
    count = change(page)
    screen.open_page(page, shared.url)
    expect(page.get_by_text(f"{BACK}: my-design, {count} parameters.")).to_be_visible(timeout=PATIENCE)
    expect(screen.meter(page)).to_have_text(count)
    page.get_by_role("button", name="Start over").click()
    expect(screen.meter(page)).to_have_text("16,170", timeout=PATIENCE)
    screen.wait_for(lambda: not page.evaluate(f"localStorage.getItem('{ITEM}')"), PATIENCE / 1000, "nothing is kept")


def test_a_link_that_names_a_design_is_not_overridden_and_not_kept(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, shared.url)
    count = change(page)
    link = links.encode_design(PRESETS["course-10040"].architecture)
    screen.open_page(page, f"{shared.url}/?design={link}")
    expect(screen.meter(page)).to_have_text("10,040", timeout=PATIENCE)
    screen.open_page(page, f"{shared.url}/?design=broken")
    expect(screen.meter(page)).to_have_text("16,170", timeout=PATIENCE)
    page.wait_for_timeout(2_000)  # the browser would have answered by now
    expect(page.get_by_text(BACK)).to_have_count(0)
    screen.open_page(page, shared.url)
    expect(screen.meter(page)).to_have_text(count, timeout=PATIENCE)


def test_what_a_browser_keeps_is_checked_like_a_link(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, shared.url)
    page.evaluate("item => localStorage.setItem(item, '<img src=x onerror=alert(1)>')", ITEM)
    screen.open_page(page, shared.url)
    expect(page.get_by_text("The last design of this browser was left out")).to_be_visible(timeout=PATIENCE)
    expect(screen.meter(page)).to_have_text("16,170", timeout=PATIENCE)


def test_a_layers_menu_stays_open_and_follows_it(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, shared.url)
    page.get_by_role("button", name="Edit 2", exact=True).click()
    menu = page.get_by_test_id("stPopoverBody")
    for place in (3, 4):
        menu.get_by_role("button", name="Down").click()
        expect(page.get_by_test_id("stLayoutWrapper").filter(has_text=f"{place} · max pool").first).to_be_visible()
        screen.settle(page)
        expect(menu.get_by_role("button", name="Down")).to_be_visible()
    expect(page.get_by_role("button", name="Edit 4", exact=True)).to_have_attribute("aria-expanded", "true")


def test_an_added_layer_is_in_sight_marked_and_announced(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, shared.url)
    page.get_by_role("button", name="Add a layer").click()
    page.get_by_text("Dropout", exact=True).click()
    expect(page.get_by_test_id("stToast")).to_contain_text("Layer 17 added: dropout.")
    expect(page.get_by_text(re.compile(r"^17 · dropout"))).to_be_in_viewport()
    expect(page.get_by_text("new", exact=True)).to_be_in_viewport()
