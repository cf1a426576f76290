"""Writing a file completely or not at all. Knows no run and no torch."""

import os
from pathlib import Path

from mnistnet.errors import SaveFailed
from mnistnet.system import replace, sync_folder

__all__ = ["WriteError", "sync_folder", "write_atomic"]


class WriteError(SaveFailed):
    """The disk did not take a file; what was there before is intact."""


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader, also after a power cut, finds either the old file or the new one.

    Temporary file, fsync, rename, fsync of the folder. Raises WriteError where the disk does not take it.
    """
    part = path.with_suffix(path.suffix + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        replace(part, path)
        sync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise WriteError(f"{path}: {error.strerror}: not saved; the earlier ones are intact") from None
