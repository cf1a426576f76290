"""Pieces of Markdown (CommonMark with GitHub's tables), in which text from elsewhere stays text."""

import re
from collections.abc import Iterable, Sequence

_SIGNS = re.compile(r"([\\`*_\[\]<>|~$&#])")
# What GitHub turns into a link or a picture without any sign of Markdown.
_ADDRESSES = re.compile(r":(?=//|[\w+-]+:)|(?<=www)\.", re.IGNORECASE)


def plain(text: str) -> str:
    """The text in one line, escaped so that it shows as it is: names and messages come from strangers.

    What cannot be printed becomes a space. To be put behind other text of the line.
    """
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return _ADDRESSES.sub(r"\\\g<0>", _SIGNS.sub(r"\\\1", " ".join(line.split())))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table; every cell is escaped. `right`: the columns, from 0, that are aligned to the right."""
    marks = ["--:" if column in right else "---" for column in range(len(headings))]
    body = [[plain(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in ([plain(one) for one in headings], marks, *body))


def picture(name: str, description: str) -> str:
    """The picture in the file `name` beside the document."""
    return f"![{plain(description)}]({name})"


def block(lines: Iterable[str]) -> str:
    """Lines as they are, in letters of one width. They hold no backtick."""
    return "\n".join(["```text", *lines, "```"])


def document(parts: Iterable[str]) -> str:
    """The parts with an empty line between them; those that are empty are left out."""
    return "\n\n".join(part for part in parts if part) + "\n"
