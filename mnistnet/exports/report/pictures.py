"""Charts as SVG, by vl-convert (Vega-Lite in a V8 of its own, offline), for a page and for a file of their own."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mnistnet.exports.report import markdown

if TYPE_CHECKING:
    import altair as alt

_WIDTH = 640
_VERSION = "6.4"  # of Vega-Lite: Altair's
_PAPER, _INK = "#ffffff", "#374151"
_TEXT = "currentColor"  # in a page, charts take the colour of its text
_CONFIG = {
    "font": "Arial, Liberation Sans, Helvetica, sans-serif",
    "text": {"color": _TEXT},
    "axis": {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "domainColor": _TEXT,
        "tickColor": _TEXT,
        "gridColor": _TEXT,
        "gridOpacity": 0.15,
        "domainOpacity": 0.4,
        "tickOpacity": 0.4,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titlePadding": 12,
    },
    "legend": {"labelColor": _TEXT, "titleColor": _TEXT, "labelFontSize": 12},
    "view": {"stroke": None},
}


_CLIP = re.compile(r"clip\d+")
ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


@dataclass(frozen=True)
class Picture:
    """A chart as SVG. `name`: of its file; `description`: the chart in one sentence.

    `svg` is for an HTML page: transparent, its text in the colour of the page's text.
    """

    name: str
    description: str
    svg: str

    @cached_property
    def file(self) -> bytes:
        """The chart as a file of its own, dark on white wherever it is shown."""
        start = self.svg.index(">") + 1
        ground = f'<rect width="100%" height="100%" fill="{_PAPER}"/>'
        return (self.svg[:start] + ground + self.svg[start:].replace(_TEXT, _INK)).encode()


def drawn(name: str, chart: "alt.LayerChart", description: str, width: int = _WIDTH) -> Picture:
    """The chart as a picture, its plot `width` pixels wide. Uses no network: the chart holds its data."""
    import vl_convert  # 80 MB, and no page needs it

    from mnistnet.charts import template

    spec = template.specification(chart)
    spec |= {"width": width, "background": None, "padding": 4}
    svg = vl_convert.vegalite_to_svg(spec, vl_version=_VERSION, config=_CONFIG, allowed_base_urls=[])
    return Picture(name, description, _settled(svg, name.removesuffix(".svg")))


def _settled(svg: str, stem: str) -> str:
    """The same chart each time the same, with identifiers that no other chart of the page has.

    vl-convert numbers the clip paths of all charts of a process, and draws the names of classes by lot. Labels of
    single marks are taken out: the picture has its description, and they repeat the digits' pictures.
    """
    root = ElementTree.fromstring(svg)
    numbers: dict[str, int] = {}
    for element in root.iter():
        for name in [one for one in element.attrib if one in ("class", "role") or one.startswith("aria-")]:
            del element.attrib[name]
        for name, value in element.attrib.items():
            if name in ("id", "clip-path"):
                element.set(name, _CLIP.sub(lambda found: _numbered(found[0], numbers, stem), value))
    return ElementTree.tostring(root, encoding="unicode")


def _numbered(identifier: str, numbers: dict[str, int], stem: str) -> str:
    return f"{stem}-{numbers.setdefault(identifier, len(numbers) + 1)}"


def shown(pictures: Iterable[Picture]) -> str:
    """The pictures in Markdown, one below the other."""
    return "\n\n".join(markdown.picture(one.name, one.description) for one in pictures)
