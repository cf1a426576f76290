"""The Design page's own memory, undo and its editor in a real Chromium: what AppTest, without a browser, cannot see."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from mnistnet import links
from mnistnet.nets.architecture import Conv, GlobalAvgPool
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.training.recipe import Recipe
from tests.browser import screen
from tests.browser.conftest import Dashboard

pytestmark = pytest.mark.browser

BACK = "Your last design is back"
ITEM, HISTORY = "mnistnet.last-design", "mnistnet.history"
STEPS = 100
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


def test_hurried_keys_keep_their_slider_and_the_name_on_a_server_that_just_started(
    dashboard: Dashboard, page: Page
) -> None:
    screen.open_page(page, dashboard.url)
    width = screen.slider(page, re.compile("Width of layer 4"))
    width.focus()
    for _ in range(8):  # each while the answer to the one before is still being drawn
        before = page.url
        page.keyboard.press("ArrowRight")
        page.wait_for_function("address => location.href != address", arg=before)
    expect(width).to_be_focused()
    screen.settle(page)
    expect(width).to_be_focused()
    expect(width).to_have_value("24")
    expect(page.get_by_label("Name of this design")).to_have_value("my-design")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


def test_a_message_that_appears_leaves_the_focus_where_it_is(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, shared.url)
    name = page.get_by_label("Name of this design")
    name.fill("mnistnet-min")
    name.press("Enter")
    expect(page.get_by_text("The name was not changed: mnistnet-min is a preset")).to_be_visible(timeout=PATIENCE)
    expect(name).to_be_focused()


def test_two_clicks_in_a_moment_both_hold(shared: Dashboard, page: Page) -> None:
    widths = [screen.slider(page, f"Width of layer {place} (channels)") for place in (1, 3)]
    clicks = """async ([first, second]) => {
        first.click()
        await new Promise(resolve => setTimeout(resolve, 30))
        second.click()
        return second.isConnected  // it goes once the first answer is drawn: the layer is too wide then
    }"""
    fits = page.locator(".st-key-layers [class*=st-key-fit-] button:visible")
    for _ in range(5):
        screen.open_page(page, shared.url)
        expect(fits).to_have_count(6, timeout=PATIENCE)
        page.locator(".st-key-drawn input").wait_for(state="attached")
        if page.evaluate(clicks, [fits.nth(place).element_handle() for place in (0, 1)]):
            break
    for width in widths:
        expect(width).not_to_have_value("16", timeout=PATIENCE)
    screen.settle(page)
    for width in widths:
        expect(width).not_to_have_value("16")
    expect(page.get_by_test_id("stAlert")).to_have_count(0)


def test_a_layers_menu_stays_open_and_follows_it(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, shared.url)
    page.get_by_role("button", name="Edit 2", exact=True).click()
    menu = page.get_by_test_id("stPopoverBody")
    for place in (3, 4):
        menu.get_by_role("button", name="Down").click()
        expect(page.get_by_text(f"{place} · max pool").first).to_be_visible(timeout=PATIENCE)
        screen.settle(page)
        expect(menu.get_by_role("button", name="Down")).to_be_visible()
    expect(page.get_by_role("button", name="Edit 4", exact=True)).to_have_attribute("aria-expanded", "true")


def test_an_added_layer_is_in_sight_marked_and_announced(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, shared.url)
    page.get_by_role("button", name="Add a layer").click()
    page.get_by_test_id("stMenuButtonBody").get_by_text("Dropout", exact=True).click()
    expect(page.get_by_test_id("stToast")).to_contain_text("Layer 9 added: dropout.")
    expect(page.get_by_text(re.compile(r"^9 · dropout"))).to_be_in_viewport()
    expect(page.get_by_text("new", exact=True)).to_be_in_viewport()


def kept(steps: int) -> str:
    """What a tab keeps after so many steps, each a channel more for the first of three layers."""
    layers = (Conv(channels=1, kernel=3), Conv(channels=10, kernel=1), GlobalAvgPool())
    designs = [FIRST.architecture.renamed("n").with_layers(layers)]
    for width in range(2, steps + 2):
        designs.append(designs[0].with_layers((Conv(channels=width, kernel=3), *layers[1:])))
    recipe, ids = links.encode_recipe(Recipe()), ["0000000a", "0000000b", "0000000c"]
    states = [
        {"id": f"{number:08x}", "design": links.encode_design(design), "recipe": recipe, "layer_ids": ids}
        for number, design in enumerate(designs)
    ]
    return json.dumps({"token": "earlier", "states": states, "at": steps, "locked": [], "opened": []})


def test_a_hundred_steps_outlive_a_refresh_and_are_undone_by_keys(shared: Dashboard, page: Page) -> None:
    before = kept(STEPS)
    page.add_init_script(f"sessionStorage['{HISTORY}'] = sessionStorage['{HISTORY}'] || {json.dumps(before)}")
    screen.open_page(page, f"{shared.url}/?design={json.loads(before)['states'][-1]['design']}")
    undo, redo = (page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    width, body = screen.slider(page, re.compile("Width of layer 1 ")), page.locator("body")
    expect(undo).to_be_enabled(timeout=20_000)
    screen.press(page, width, "ArrowRight")
    expect(width).to_have_value(str(STEPS + 2))
    page.get_by_label("Name of this design").press("Control+z")  # a text field has its own undo
    screen.press(page, width, "Control+z")
    expect(width).to_have_value(str(STEPS + 1))
    page.reload()
    expect(redo).to_be_enabled(timeout=20_000)
    screen.press(page, body, "Control+Shift+z")
    expect(width).to_have_value(str(STEPS + 2))
    screen.press(page, body, "Control+z")
    expect(width).to_have_value(str(STEPS + 1))
    assert len(json.loads(page.evaluate(f"sessionStorage['{HISTORY}']"))["states"]) == STEPS + 2


def test_a_width_has_240_pixels_to_be_pulled_over_on_a_page_of_1280(shared: Dashboard, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    screen.open_page(page, shared.url)
    shown = page.get_by_test_id("stSlider").filter(has=screen.slider(page, "Width of layer 1")).first.bounding_box()
    assert shown
    assert shown["width"] >= 240
