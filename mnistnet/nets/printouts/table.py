"""The rows of a printout: type, output shape and parameters of each layer, with the number of its line.

Both printers' tables are read, with what people leave around them: headings, logs, code fences. torchsummary prints
`Conv2d-1  [-1, 16, 28, 28]  160`; torchinfo prints `├─Conv2d: 1-1  [1, 16, 28, 28]  160`, in columns that its caller
chooses and that its heading names.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mnistnet.errors import BadInput
from mnistnet.strict_json import shown

MAX_CHARACTERS = 256 * 1024
_MAX_LINES = 5000
_MAX_ROWS = 1000
_MAX_LINE = 1000
_LARGEST = 10**9

_TORCHSUMMARY = re.compile(r"([A-Za-z]\w{0,60})-(\d{1,4})\s+(\[.*)")
_TORCHINFO = re.compile(r"([A-Za-z]\w{0,60})(?: \([\w.]{0,60}\))?(?:: (\d{1,3})-(\d{1,4}))?\s\s*(\S.*)")
_TREE = "│├└─|+ \t\u00a0"
_CELL = re.compile(r"\[[^\[\]]{0,80}\]|\([^()]{0,40}\)|[^\s\[\]()]+")
_TOTAL = re.compile(r"\s*Total params:?\s*([\d,]{1,20})\s*$", re.IGNORECASE)
_COLUMNS = re.compile(r"(Input Shape|Output Shape|Param #|Param %|Kernel Shape|Groups|Mult-Adds|Trainable)")


class PrintoutError(BadInput):
    """A text in which no design can be read; the message names the line."""

    def __init__(self, line: int | None, what: str) -> None:
        super().__init__(f"printout, line {line}: {what}" if line else f"printout: {what}")


@dataclass(frozen=True)
class Row:
    """One layer as printed: its class in torch, its output's shape without the batch, its parameters.

    `line` counts from 1. `kernel`: the kernel's side where the printout has it. `depth` is the place in torchinfo's
    tree; None in torchsummary's table, which has none.
    """

    line: int
    type: str
    shape: tuple[int, ...]
    params: int
    kernel: int | None = None
    depth: int | None = None


@dataclass(frozen=True)
class Table:
    """The rows of a printout in order, and its total of parameters with the line, where it has one."""

    rows: tuple[Row, ...]
    total: int | None = None
    total_line: int = 0


def read(text: str) -> Table:
    """The one table in a text; PrintoutError where there is none, there are several, or a row cannot be read."""
    if len(text) > MAX_CHARACTERS:
        raise PrintoutError(None, f"{len(text):,} characters: at most {MAX_CHARACTERS:,} are allowed; paste the table")
    found: list[Row] = []
    total, total_line = None, 0
    for row_or_total in _rows(text):
        if isinstance(row_or_total, Row):
            found.append(row_or_total)
            if len(found) > _MAX_ROWS:
                raise PrintoutError(found[-1].line, f"more than {_MAX_ROWS:,} rows: a design has at most 64 layers")
        elif found and total is None:
            total, total_line = row_or_total
    if not found:
        raise PrintoutError(None, "no row of a table in it: paste what torchinfo or torchsummary prints")
    return Table(tuple(_without_containers(found)), total, total_line)


def _rows(text: str) -> Iterator[Row | tuple[int, int]]:
    columns: list[str] = []
    last = 0
    for number, line in enumerate(_lines(text), start=1):
        if len(line) > _MAX_LINE:
            continue  # a row is shorter; a log may be longer
        if "Output Shape" in line:
            columns = _COLUMNS.findall(line)
        if total := _TOTAL.match(line):
            yield _whole(total[1], number), number
        elif summary := _TORCHSUMMARY.fullmatch(line.strip()):
            index = int(summary[2])
            if index <= last:
                raise PrintoutError(number, "a second table begins; paste one network at a time")
            last = index
            yield _row(number, summary[1], summary[3], [])
        elif tree := _tree_row(line):
            yield _row(number, tree[1], tree[4], columns, depth=_depth(line, tree))


def _lines(text: str) -> list[str]:
    lines = text.splitlines()
    if len(lines) > _MAX_LINES:
        raise PrintoutError(None, f"{len(lines):,} lines: at most {_MAX_LINES:,} are allowed; paste the table")
    return lines


def _tree_row(line: str) -> re.Match[str] | None:
    """torchinfo's row in a line: with branches of its tree before the type, or a depth behind it."""
    bare = line.lstrip(_TREE)
    found = _TORCHINFO.fullmatch(bare.rstrip())
    is_row = found and ("─" in line[: len(line) - len(bare)] or found[2] is not None) and "[" in found[4]
    return found if is_row else None


def _depth(line: str, tree: re.Match[str]) -> int:
    return int(tree[2]) if tree[2] else len(line) - len(line.lstrip(_TREE))


def _row(line: int, type_: str, cells: str, columns: list[str], depth: int | None = None) -> Row:
    found = _CELL.findall(cells)
    names = [name for name in columns if name != "Groups"] if len(columns) != len(found) else columns
    values = dict(zip(names, found, strict=False)) if len(names) == len(found) else {}
    if not found:
        raise PrintoutError(line, f"{type_}: no output shape behind it; write it as in [-1, 16, 28, 28]")
    shape = values.get("Output Shape", found[0])
    params = values.get("Param #", found[1] if len(found) > 1 else "--")
    return Row(line, type_, _shape(shape, line), _params(params, line), _kernel(values.get("Kernel Shape", "")), depth)


def _shape(text: str, line: int) -> tuple[int, ...]:
    parts = text.strip("[]").split(",")
    if not text.startswith("[") or not all(re.fullmatch(r"\s*-?\d{1,9}\s*", part) for part in parts):
        raise PrintoutError(line, f"{shown(text)} is no output shape; write it as in [-1, 16, 28, 28]")
    return tuple(int(part) for part in parts[1:])


def _params(text: str, line: int) -> int:
    if text in ("--", "(recursive)"):
        return 0
    return _whole(text.strip("()"), line)


def _whole(text: str, line: int) -> int:
    digits = text.replace(",", "")
    if not re.fullmatch("[0-9]{1,12}", digits) or int(digits) > _LARGEST:
        raise PrintoutError(line, f"{shown(text)} is no number of parameters; write it as in 2,304")
    return int(digits)


def _kernel(text: str) -> int | None:
    """The side of a square kernel; None where the cell has none, or one of two different sides."""
    sides = {int(side) for side in re.findall("[0-9]{1,4}", text)}
    return sides.pop() if len(sides) == 1 else None


def _without_containers(rows: list[Row]) -> Iterator[Row]:
    """The rows without those that only hold others: in a tree, the next row lies deeper."""
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        is_container = following is not None and None not in (row.depth, following.depth)
        if not (is_container and following.depth > row.depth):  # type: ignore[union-attr,operator]
            yield row
