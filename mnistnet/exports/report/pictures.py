"""Charts as SVG, by vl-convert (Vega-Lite in a V8 of its own, offline), for a page and for a file of their own."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import altair as alt

from mnistnet.exports.report import markdown

_WIDTH = 640
_VERSION = "6.4"  # of Vega-Lite: Altair's
_PAPER, _INK = "#ffffff", "#374151"
_TEXT = "currentColor"  # in a page, charts take the colour of its text
_CONFIG = {
    "font": "system-ui, sans-serif",
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
    },
    "legend": {"labelColor": _TEXT, "titleColor": _TEXT, "labelFontSize": 12},
    "view": {"stroke": None},
}


@dataclass(frozen=True)
class Picture:
    """A chart as SVG. `name`: of its file; `description`: the chart in one sentence; `svg` as vl-convert gives it."""

    name: str
    description: str
    svg: str

    @cached_property
    def inline(self) -> str:
        """The chart for an HTML page: transparent, text in the colour of the page's text."""
        stem = self.name.removesuffix(".svg")
        # Numbered in each chart alike: in one page the second chart would use the first one's.
        return re.sub(r'(\bid="|url\(#)', rf"\g<1>{stem}-", self.svg)

    @cached_property
    def file(self) -> bytes:
        """The chart as a file of its own, dark on white wherever it is shown."""
        start = self.svg.index(">") + 1
        ground = f'<rect width="100%" height="100%" fill="{_PAPER}"/>'
        return (self.svg[:start] + ground + self.svg[start:].replace(_TEXT, _INK)).encode()


def drawn(name: str, chart: alt.LayerChart, description: str, width: int = _WIDTH) -> Picture:
    """The chart as a picture, its plot `width` pixels wide. Uses no network: the chart holds its data."""
    import vl_convert  # 80 MB, and no page needs it

    spec: dict[str, Any] = chart.to_dict(validate=False)
    spec |= {"width": width, "background": None, "padding": 4}
    svg = vl_convert.vegalite_to_svg(spec, vl_version=_VERSION, config=_CONFIG, allowed_base_urls=[])
    # Names that vl-convert draws by lot, for a style sheet that there is not.
    return Picture(name, description, re.sub(r'(<(?:svg|g)\b[^>]*?) class="[^">]*"', r"\1", svg))


def shown(pictures: Iterable[Picture]) -> str:
    """The pictures in Markdown, one below the other."""
    return "\n\n".join(markdown.picture(one.name, one.description) for one in pictures)
