"""What a run's weights answer for each image, kept in files beside its checkpoints: the final weights' probabilities,
each epoch's guesses.

Knows no torch: whoever looks at mistakes needs none.
"""

import io
import re
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

SplitName: TypeAlias = Literal["validation", "test"]
Probabilities: TypeAlias = npt.NDArray[np.float32]
GUESSES = re.compile(r"guesses-[0-9]{4,9}\.npz")

_T = TypeVar("_T")
# What zipfile and numpy raise for bytes that are no such file. RuntimeError: they look encrypted, or packed in an
# unknown way; the last three: a header that is no header, or asks for more memory than there is.
_DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    SyntaxError,
    MemoryError,
)


@dataclass(frozen=True, eq=False)
class Predictions:
    """probabilities (n, 10) float32, rows sum to 1; labels (n,) uint8."""

    probabilities: Probabilities
    labels: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Guesses:
    """What an epoch's weights answered for the validation images: guesses and labels, (n,) uint8 both."""

    guesses: npt.NDArray[np.uint8]
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

    def answers(stored: Any) -> Predictions | None:
        if str(stored["weights_sha256"]) != weights_sha256:
            return None
        return Predictions(stored["probabilities"].astype(np.float32, copy=False), stored["labels"])

    return _unpacked(data, answers)


def guesses_path(folder: Path, epoch: int) -> Path:
    """The file for this epoch, from 1, in a run's folder."""
    return folder / f"guesses-{epoch:04d}.npz"


def pack_guesses(answers: Guesses) -> bytes:
    """The file's bytes: some four kilobytes for 5,000 images."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, guesses=answers.guesses, labels=answers.labels)
    return buffer.getvalue()


def read_guesses(folder: Path, epoch: int) -> Guesses | None:
    """The stored guesses of an epoch; None where there are none or the file is damaged."""
    try:
        data = guesses_path(folder, epoch).read_bytes()
    except OSError:
        return None

    def found(stored: Any) -> Guesses | None:
        guesses, labels = stored["guesses"], stored["labels"]
        return Guesses(guesses, labels) if guesses.shape == labels.shape else None

    return _unpacked(data, found)


def _unpacked(data: bytes, read_from: Callable[[Any], _T | None]) -> _T | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if packed.testzip() is not None:  # np.load believes an array's header before its checksum is known
                return None
        # Through memory: given a path, np.load leaves the file open where it is damaged.
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return read_from(stored)
    except _DAMAGED:
        return None
