"""The checkpoint of an epoch: written completely or not at all, and refused where a single bit has changed."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from mnistnet import strict_json
from mnistnet.runs.files import torch_zip
from mnistnet.runs.files.atomic import write_atomic
from mnistnet.runs.files.names import CHECKPOINT, START
from mnistnet.runs.files.torch_zip import StateError
from mnistnet.runs.files.verified import CheckpointError as CheckpointError
from mnistnet.runs.files.verified import verified
from mnistnet.runs.run import EpochMetrics
from mnistnet.training.precision import PRECISIONS

GENERATIONS = 3
Weights: TypeAlias = Mapping[str, Tensor]


def save(folder: Path, epoch: int, state: Mapping[str, Any]) -> tuple[str, str]:
    """Write `state` as this epoch's checkpoint; returns its file name and sha256.

    Once this returns, the file survives a power cut (temporary file, fsync, rename, fsync of the folder).
    Raises WriteError where the disk does not take it; the earlier checkpoints are untouched.
    """
    data, name = pack(state), name_of(epoch)
    write_atomic(folder / name, data)
    return name, hashlib.sha256(data).hexdigest()


def pack(state: Mapping[str, Any]) -> bytes:
    """The bytes of the file of a checkpoint."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return buffer.getvalue()


def load(folder: Path, metrics: EpochMetrics, like: Weights | None = None) -> dict[str, Any]:
    """The state saved with `metrics`, of a network whose weights are `like` these in names, types and shapes.

    Raises CheckpointError where the bytes are not those that were hashed, or are no such state.
    """
    path = folder / metrics.checkpoint
    if not CHECKPOINT.fullmatch(metrics.checkpoint):
        raise CheckpointError(f"{strict_json.shown(metrics.checkpoint)}: no name of a checkpoint")
    return unpack(path, verified(path, metrics.checkpoint_sha256), metrics.epoch, like)


def unpack(place: Path, data: bytes, epoch: int, like: Weights | None = None) -> dict[str, Any]:
    """The state after `epoch` in a file's bytes; `place` names them in the message. `like` and errors as of `load`."""
    state = _unpacked(place, data)
    if like is not None and not (_fits(state, like) and state["epoch"] == epoch):
        raise CheckpointError(f"{place}: not the state of this network after epoch {epoch}")
    return state


def start_weights(folder: Path, sha256: str, like: Weights) -> Weights:
    """The weights that a run starts from, those that another run ended with. Raises CheckpointError as `load`."""
    path = folder / START
    state = _unpacked(path, verified(path, sha256))
    if not _fits(state, like):
        raise CheckpointError(f"{path}: not the state of this network")
    weights: Weights = state["kept"]
    return weights


def _unpacked(path: Path, data: bytes) -> dict[str, Any]:
    try:
        return torch_zip.load(data)
    except StateError as error:
        raise CheckpointError(f"{path}: no checkpoint ({strict_json.shown(str(error))})") from None


def newest(
    folder: Path, epochs: Iterable[EpochMetrics], like: Weights | None = None
) -> tuple[EpochMetrics, dict[str, Any]] | None:
    """The latest epoch whose checkpoint can be loaded, and its state; None where there is none. `like` as in `load`."""
    return next(whole(folder, epochs, like), None)


def whole(
    folder: Path, epochs: Iterable[EpochMetrics], like: Weights | None = None
) -> Iterator[tuple[EpochMetrics, dict[str, Any]]]:
    """Every epoch whose checkpoint can be loaded, with its state, the latest first."""
    for metrics in sorted(epochs, key=lambda row: row.epoch, reverse=True):
        with suppress(CheckpointError):
            yield metrics, load(folder, metrics, like)


def _fits(state: dict[str, Any], like: Weights) -> bool:
    shapes = {value.shape for value in like.values()} | {torch.Size([])}
    return (
        state.keys() - {"precision"} == {"epoch", "network", "kept", "optimizer"}
        and state.get("precision", "fp32") in PRECISIONS
        and type(state["epoch"]) is int
        and _are_like(state["network"], like)
        and _are_like(state["kept"], like)
        and isinstance(state["optimizer"], dict)
        and all(value.shape in shapes for value in torch_zip.tensors(state["optimizer"]))
    )


def _are_like(weights: Any, like: Weights) -> bool:
    """True where `weights` have the names, types and shapes of `like`, and finite values."""
    return (
        isinstance(weights, dict)
        and weights.keys() == like.keys()
        and all(
            isinstance(value, Tensor)
            and (value.shape, value.dtype) == (like[name].shape, like[name].dtype)
            and bool(value.isfinite().all())
            for name, value in weights.items()
        )
    )


def sweep(folder: Path, epoch: int) -> None:
    """Remove all checkpoints but the newest up to `epoch`, and temporary files that a killed process left.

    Checkpoints of later epochs were damaged when training went back to this one: kept, they would count as newest.
    """
    names = [name_of(number) for number in range(max(1, epoch - GENERATIONS + 1), epoch + 1)]
    for path in [*folder.glob("*.part"), *folder.glob("epoch-*.pt")]:
        if path.name not in names:
            path.unlink(missing_ok=True)


def name_of(epoch: int) -> str:
    """The name of the file of an epoch, from 1."""
    return f"epoch-{epoch:04d}.pt"


def weights_sha256(weights: Mapping[str, Tensor]) -> str:
    """sha256 of names, dtypes, shapes and values, in the order of names: independent of any container."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
