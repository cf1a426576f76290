"""A link that is copied in one browser opens the same thing in another."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import screen
from tests.browser.conftest import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.bar("D4")]


def copied(page: Page) -> str:
    """The address that "Copy link" shows."""
    page.get_by_role("button", name="Copy link").click()
    return page.get_by_test_id("stPopoverBody").get_by_test_id("stCode").inner_text().strip()


@pytest.fixture
def elsewhere(browser: Browser) -> Page:
    """A page of a browser that was never here."""
    return browser.new_context().new_page()


def test_a_link_to_a_changed_design_opens_that_design(shared: Dashboard, page: Page, elsewhere: Page) -> None:
    screen.open_page(page, shared.url)
    screen.choose(page, "Start from", re.compile("course-10040"))
    expect(screen.meter(page)).to_have_text("10,040")
    elsewhere.goto(copied(page))
    expect(screen.meter(elsewhere)).to_have_text("10,040")
    expect(elsewhere.get_by_label("Name of this design")).to_have_value("course-10040")


@pytest.mark.mnist
def test_a_link_to_a_wrong_digit_opens_that_digit(shared: Dashboard, page: Page, elsewhere: Page) -> None:
    screen.open_page(page, f"{shared.url}/mistakes?run=gallery-mnistnet-4k&split=test&ask=pixels")
    page.get_by_role("button", name="Next").click()
    chosen = page.get_by_label("Image", exact=True)
    expect(chosen).to_have_value("6576")
    link = copied(page)
    assert link == f"{shared.url}/mistakes?run=gallery-mnistnet-4k&split=test&digit=6576&view=digits&ask=pixels"
    elsewhere.goto(link)
    expect(elsewhere.get_by_label("Image", exact=True)).to_have_value("6576")
    expect(elsewhere.get_by_role("combobox", name="Run")).to_have_value(re.compile("gallery · mnistnet-4k"))


def test_a_link_to_a_comparison_opens_these_runs(shared: Dashboard, page: Page, elsewhere: Page) -> None:
    screen.open_page(page, f"{shared.url}/compare?runs=gallery-mnistnet-4k,gallery-mnistnet-8k")
    elsewhere.goto(copied(page))
    drawn = elsewhere.get_by_test_id("stMultiSelect")
    expect(drawn).to_contain_text("mnistnet-4k")
    expect(drawn).to_contain_text("mnistnet-8k")
    expect(drawn).not_to_contain_text("mnistnet-16k")  # the first of those that are drawn without a choice
