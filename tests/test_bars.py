"""Every line of the acceptance list that is about faults, persistence and error states is held by a named test."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
_MARK = re.compile(r"mark\.bar\(([^)]*)\)")
BARS = [f"{letter}{number}" for letter, count in (("F", 15), ("S", 9), ("E", 6)) for number in range(1, count + 1)]
BARS.append("F17")  # F16 is about samples within an epoch, which are not recorded yet


def held() -> dict[str, set[str]]:
    """The files that hold a test of each bar."""
    found: dict[str, set[str]] = {}
    for file in TESTS.rglob("test_*.py"):
        for mark in _MARK.finditer(file.read_text(encoding="utf-8")):
            for bar in re.findall(r"\"([A-Z]\d+)\"", mark[1]):
                found.setdefault(bar, set()).add(file.name)
    return found


@pytest.mark.parametrize("bar", BARS)
def test_every_bar_is_held_by_a_test(bar: str) -> None:
    assert held().get(bar), f"no test is marked with {bar}"
