"""What a run's final weights answer for each image of a split, kept in a file beside its checkpoints.

Knows no torch: whoever looks at mistakes needs none.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

SplitName: TypeAlias = Literal["validation", "test"]
Probabilities: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Predictions:
    """probabilities (n, 10) float32, rows sum to 1; labels (n,) uint8."""

    probabilities: Probabilities
    labels: npt.NDArray[np.uint8]


def path(folder: Path, split: SplitName) -> Path:
    """The file for this split in a run's folder."""
    return folder / f"predictions-{split}.npz"


def pack(predictions: Predictions, weights_sha256: str) -> bytes:
    """The file's bytes; the hash ties them to the weights that answered."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        probabilities=predictions.probabilities,
        labels=predictions.labels,
        weights_sha256=np.array(weights_sha256),
    )
    return buffer.getvalue()


def read(folder: Path, split: SplitName, weights_sha256: str) -> Predictions | None:
    """The stored answers of these very weights; None where there are none or the file is damaged."""
    try:
        return unpack(path(folder, split).read_bytes(), weights_sha256)
    except OSError:
        return None


def unpack(data: bytes, weights_sha256: str) -> Predictions | None:
    """The answers in a file's bytes; None where they are damaged or other weights'."""
    try:
        # Through memory: given a path, np.load leaves the file open where it is damaged.
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            if str(stored["weights_sha256"]) != weights_sha256:
                return None
            return Predictions(stored["probabilities"].astype(np.float32, copy=False), stored["labels"])
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile):
        return None  # RuntimeError: a flipped bit made it look encrypted, or packed in an unknown way
