"""Every page, empty and full, opened once and looked at in several ways."""

import json
from collections.abc import Iterator
from typing import Literal, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from mnistnet.runs.store.store import Store
from tests.browser import screen
from tests.browser.conftest import Dashboard, started
from tests.support import searches, situations
from tests.support.contrast import GROUNDS

pytestmark = pytest.mark.browser

OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def with_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard on a store with a failed run and a finished one, the newest, which the pages show, and a search."""
    folder = tmp_path_factory.mktemp("with-runs")
    store = Store(folder / "runs")
    situations.STATES["failed"](store)
    situations.done(store)
    searches.paused(store)
    yield from started(folder)


def faults(page: Page) -> list[str]:
    """The grave violations: rule, place and reason of each."""
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


class Opened(NamedTuple):
    page: Page
    asked: list[str]  # the addresses that it asked for
    dashboard: Dashboard


@pytest.fixture(scope="module", params=["shared", "with_runs"], ids=["empty", "full"])
def filled(request: pytest.FixtureRequest) -> Dashboard:
    board: Dashboard = request.getfixturevalue(request.param)
    return board


@pytest.fixture(scope="module", params=[*screen.PAGES, "search?search=new", "search?trial=3"])
def opened(request: pytest.FixtureRequest, filled: Dashboard, browser: Browser) -> Iterator[Opened]:
    """A page in a fresh browser profile, for all tests of this file."""
    context = browser.new_context(viewport={"width": 1400, "height": 950})
    page, asked = context.new_page(), list[str]()
    page.on("request", lambda asks: asked.append(asks.url))
    screen.open_page(page, f"{filled.url}/{request.param}")
    yield Opened(page, asked, filled)
    context.close()


def test_nothing_is_asked_of_any_other_host(opened: Opened) -> None:
    own = (opened.dashboard.url, "data:", "blob:", "ws://localhost")
    assert [url for url in opened.asked if not url.startswith(own)] == []


def test_every_picture_and_chart_has_a_description(opened: Opened) -> None:
    assert opened.page.locator("img:not([alt])").count() == 0
    labels = opened.page.get_by_test_id("stVegaLiteChart").evaluate_all(
        "charts => charts.map(chart => chart.outerHTML.includes('aria-label'))"
    )
    assert all(labels), json.dumps(labels)


@pytest.mark.bar("A9")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Opened, scheme: Literal["light", "dark"]) -> None:
    """WCAG 2.2, levels A and AA."""
    page, ground = opened.page, GROUNDS[scheme]
    page.emulate_media(color_scheme=scheme)
    red, green, blue = (int(ground[start : start + 2], 16) for start in (1, 3, 5))
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", f"rgb({red}, {green}, {blue})")
    screen.settle(page)
    assert faults(page) == []


@pytest.mark.bar("M1")
@pytest.mark.parametrize("width", [1400, 360])
def test_it_never_scrolls_sideways(opened: Opened, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 800})
    screen.open_page(opened.page, opened.page.url)
    beyond = opened.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert beyond <= 0
