"""Files that are whole or not there, whatever the disk does."""

import errno
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mnistnet.runs.files.atomic import WriteError, write_all_atomic, write_atomic


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("run.json", b"new")]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_file_that_was_to_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "predictions.npz"
    write_atomic(path, b"old")
    monkeypatch.setattr(os, call, full)
    with pytest.raises(WriteError, match=r"predictions\.npz: No space left on device: not saved"):
        write_atomic(path, b"new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("predictions.npz", b"old")]


@pytest.mark.posix
def test_file_and_folder_are_synced_before_it_counts_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("fsync", "replace"):
        function = getattr(os, name)

        def listening(*arguments: Any, name: str = name, function: Any = function) -> None:
            calls.append(name)
            function(*arguments)

        monkeypatch.setattr(os, name, listening)
    write_atomic(tmp_path / "a", b"1")
    assert calls == ["fsync", "replace", "fsync"]


def test_of_several_files_none_is_there_before_all_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"old")
    real, calls = os.fsync, 0

    def full_at_the_second(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        real(descriptor) if calls < 2 else full()

    monkeypatch.setattr(os, "fsync", full_at_the_second)
    with pytest.raises(WriteError, match="b: No space left on device"):
        write_all_atomic({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a", b"old")]


def test_several_files_are_written_into_new_folders(tmp_path: Path) -> None:
    write_all_atomic({tmp_path / "x" / "a": b"1", tmp_path / "x" / "y" / "b": b"2"})
    assert {file.name: file.read_bytes() for file in tmp_path.rglob("?") if file.is_file()} == {"a": b"1", "b": b"2"}
