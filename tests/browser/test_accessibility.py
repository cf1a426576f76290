"""axe-core finds nothing serious on any page, light or dark, empty or full: WCAG 2.2, levels A and AA."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

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


@pytest.mark.bar("A9")
@pytest.mark.parametrize("filled", ["shared", "with_runs"], ids=["empty", "full"])
@pytest.mark.parametrize("path", [*screen.PAGES, "search?search=new", "search?trial=3"])
def test_a_page_has_no_serious_fault_in_light_and_dark(
    request: pytest.FixtureRequest, page: Page, filled: str, path: str
) -> None:
    dashboard: Dashboard = request.getfixturevalue(filled)
    screen.open_page(page, f"{dashboard.url}/{path}")
    for scheme, ground in GROUNDS.items():
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        red, green, blue = (int(ground[start : start + 2], 16) for start in (1, 3, 5))
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", f"rgb({red}, {green}, {blue})")
        screen.settle(page)
        assert faults(page) == [], scheme
