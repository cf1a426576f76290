"""The log of a search: cut off, damaged, gigantic, written on a full disk."""

import random
from pathlib import Path

import pytest

from mnistnet.search.log import Ended, Finished, LogError, LogReader, LogWriter, Proposed, Reported, Submitted

LINES = (
    Proposed(number=0, values={"width": 3}, params=100, macs=1000),
    Submitted(number=0, part=0, seed=1),
    Reported(number=0, part=0, epoch=1, accuracy=0.5),
    Ended(number=0, part=0, state="done", accuracy=0.5, seconds=1.5, run="0123abcd"),
    Finished(state="done", message="ü"),
)


def read(path: Path) -> list[object]:
    return [line.model_copy(update={"time": 0.0}) for line in LogReader(path).lines()]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    LogWriter(path).append(*LINES)
    assert read(path) == list(LINES)
    assert read(tmp_path / "none") == []


def test_a_reader_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writer, reader = LogWriter(path), LogReader(path)
    found: list[object] = []
    for line in LINES:
        writer.append(line)
        (new,) = reader.lines()
        found.append(new.model_copy(update={"time": 0.0}))
    assert found == list(LINES)


@pytest.mark.parametrize("cut", range(2, 60, 7))
def test_a_line_that_was_cut_off_costs_itself_alone(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "log"
    writer = LogWriter(path)
    writer.append(*LINES[:3])
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    reader = LogReader(path)
    before = list(reader.lines())
    writer.append(*LINES[3:])
    assert len([*before, *reader.lines()]) == 4
    assert read(path) == [*LINES[:2], *LINES[3:]]


def test_garbage_between_lines_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log"
    generator = random.Random(5)
    writer = LogWriter(path)
    for line in LINES:
        with path.open("ab") as file:
            file.write(bytes(generator.randrange(256) for _ in range(200)).replace(b"\n", b" ") + b"\n")
            file.write(b'{"event": "ended", "number": -1, "part": 0, "state": "done"}\n{"event": "x"}\n[]\nnull\n')
        writer.append(line)
    assert read(path) == list(LINES)


def test_a_disk_that_is_full_leaves_the_lines_before_intact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    writer = LogWriter(path)
    writer.append(*LINES[:2])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(LogError, match="No space left on device; free some space, then resume the search"):
        writer.append(*LINES[2:])
    monkeypatch.undo()
    assert path.read_bytes() == before
    writer.append(*LINES[2:])
    assert read(path) == list(LINES)
