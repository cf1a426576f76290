"""Every line of docs/acceptance.md about faults, persistence and error states is held by a test that names it."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LIST = TESTS.parent / "docs" / "acceptance.md"
HELD_BY_TESTS = ("F", "S", "E")  # each line of these parts needs a test; the others may have one
_LINE = re.compile(r"^- \*\*([A-Z]\d+)\*\* (\*\(planned\)\*)?", re.MULTILINE)
_MARK = re.compile(r"mark\.bar\(([^)]*)\)")


def listed() -> dict[str, bool]:
    """Every bar of the list, and whether its feature exists."""
    return {bar: not planned for bar, planned in _LINE.findall(LIST.read_text(encoding="utf-8"))}


def held() -> dict[str, set[str]]:
    """The files that hold a test of each bar."""
    found: dict[str, set[str]] = {}
    for file in TESTS.rglob("test_*.py"):
        for mark in _MARK.finditer(file.read_text(encoding="utf-8")):
            for bar in re.findall(r"\"([A-Z]\d+)\"", mark[1]):
                found.setdefault(bar, set()).add(file.name)
    return found


BARS = [bar for bar, exists in listed().items() if exists and bar.startswith(HELD_BY_TESTS)]


@pytest.mark.parametrize("bar", BARS)
def test_every_bar_is_held_by_a_test(bar: str) -> None:
    assert held().get(bar), f"no test is marked with {bar}"


def test_no_line_is_lost_and_none_is_there_twice() -> None:
    numbers = {letter: [int(bar[1:]) for bar in _all() if bar[0] == letter] for letter in HELD_BY_TESTS}
    assert numbers == {letter: list(range(1, count + 1)) for letter, count in (("F", 18), ("S", 9), ("E", 6))}
    assert len(_all()) == len(set(_all()))


def test_every_mark_names_a_line_of_the_list() -> None:
    assert held().keys() - listed().keys() == set()


def _all() -> list[str]:
    return [bar for bar, _ in _LINE.findall(LIST.read_text(encoding="utf-8"))]
