"""Samples of a training within its epochs, for the eye alone: a file in the run's folder, never synced.

Nothing depends on it. It may be lost or damaged at any time, and what cannot be written is not. Knows no torch.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnistnet.runs.files.contents import contents
from mnistnet.runs.files.names import SAMPLES
from mnistnet.training.progress import BatchDone, Sums

MOST_BYTES = 200_000
SECONDS = 0.4  # between two samples at first: more than two a second
_SLOWER_EVERY = 1500  # samples; then the time between two doubles: the file suffices for 20 hours
_MOST_EPOCHS, _MOST_STEPS = 1000, 1_000_000  # far above any run: what is larger was not written by a worker
_FORM = np.dtype([("epoch", "<u4"), ("step", "<u4"), ("steps", "<u4"), ("loss", "<f4"), ("accuracy", "<f4")])


@dataclass(frozen=True)
class Sample:
    """The mean loss (nats) and the accuracy (0 to 1) of the batches trained on between two samples.

    `position`: epochs trained when it was taken, 0.5 in the middle of the first.
    """

    position: float
    loss: float
    accuracy: float


def read(folder: Path) -> list[Sample]:
    """The samples in a run's folder, in order; those that no worker could have written are left out.

    Empty where there is no file, it cannot be read, or it is larger than a worker makes it.
    """
    return [
        Sample(float(row["epoch"] - 1 + row["step"] / row["steps"]), float(row["loss"]), float(row["accuracy"]))
        for row in _rows(folder)
    ]


def thinned(samples: list[Sample], most: int) -> list[Sample]:
    """At most `most` samples: the means of as many consecutive ones as needed."""
    together = -(-len(samples) // most)
    return [_mean(samples[start : start + together]) for start in range(0, len(samples), together)] if samples else []


class Sampler:
    """Writes samples of a training into the run's folder, from epoch `epoch` on; later ones there are removed.

    Never raises: where the file cannot be written, it writes none. `clock` gives seconds.
    """

    def __init__(self, folder: Path, epoch: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._file = clock, folder / SAMPLES
        self._due, self._before, self._epoch = 0.0, Sums(), 0
        self._written: int | None = None
        with suppress(OSError):
            self._written = _keep_until(folder, epoch)

    def take(self, progress: BatchDone, sums: Callable[[], Sums]) -> None:
        """Write a sample where one is due. `sums`: the sums of the epoch so far, asked for then alone."""
        now = self._clock()
        if self._written is None or now < self._due or (self._written + 1) * _FORM.itemsize > MOST_BYTES:
            return
        self._due = now + SECONDS * 2 ** (self._written // _SLOWER_EVERY)
        so_far = sums()
        before = self._before if progress.epoch == self._epoch else Sums()
        images = so_far.images - before.images
        self._before, self._epoch = so_far, progress.epoch
        loss, accuracy = (so_far.loss - before.loss) / images, (so_far.right - before.right) / images
        row = np.array([(progress.epoch, progress.step, progress.steps, loss, accuracy)], _FORM)
        try:
            _append(self._file, row.tobytes())
            self._written += 1
        except OSError:  # a full disk, a folder that may not be written to: the training goes on without
            self._written = None


def _append(file: Path, data: bytes) -> None:
    # Never made anew: a folder that is being deleted must stay empty.
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)


def _keep_until(folder: Path, epoch: int) -> int:
    """Rewrite the file with the samples up to the end of `epoch`; how many they are. Raises OSError."""
    rows = _rows(folder)
    kept = rows[rows["epoch"] <= epoch]
    (folder / SAMPLES).unlink(missing_ok=True)
    (folder / SAMPLES).write_bytes(kept.tobytes())
    return len(kept)


def _rows(folder: Path) -> npt.NDArray[np.void]:
    try:
        data = contents(folder / SAMPLES, MOST_BYTES)
    except OSError:
        return np.empty(0, _FORM)
    rows = np.frombuffer(data[: len(data) // _FORM.itemsize * _FORM.itemsize], _FORM)
    sound = (rows["epoch"] >= 1) & (rows["epoch"] <= _MOST_EPOCHS) & (rows["step"] >= 1)
    sound &= (rows["step"] <= rows["steps"]) & (rows["steps"] <= _MOST_STEPS)
    sound &= np.isfinite(rows["loss"]) & (rows["loss"] >= 0) & (rows["accuracy"] >= 0) & (rows["accuracy"] <= 1)
    rows = rows[sound]
    places = rows["epoch"].astype(np.int64) * (_MOST_STEPS + 1) + rows["step"]
    furthest = np.maximum.accumulate(places) if len(places) else places
    return rows[np.r_[True, places[1:] > furthest[:-1]]] if len(rows) else rows


def _mean(samples: list[Sample]) -> Sample:
    count = len(samples)
    return Sample(
        samples[-1].position, sum(one.loss for one in samples) / count, sum(one.accuracy for one in samples) / count
    )
