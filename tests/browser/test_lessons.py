"""Lessons in a real browser: the link in a fresh profile, the address edited by hand, the making of one by keyboard."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from mnistnet import links
from mnistnet.lessons.built_in import lessons
from mnistnet.lessons.codec import encode_lesson
from mnistnet.nets.presets import PRESETS
from tests.browser import screen
from tests.browser.conftest import Dashboard

pytestmark = pytest.mark.browser

LESSON = lessons()["receptive-field"]
LINK = encode_lesson(LESSON)


@pytest.fixture(autouse=True)
def nothing_failed(page: Page) -> Iterator[None]:
    yield
    assert page.get_by_test_id("stException").count() == 0


@pytest.mark.bar("D5")
def test_a_link_in_a_fresh_profile_holds_its_locks_however_the_address_is_edited(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, f"{shared.url}/?lesson={LINK}")
    expect(page.get_by_text("0 of 3 tasks done")).to_be_visible()
    expect(screen.slider(page, re.compile("Width of layer 1"))).to_be_disabled()
    edited = urlencode({"lesson": LINK, "design": links.encode_design(PRESETS["course-10040"].architecture)})
    screen.open_page(page, f"{shared.url}/?{edited}")
    expect(page.get_by_text("A part of the address was left out")).to_be_visible()
    expect(screen.meter(page)).to_have_text("8,440")
    page.evaluate("history.replaceState(null, '', location.pathname)")  # the address without the lesson, then a click
    screen.go_to(page, "Lessons")
    screen.go_to(page, "Design")
    expect(page.get_by_text("0 of 3 tasks done")).to_be_visible()
    expect(screen.meter(page)).to_have_text("8,440")


def test_a_task_is_ticked_when_it_is_done_and_the_lesson_can_be_left(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, f"{shared.url}/?lesson={LINK}")
    page.get_by_role("button", name="Edit 2").click()
    screen.settle(page)
    page.get_by_role("button", name="Down", exact=True).click()
    screen.settle(page)
    expect(page.get_by_text("1 of 3 tasks done")).to_be_visible(timeout=20_000)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Leave the lesson").click()
    screen.settle(page)
    # Counted, as a page on its way may show the locked slider beside the free one.
    width = re.compile("Width of layer 1")
    expect(page.get_by_role("slider", name=width, disabled=True)).to_have_count(0, timeout=20_000)
    expect(page.get_by_role("slider", name=width, disabled=False)).to_have_count(1, timeout=20_000)
    expect(page).not_to_have_url(re.compile("lesson="), timeout=20_000)


def test_a_box_is_ticked_by_keyboard_and_the_link_changes(shared: Dashboard, page: Page) -> None:
    screen.open_page(page, f"{shared.url}/lessons")
    link = page.get_by_test_id("stCode").locator("code").first
    before = link.inner_text()
    screen.press(page, page.get_by_role("checkbox", name="Kernel", exact=True), "Space")
    expect(page.get_by_text("Locked: Kernel.")).to_be_visible(timeout=20_000)
    expect(link).not_to_have_text(before, timeout=20_000)
    assert link.inner_text().startswith(f"{shared.url}/?lesson=1.")
