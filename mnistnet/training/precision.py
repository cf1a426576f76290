"""The precision of the forward pass of a training: float32 or bfloat16.

`auto` on a CPU is decided by a measurement, once for each processor and torch: some processors that multiply bfloat16
themselves do it more slowly than float32. A file in the user's cache keeps what was found.
"""

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from mnistnet import strict_json, system

Precision: TypeAlias = Literal["fp32", "bf16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

_BATCH, _ROUNDS, _MOST_SECONDS = 64, 6, 0.5
# Input channels, output channels and side of 3x3 convolutions as the presets have them.
_CONVOLUTIONS = ((16, 16, 28), (16, 32, 14), (32, 32, 7))
# A smaller gain of bfloat16 is within what a measurement beside other work can tell: float32 is more precise.
_GAIN = 1.05


def precision_of(asked: Literal["auto", "fp32", "bf16"], device: torch.device) -> Precision:
    """The precision of a training on `device` for what its recipe asks.

    `auto` on a GPU: bf16 where the hardware multiplies it; on a CPU that does: the faster one, measured in less than
    a second where no file says it.
    """
    if asked != "auto":
        return asked
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return _of_this_machine() if torch.cpu._is_avx512_bf16_supported() else "fp32"


def _of_this_machine() -> Precision:
    key = {"processor": system.processor(), "torch": torch.__version__}
    name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
    folder = next(filter(system.is_writable, system.cache_folders()), None)
    file = folder / f"precision-{name}.json" if folder else None
    if file and (kept := _kept(file, key)):
        return kept
    seconds = measured()
    found: Precision = "bf16" if seconds["bf16"] * _GAIN < seconds["fp32"] else "fp32"
    if file:
        with suppress(OSError):
            system.put(file, json.dumps({**key, "precision": found, "seconds": seconds}, indent=2).encode())
    return found


def _kept(file: Path, key: dict[str, Any]) -> Precision | None:
    """The precision in the file; None where there is no such file, or it is not one for this key."""
    with suppress(OSError, ValueError):
        value = strict_json.parse(strict_json.contents(file))
        if isinstance(value, dict) and value.items() >= key.items():
            return next((precision for precision in PRECISIONS if precision == value.get("precision")), None)
    return None


def measured() -> dict[Precision, float]:
    """CPU seconds of one thread for a few convolutions, forward and backward, in each precision, in turns.

    Two threads wait for each other where others use the cores: there, the ratio of the two precisions differed by 40 %
    from one measurement to the next, and on one thread by 4 %.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measured()
    finally:
        torch.set_num_threads(threads)


def _measured() -> dict[Precision, float]:
    random = torch.Generator().manual_seed(1)
    layers = [
        (_tensor((_BATCH, inputs, side, side), random), _tensor((outputs, inputs, 3, 3), random))
        for inputs, outputs, side in _CONVOLUTIONS
    ]
    for precision in PRECISIONS:
        _convolve(layers, precision)  # the first call prepares what later ones use again
    seconds: dict[Precision, float] = dict.fromkeys(PRECISIONS, 0.0)
    end = time.monotonic() + _MOST_SECONDS
    for _ in range(_ROUNDS):
        for precision in PRECISIONS:
            started = time.thread_time()
            _convolve(layers, precision)
            seconds[precision] += time.thread_time() - started
        if time.monotonic() > end:
            break
    return seconds


def _tensor(shape: tuple[int, ...], random: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=random).contiguous(memory_format=torch.channels_last).requires_grad_()


def _convolve(layers: list[tuple[Tensor, Tensor]], precision: Precision) -> None:
    for maps, weights in layers:
        with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            answers = F.conv2d(maps, weights, padding=1)
        torch.autograd.grad(answers, (maps, weights), torch.ones_like(answers))
