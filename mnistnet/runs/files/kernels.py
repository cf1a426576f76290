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
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(kernels, "<f4"))
    part = folder / f"{FIRST_KERNELS}.part"
    with suppress(OSError):
        part.write_bytes(buffer.getvalue())
        replace(part, folder / FIRST_KERNELS)  # a reader finds the ones or the others


def read(folder: Path) -> Kernels | None:
    """The kernels (channels, k, k); None where there are none, or the file is not one that a worker writes."""
    try:
        found = npz.array(contents(folder / FIRST_KERNELS, _MOST_BYTES), _FORM)
    except (OSError, ArraysError):
        return None
    count, height, width = found.shape
    is_whole = count > 0 and height == width and height in KERNELS and bool(np.isfinite(found).all())
    return found if is_whole else None
