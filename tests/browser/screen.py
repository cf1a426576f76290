"""What a person does with the dashboard, in words."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

PAGES = (
    "",
    "train",
    "compare",
    "mistakes",
    "receptive_fields",
    "try_a_digit",
    "review",
    "search",
    "export",
    "check",
    "lessons",
)


def open_page(page: Page, url: str) -> None:
    """Open an address and wait until its page is drawn to the end."""
    page.goto(url)
    expect(page.locator("h1")).to_be_visible(timeout=20_000)  # a dashboard just started imports first
    settle(page)


def settle(page: Page) -> None:
    """Wait until the script has run and its charts are there. A first look at mistakes imports torch."""
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=20_000)


def go_to(page: Page, title: str) -> None:
    """Click through the navigation; once more where a page that was being drawn took no notice, as people do."""
    link = page.get_by_role("link", name=title, exact=True).first
    link.click()
    try:
        expect(page.locator("h1")).to_have_text(title, timeout=10_000)
    except AssertionError:
        link.click()
        expect(page.locator("h1")).to_have_text(title, timeout=20_000)
    settle(page)


def choose(page: Page, label: str, option: str | re.Pattern[str]) -> None:
    """Choose from a select box."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option).first.click()
    settle(page)


def slider(page: Page, label: str | re.Pattern[str]) -> Locator:
    """The slider of this label."""
    return page.get_by_role("slider", name=label)


def press(page: Page, locator: Locator, *keys: str) -> None:
    """Press keys on a control, as someone without a mouse does."""
    locator.focus()
    for key in keys:
        page.keyboard.press(key)
    settle(page)


def meter(page: Page) -> Locator:
    """The number of parameters on the Design page."""
    return page.locator(".live.count")


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
