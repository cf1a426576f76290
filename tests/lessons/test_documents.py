"""docs/lessons.md names every control and every check, and its example can be read."""

import re
from pathlib import Path

from mnistnet.lessons.checks import CHECKS
from mnistnet.lessons.controls import CONTROLS
from mnistnet.lessons.lesson import parse

PAGE = (Path(__file__).parents[2] / "docs" / "lessons.md").read_text("utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """The first column of the table under a heading, and the names in code in its other columns."""
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `([a-z_ ]+)` \|(.*)$", table, re.MULTILINE)
    return {name: re.findall("`([a-z_]+)`", rest) for name, rest in found}


def test_the_page_lists_the_controls_with_their_fields() -> None:
    assert rows("Controls") == {name: list(control.fields) for name, control in CONTROLS.items()}


def test_the_page_lists_the_checks_with_their_settings() -> None:
    assert rows("Checks") == {
        name: [field for field in kind.model_fields if field != "check"] for name, kind in CHECKS.items()
    }


def test_the_example_is_a_lesson() -> None:
    assert parse(PAGE.partition("```json\n")[2].partition("```")[0]).title == "Narrow layers"
