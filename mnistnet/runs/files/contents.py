"""Reading a file of limited size. Knows no run."""

import errno
import os
from pathlib import Path

# Of a training's state. Of the largest design that can be built, four copies of its parameters in float32 take 80 MB:
# weights, averaged weights, two moments of the optimizer.
STATE_BYTES = 128 * 1024**2


def contents(file: Path, most: int) -> bytes:
    """All bytes of the file. Raises OSError, also where it is larger than `most` bytes; none of it is read then."""
    with file.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return opened.read(size)
