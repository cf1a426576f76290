"""The compiled kernels, where a training on a CPU uses them, and the layers that they train. Imports no torch.

The kernels are optional: only this module imports their folder. Without the folder, without numba, or with
MNISTNET_KERNELS=off torch's own operations train: slower, with the same results but for rounding and the draws of
dropout. So a run that is resumed under the other is not, bit for bit, the run that was never interrupted.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.summary import Summary

if TYPE_CHECKING:
    from torch import Tensor, nn

SWITCH = "MNISTNET_KERNELS"
Way: TypeAlias = Literal["chain", "compiled", "torch"]
_SWITCHED_OFF: ContextVar[str] = ContextVar("switched_off", default="")


@dataclass(frozen=True)
class FastPath:
    """The way in which each row of a summary trains on a CPU, and the first and last layer (from 0) of each chain.

    "chain": in one operation with its neighbours; "compiled": by a compiled loop of its own; "torch": by torch's own.
    """

    rows: tuple[Way, ...]
    chains: tuple[tuple[int, int], ...] = ()


class Kernels(Protocol):
    """The functions that the package `kernels` offers a training."""

    def accelerate(self, network: "nn.Sequential") -> "nn.Sequential":
        """A network that trains the same parameters in less time."""

    def warp(self, images: "Tensor", theta: "Tensor", bends: "Tensor") -> "Tensor":
        """`augmentation.sampled` in less time."""


@dataclass(frozen=True)
class Loaded:
    """The kernels, or why there are none; `notice`: one line for the run's log, empty where all is as it should be."""

    kernels: Kernels | None
    absence: str = ""
    notice: str = ""


def absence() -> str:
    """Why torch's own operations train here, as far as it is known without importing numba; empty for the kernels."""
    if reason := _SWITCHED_OFF.get():
        return reason
    if (switch := os.environ.get(SWITCH, "")).lower() == "off":
        return f"{SWITCH}={switch}"
    if not _is_there("mnistnet.training.kernels"):
        return "mnistnet/training/kernels is missing"
    return "" if _is_there("numba") else "numba is not installed"


@contextmanager
def switched_off(reason: str) -> Iterator[None]:
    """A context in which torch's own operations train in this thread: a process that serves pages loads no numba."""
    token = _SWITCHED_OFF.set(reason)
    try:
        yield
    finally:
        _SWITCHED_OFF.reset(token)


def cache_folder() -> Path | None:
    """The folder that keeps compiled kernels for other processes; None where there is none."""
    from mnistnet.training.kernels import cache

    return cache.place(cache.FOLDER, os.environ.get("NUMBA_CACHE_DIR", ""))


def sources_digest() -> str:
    """A digest of the kernels' sources: another state of them has another."""
    from mnistnet.training.kernels import cache

    return cache.digest(cache.FOLDER)


def load() -> Loaded:
    """The kernels, tried out; where they cannot be used, why."""
    if reason := absence():
        return _plain(reason)
    return _tried()


@cache
def _tried() -> Loaded:
    try:
        from mnistnet.training import kernels

        is_kept = kernels.check()
    except (ImportError, OSError, RuntimeError) as error:
        return _plain(f"numba cannot be used: {error}".splitlines()[0])
    notice = "" if is_kept else "kernels: compiled for this run alone: no folder can be written that would keep them"
    return Loaded(kernels, notice=notice)


def _plain(reason: str) -> Loaded:
    return Loaded(None, reason, f"kernels: off, torch's own operations train ({reason})")


@cache
def _is_there(module: str) -> bool:
    try:
        spec = find_spec(module)
    except ValueError:  # None stands in its place in sys.modules
        return False
    return spec is not None and spec.origin is not None  # a folder with a cache alone would be a namespace package


def fast_path(architecture: Architecture, summary: Summary) -> FastPath:
    """The fast path of the design, by arithmetic on its layers; of one with a fault, of its part that can be built."""
    if absence():
        plain: Way = "torch"
        return FastPath((plain,) * len(summary.rows))
    from mnistnet.training import kernels

    return kernels.fast_path(architecture, summary)


def described(architecture: Architecture, summary: Summary) -> str:
    """One sentence that says which layers train fast on a CPU, and which do not."""
    if reason := absence():
        return f"On a CPU, all layers train by torch's own operations ({reason})."
    path = fast_path(architecture, summary)
    chained = {layer for first, last in path.chains for layer in range(first, last + 1)}
    rest = {row.layer for row in summary.rows} - chained
    compiled = {row.layer for row, way in zip(summary.rows, path.rows, strict=True) if way == "compiled"} & rest
    said = []
    if path.chains:
        each = " each" if len(path.chains) > 1 else ""
        said.append(f"{_named(path.chains)} train as one compiled operation{each}")
    if compiled:
        where = _named(_spans(compiled))
        said.append(f"batch norm and 2×2 max-pooling are compiled in {where}, the rest is torch's own")
    if plain := rest - compiled:
        said.append(f"{_named(_spans(plain))} {'uses' if len(plain) == 1 else 'use'} torch's own operations")
    return f"On a CPU, {'; '.join(said)}." if said else ""


def _spans(layers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers as spans from a first to a last one."""
    spans: list[tuple[int, int]] = []
    for layer in sorted(layers):
        if spans and spans[-1][1] == layer - 1:
            spans[-1] = spans[-1][0], layer
        else:
            spans.append((layer, layer))
    return spans


def _named(spans: Iterable[tuple[int, int]]) -> str:
    """Spans of layers from 0 as people count them: `layers 1 to 3 and 5`."""
    texts: list[str] = []
    for first, last in spans:
        if last > first + 1:
            texts.append(f"{first + 1} to {last + 1}")
        else:
            texts += [str(layer + 1) for layer in range(first, last + 1)]
    text = " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
    return f"layer {text}" if text.isdigit() else f"layers {text}"
