"""The dashboard's pages, driven through Streamlit's own test runner. No test of its own."""

import re
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any
from unittest.mock import patch

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

APP = str(Path(__file__).parents[2] / "streamlit_app.py")
PAGES = {
    "design": "pages/design.py",
    "train": "pages/train.py",
    "compare": "pages/compare.py",
    "mistakes": "pages/mistakes.py",
    "receptive_fields": "pages/receptive_fields.py",
    "try_a_digit": "pages/try_a_digit.py",
    "review": "pages/review.py",
    "search": "pages/search.py",
    "export": "pages/export.py",
    "check": "pages/check.py",
    "lessons": "pages/lessons.py",
}

# Each AppTest reads the metadata of every installed package, 0.4 s. They stay the same while tests run.
_manifests = cache(manifest_scanner.scan_component_manifests)


def opened(page: str = "design", **address: str) -> AppTest:
    """The dashboard after its first run, on `page`."""
    app = AppTest.from_file(APP, default_timeout=30)
    app.query_params.update(address)
    if page != "design":
        app.switch_page(PAGES[page])
    with patch.object(manifest_scanner, "scan_component_manifests", _manifests):
        return app.run()


def texts(app: AppTest) -> str:
    """All that the page says, in one string."""
    elements: list[Any] = [
        *app.markdown,
        *app.caption,
        *app.error,
        *app.warning,
        *app.info,
        *app.text,
        *app.metric,
        *app.title,
    ]
    said = [f"{getattr(element, 'label', '')} {element.value}" for element in elements]
    return "\n".join([*said, *(unescape(re.sub("<[^>]+>", "", element.value)) for element in app.html)])


def parameters(app: AppTest) -> str:
    """The number of parameters on the Design page: `16,010`, or `1,234 so far`."""
    found = (re.search(r'class="live count"[^>]*>([^<]*)<', element.value) for element in app.html)
    return next(count[1] for count in found if count)


def slider(app: AppTest, label: str) -> Any:
    """The slider whose label begins so."""
    return next(element for element in app.slider if element.label.startswith(label))


def button(app: AppTest, label: str) -> Any:
    """The button of this label."""
    return next(element for element in app.button if element.label == label)
