"""A report's HTML file in Chromium: it asks for nothing else, fits a phone, and is legible in dark and on paper."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from mnistnet.exports import material as materials
from mnistnet.exports.report import run_report
from mnistnet.insight.network.steps import finish
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store

pytestmark = pytest.mark.browser
COLOURS = """
() => ["body", ".chart text", "td"].map(one => {
  const style = getComputedStyle(document.querySelector(one));
  return one === ".chart text" ? style.fill : style.color;
}).concat(getComputedStyle(document.body).backgroundColor)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = GALLERY.find("gallery-course-10040")
    assert run is not None
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_bytes(finish(run_report(materials.of_run(Store(), run))).files["report.html"])
    return path


def opened(browser: Browser, file: Path, scheme: str, width: int) -> tuple[Page, list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: requests.append(message.text))
    page.goto(file.as_uri())
    return page, requests


@pytest.mark.parametrize("width", [360, 1280])
def test_the_file_asks_for_nothing_and_fits_the_screen(browser: Browser, file: Path, width: int) -> None:
    page, requests = opened(browser, file, "light", width)
    assert requests == [file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


def brightness(colour: str) -> float:
    """The mean of red, green and blue, 0 to 255, in `rgb(r, g, b)`."""
    return sum(map(float, colour.removeprefix("rgb(").removesuffix(")").split(","))) / 3


def test_text_and_charts_stand_out_on_a_dark_ground_and_on_paper(browser: Browser, file: Path) -> None:
    page, _ = opened(browser, file, "dark", 1280)
    *texts, ground = map(brightness, page.evaluate(COLOURS))
    assert min(texts) - ground > 120
    page.emulate_media(media="print")
    *texts, ground = map(brightness, page.evaluate(COLOURS))
    assert (ground, max(texts) < 80) == (255, True)
    page.close()


def test_it_prints_on_a4(browser: Browser, file: Path) -> None:
    page, _ = opened(browser, file, "dark", 1280)
    (size,) = set(re.findall(rb"/MediaBox \[0 0 (\d+)[.\d]* (\d+)[.\d]*\]", page.pdf(prefer_css_page_size=True)))
    assert size in ((b"594", b"841"), (b"595", b"842"))
    page.close()
