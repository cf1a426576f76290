"""Writing files completely or not at all. Knows no run and no torch."""

import os
from collections.abc import Mapping
from pathlib import Path

from mnistnet.errors import SaveFailed
from mnistnet.system import replace, sync_folder

__all__ = ["WriteError", "sync_folder", "write_all_atomic", "write_atomic"]


class WriteError(SaveFailed):
    """The disk did not take a file; what was there before is intact."""


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader, also after a power cut, finds either the old file or the new one.

    Temporary file, fsync, rename, fsync of the folder. Raises WriteError where the disk does not take it.
    """
    part = _part(path)
    try:
        _write(part, data)
        replace(part, path)
        sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _refused(path, error) from None


def write_all_atomic(contents: Mapping[Path, bytes]) -> None:
    """Write several files, each as `write_atomic`, none before all are on the disk under temporary names.

    Folders are made where they are missing. Raises WriteError where the disk does not take them.
    """
    path = Path()
    try:
        for path, data in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(_part(path), data)
        for path in contents:
            replace(_part(path), path)
        for folder in {path.parent for path in contents}:
            sync_folder(folder)
    except OSError as error:
        for one in contents:
            _part(one).unlink(missing_ok=True)
        raise _refused(path, error) from None


def _part(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".part")


def _write(part: Path, data: bytes) -> None:
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _refused(path: Path, error: OSError) -> WriteError:
    return WriteError(f"{path}: {error.strerror}: not saved; the earlier ones are intact")
