"""A run's predictions in files beside its checkpoints: the final weights' probabilities, each epoch's classes.

Knows no torch: the pages that show mistakes need none.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mnistnet.runs.files import npz
from mnistnet.runs.files.contents import contents
from mnistnet.runs.files.npz import ArraysError, Form

SplitName: TypeAlias = Literal["validation", "test"]
Probabilities: TypeAlias = npt.NDArray[np.float32]

_MOST_IMAGES = 60_000  # no split of a data set has more
_LABELS = Form(("|u1",), (None,))
# The gallery's probabilities are of half precision.
_ANSWERS = {"probabilities": Form(("<f4", "<f2"), (None, 10)), "labels": _LABELS, "weights_sha256": Form(("<U64",), ())}
_GUESSES = {"guesses": _LABELS, "labels": _LABELS}
_SUM_TOLERANCE = 0.01  # ten numbers of half precision


@dataclass(frozen=True, eq=False)
class Predictions:
    """probabilities (n, 10) float32, rows sum to 1; labels (n,) uint8."""

    probabilities: Probabilities
    labels: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Guesses:
    """The classes that an epoch's weights predict for the validation images: guesses and labels, (n,) uint8 both."""

    guesses: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]


def path(folder: Path, split: SplitName) -> Path:
    """The file for this split in a run's folder."""
    return folder / name_of(split)


def name_of(split: SplitName) -> str:
    """The name of the file for this split."""
    return f"predictions-{split}.npz"


def pack(predictions: Predictions, weights_sha256: str) -> bytes:
    """The file's bytes, with the hash of the weights that predicted."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        probabilities=predictions.probabilities,
        labels=predictions.labels,
        weights_sha256=np.array(weights_sha256),
    )
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    """The sha256 of a file's bytes, as the store has it."""
    return hashlib.sha256(data).hexdigest()


def read(folder: Path, split: SplitName, weights_sha256: str, stored_sha256: str | None = None) -> Predictions | None:
    """The stored predictions of the weights with this hash; None where there are none or the file is damaged.

    `stored_sha256`: that of the file, where the store has it; a file with another hash is damaged.
    """
    data = _bytes(path(folder, split), npz.largest(_ANSWERS, _MOST_IMAGES), stored_sha256)
    return unpack(data, weights_sha256) if data else None


def unpack(data: bytes, weights_sha256: str) -> Predictions | None:
    """The predictions in a file's bytes; None where they are damaged or those of other weights.

    Damaged is a file that is compressed, larger than any split needs, or whose values are no probabilities or labels.
    """
    try:
        found = npz.read(data, _ANSWERS, _MOST_IMAGES)
    except ArraysError:
        return None
    probabilities, labels = found["probabilities"].astype(np.float32, copy=False), found["labels"]
    # Comparisons with NaN are false.
    are_shares = bool((probabilities >= 0).all() and (abs(probabilities.sum(1) - 1) < _SUM_TOLERANCE).all())
    if str(found["weights_sha256"]) != weights_sha256 or not are_shares or labels.max() > 9:
        return None
    return Predictions(probabilities, labels)


def guesses_path(folder: Path, epoch: int) -> Path:
    """The file for this epoch, from 1, in a run's folder."""
    return folder / guesses_name(epoch)


def guesses_name(epoch: int) -> str:
    """The name of the file for this epoch, from 1."""
    return f"guesses-{epoch:04d}.npz"


def pack_guesses(answers: Guesses) -> bytes:
    """The file's bytes: some four kilobytes for 5,000 images."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, guesses=answers.guesses, labels=answers.labels)
    return buffer.getvalue()


def read_guesses(folder: Path, epoch: int, stored_sha256: str | None = None) -> Guesses | None:
    """The stored guesses of an epoch; None where there are none or the file is damaged. Arguments as in `read`."""
    data = _bytes(guesses_path(folder, epoch), npz.largest(_GUESSES, _MOST_IMAGES), stored_sha256)
    return unpack_guesses(data) if data else None


def unpack_guesses(data: bytes) -> Guesses | None:
    """The guesses in a file's bytes; None where they are damaged."""
    try:
        found = npz.read(data, _GUESSES, _MOST_IMAGES, packed=True)
    except ArraysError:
        return None
    return Guesses(**found) if max(array.max() for array in found.values()) <= 9 else None


def _bytes(file: Path, most: int, stored_sha256: str | None) -> bytes | None:
    """The file's bytes; None where it cannot be read, is larger than `most` bytes, or has another hash."""
    try:
        data = contents(file, most)
    except OSError:
        return None
    return data if stored_sha256 in (None, sha256(data)) else None
