"""Limits on what runs and pages may use of this machine.

`$MNISTNET_LIMITS` changes them, as in `hours=2,queued=50`. Imports no torch and reads no database.
"""

import os
import shutil
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path

from mnistnet import strict_json, system
from mnistnet.errors import BadInput
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.summary import Summary, require
from mnistnet.runs.store.database import StoreError
from mnistnet.training.recipe import MAX_EPOCHS, Recipe

VARIABLE = "MNISTNET_LIMITS"
_MB = 1024**2
# Peak of a worker with MNIST, torch 2.13.0 on a CPU: 0.65 GB before the first value, then 1.6 to 2.2 times the
# values of a batch at four bytes each (three networks, batches of 128 to 2,048, fp32; bf16 takes less).
_BASE_MB = 700
_COPIES_OF_VALUES = 2.2
_BYTES_PER_PARAMETER = 4 * 5  # weight, average, gradient, two moments
# Evaluation holds a batch of 32 MB of values or one image (training.inference), and copies of them in convolutions.
# A probe of a network holds all values of a batch, 32 MB, or of one image, and about three times that for gradients.
_BATCH_BYTES = 32 * _MB
_COPIES_OF_BATCH = 4


class OverLimit(BadInput):
    """A request exceeds the limits of this machine."""


@dataclass(frozen=True)
class Limits:
    """The limits, each under its name in `$MNISTNET_LIMITS`.

    `queued`: runs that wait at the same time. `epochs`: of one run. `hours`: of one attempt of a run. `free_mb`: MB of
    disk that stay free before a start. `memory_mb`: MB of a worker's memory. `look_seconds`: seconds that a page
    computes from a network before it asks whether to continue.
    """

    queued: int = 1000
    epochs: int = MAX_EPOCHS
    hours: float = 24.0
    free_mb: int = 200
    memory_mb: int = 0  # 0: three quarters of the machine's, or of the container's
    look_seconds: float = 30.0

    @property
    def memory(self) -> int:
        """Bytes that a worker may have."""
        return self.memory_mb * _MB or system.memory() * 3 // 4


def current() -> Limits:
    """The limits in force. Raises OverLimit where the variable cannot be parsed."""
    return _parsed(os.environ.get(VARIABLE, ""))


def seconds_of_an_attempt() -> float:
    """The seconds that a worker may train; the default where the variable cannot be parsed, so that it goes on."""
    try:
        return current().hours * 3600
    except OverLimit:
        return Limits.hours * 3600


@cache
def _parsed(text: str) -> Limits:
    limits = Limits()
    known = {field.name: type(getattr(limits, field.name)) for field in fields(limits)}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            number = known[name](value) if value.isascii() else 0
            if not 0 < number < 1e9 or (name == "epochs" and number > MAX_EPOCHS):
                raise ValueError
        except (KeyError, ValueError):
            raise OverLimit(
                f"{VARIABLE}: {strict_json.shown(part)}: write NAME=NUMBER, names {', '.join(known)} (epochs at most "
                f"{MAX_EPOCHS}), as in hours=2"
            ) from None
        limits = replace(limits, **{name: number})
    return limits


def require_allowed(architecture: Architecture, recipe: Recipe) -> None:
    """OverLimit for a run that would take too long or too much memory; DesignError for one that cannot be built."""
    limits, needed = current(), memory_needed(architecture, recipe)
    if recipe.epochs > limits.epochs:
        raise OverLimit(f"epochs {recipe.epochs}: at most {limits.epochs} are allowed here; choose fewer")
    if needed > limits.memory:
        raise OverLimit(
            f"batch size {recipe.batch_size}: training this network needs about {needed / 1e9:.1f} GB of memory: at "
            f"most {limits.memory / 1e9:.1f} GB are allowed here; choose a smaller batch or fewer channels"
        )


def memory_needed(architecture: Architecture, recipe: Recipe) -> int:
    """The peak memory of a worker, bytes, estimated."""
    summary = require(architecture)
    values = summary.values * recipe.batch_size * 4
    return round(
        _BASE_MB * _MB + _COPIES_OF_VALUES * values + _batch_memory(summary) + summary.params * _BYTES_PER_PARAMETER
    )


def _batch_memory(summary: Summary) -> int:
    """Bytes that the evaluation of a batch outside training takes, or that of its activations and gradients."""
    return _COPIES_OF_BATCH * max(_BATCH_BYTES, summary.values * 4)


def require_memory_for_probe(architecture: Architecture) -> None:
    """OverLimit for a network whose activations and gradients take too much memory; DesignError as above."""
    summary, allowed = require(architecture), current().memory
    needed = _BASE_MB * _MB + _batch_memory(summary) + summary.params * _BYTES_PER_PARAMETER
    if needed > allowed:
        raise OverLimit(
            f"design {strict_json.shown(architecture.name)}: looking into this network needs about "
            f"{needed / 1e9:.1f} GB of memory: at most {allowed / 1e9:.1f} GB are allowed here; choose fewer channels "
            f"or raise memory_mb in {VARIABLE}"
        )


def require_room(root: Path) -> None:
    """StoreError where the disk of `root` has less free space than the limits demand."""
    free, least = free_bytes(root) // _MB, current().free_mb
    if free < least:
        raise StoreError(
            f"{root}: {free} MB free: at least {least} MB are needed; free some space or choose another MNISTNET_STORE"
        )


def free_bytes(place: Path) -> int:
    """Free bytes of the disk that `place` is on, or would be on once it is made."""
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
