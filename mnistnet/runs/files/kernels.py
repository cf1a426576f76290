"""The kernels of a run's first convolution after its latest epoch: a file in its folder, for the eye alone.

Nothing depends on it: what cannot be written is not, and a damaged file is as none. Knows no torch.
"""

import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnistnet.nets.architecture import KERNELS
from mnistnet.runs.files import npz
from mnistnet.runs.files.contents import contents
from mnistnet.runs.files.names import FIRST_KERNELS
from mnistnet.runs.files.npz import ArraysError, Form
from mnistnet.system import replace

Kernels = npt.NDArray[np.float32]

_FORM = Form(("<f4",), (None, None, None))
_MOST_BYTES = 1_000_000  # 4,000 kernels of 7x7


def write(folder: Path, kernels: Kernels) -> None:
    """Put the kernels (channels, k, k) in place of those before. Never raises, and waits for no disk."""
    part = folder / f"{FIRST_KERNELS}.part"
    with suppress(OSError):
        part.write_bytes(pack(kernels))
        replace(part, folder / FIRST_KERNELS)  # a reader finds the ones or the others


def pack(kernels: Kernels) -> bytes:
    """The bytes of the file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(kernels, "<f4"))
    return buffer.getvalue()


def read(folder: Path) -> Kernels | None:
    """The kernels (channels, k, k); None where there are none, or the file is not one that a worker writes."""
    try:
        return unpack(contents(folder / FIRST_KERNELS, _MOST_BYTES))
    except OSError:
        return None


def unpack(data: bytes) -> Kernels | None:
    """The kernels in the bytes of a file; None where they are not those that a worker writes."""
    try:
        found = npz.array(data, _FORM)
    except ArraysError:
        return None
    count, height, width = found.shape
    is_whole = count > 0 and height == width and height in KERNELS and bool(np.isfinite(found).all())
    return found if is_whole else None
