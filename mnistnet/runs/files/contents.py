"""Reading a file of limited size. Knows no run."""

import errno
import os
from pathlib import Path


def contents(file: Path, most: int) -> bytes:
    """All bytes of the file. Raises OSError, also where it is larger than `most` bytes; none of it is read then."""
    with file.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return opened.read(size)
