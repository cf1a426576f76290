"""Pieces of Markdown: whatever strangers write stays text, and tables keep their cells."""

from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from mnistnet.exports.report import markdown
from tests.exports.report.hostile import NAMES

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


class Read(HTMLParser):
    """The elements and the text of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_is_shown_as_it_is(name: str) -> None:
    read = Read(MARKDOWN.render(f"Run {markdown.plain(name)}"))
    assert read.elements == ["p"]
    assert read.text.strip() == f"Run {' '.join(name.split())}"


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_cell_leaves_the_table_as_it_is(name: str) -> None:
    read = Read(MARKDOWN.render(markdown.table(("a", "b"), [(name, "1"), ("2", name)])))
    assert read.elements == ["table", "thead", "tr", "th", "th", "tbody", *["tr", "td", "td"] * 2]


def test_lines_and_what_cannot_be_printed_become_spaces() -> None:
    assert markdown.plain("a\n\n# b\x00\u202ec") == "a \\# b c"


def test_plain_names_and_figures_stay_readable() -> None:
    text = "mnistnet-4k: 99.43% (57 errors in 10,000), 3×3, 2 → 7"
    assert markdown.plain(text) == text


def test_numbers_are_aligned_to_the_right() -> None:
    assert markdown.table(("a", "b"), [("x", "1")], right=[1]).splitlines() == [
        "| a | b |",
        "| --- | --: |",
        "| x | 1 |",
    ]


def test_parts_that_are_empty_are_left_out() -> None:
    assert markdown.document(["a", "", "b"]) == "a\n\nb\n"
