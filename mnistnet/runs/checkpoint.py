"""One file an epoch: written whole or not at all, and refused where a single bit has changed."""

import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mnistnet.errors import SaveFailed
from mnistnet.runs.durable import write_whole
from mnistnet.runs.run import Metrics

GENERATIONS = 3


class CheckpointError(SaveFailed):
    """A checkpoint that is missing or damaged."""


def save(folder: Path, epoch: int, state: Mapping[str, Any]) -> tuple[str, str]:
    """Write `state` as this epoch's checkpoint; its file name and sha256.

    Temporary file, fsync, rename, fsync of the folder: after this returns, power may fail.
    Raises NotSaved where the disk does not take it; the earlier checkpoints are untouched.
    """
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    data = buffer.getvalue()
    name = _name(epoch)
    write_whole(folder / name, data)
    return name, hashlib.sha256(data).hexdigest()


def load(folder: Path, metrics: Metrics) -> dict[str, Any]:
    """The state saved with `metrics`; CheckpointError where its bytes are not those that were hashed."""
    path = folder / metrics.checkpoint
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != metrics.checkpoint_sha256:
        raise CheckpointError(f"{path}: not the bytes that were written: damaged")
    state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return state


def newest(folder: Path, epochs: Iterable[Metrics]) -> tuple[Metrics, dict[str, Any]] | None:
    """The latest epoch whose checkpoint is whole, and its state; None where no epoch has one."""
    for metrics in sorted(epochs, key=lambda row: row.epoch, reverse=True):
        try:
            return metrics, load(folder, metrics)
        except CheckpointError:
            continue
    return None


def sweep(folder: Path, epoch: int) -> None:
    """Remove all but the newest generations up to `epoch`, and temporaries that a killed writer left.

    Later ones were damaged when training went back to before them: kept, they would pass for the newest.
    """
    names = [_name(number) for number in range(max(1, epoch - GENERATIONS + 1), epoch + 1)]
    for path in [*folder.glob("*.part"), *folder.glob("epoch-*.pt")]:
        if path.name not in names:
            path.unlink(missing_ok=True)


def _name(epoch: int) -> str:
    return f"epoch-{epoch:04d}.pt"


def weights_sha256(weights: Mapping[str, Tensor]) -> str:
    """sha256 of names, dtypes, shapes and values, in the order of names: independent of any container."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
