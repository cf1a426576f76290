"""A network's twin that trains faster on a CPU: same parameters, same arithmetic, fewer passes.

Batch norm with the ReLU and dropout beside it becomes one operation (see compiled.batchnorm), max-pool another,
separable convolutions in a row a third (see chain).
Other layers, other devices and evaluation keep torch's own.
"""

from typing import Any

import numpy as np
import torch
from numba import config, set_num_threads
from numpy.typing import NDArray
from torch import Tensor, nn

from mnistnet.nets.network import Dropout
from mnistnet.training.kernels.chain import recognized
from mnistnet.training.kernels.compiled import batchnorm, pooling
from mnistnet.training.kernels.compiled.values import FLOOR


def fused(network: nn.Sequential) -> nn.Sequential:
    """`network` for training on a CPU: shares its parameters and buffers, so both are trained at once."""
    threads = torch.get_num_threads()
    set_num_threads(min(threads, config.NUMBA_NUM_THREADS))
    torch.set_num_threads(threads)  # the first call starts numba's threads, and tells OpenMP their number for all
    modules = list(network)
    parts: list[nn.Module] = []
    while modules:
        part, used = _first(modules, first=not parts)
        parts.append(part)
        del modules[:used]
    return nn.Sequential(*parts)


def _first(modules: list[nn.Module], *, first: bool) -> tuple[nn.Module, int]:
    """What trains in place of the first of `modules`, and in place of how many. `first`: nothing stands before them."""
    for part, used in (recognized(modules, first=first), _normalization(modules)):
        if part:
            return part, used
    if isinstance(modules[0], nn.MaxPool2d) and modules[0].kernel_size == 2:
        return Halving(), 1
    return modules[0], 1


def _normalization(modules: list[nn.Module]) -> tuple["Normalization | None", int]:
    """The operation that the first of `modules` begin, and how many they are; (None, 0) where they begin none."""
    used = 0
    before = isinstance(modules[0], nn.ReLU)
    used += before
    if not (used < len(modules) and isinstance(norm := modules[used], nn.BatchNorm2d)):
        return None, 0
    used += 1
    after = used < len(modules) and isinstance(modules[used], nn.ReLU)
    used += after
    dropout = modules[used] if used < len(modules) else None
    # Single values can be dropped only where a 0 tells backward that nothing passes.
    if isinstance(dropout, nn.Dropout2d) or (isinstance(dropout, Dropout) and after):
        return Normalization(norm, before, after, dropout), used + 1
    return Normalization(norm, before, after, None), used


class Normalization(nn.Module):
    """[ReLU,] batch norm [, ReLU] [, dropout] in training."""

    def __init__(self, norm: nn.BatchNorm2d, before: bool, after: bool, dropout: nn.Module | None) -> None:
        super().__init__()
        self.norm, self.after = norm, after
        self.below = np.float32(0) if before else FLOOR
        self.above = np.float32(0) if after else FLOOR
        self.dropped = round(dropout.p * batchnorm.DRAWS) if isinstance(dropout, Dropout) else 0
        self._kept: NDArray[np.float32] | None = None
        self.channel_rate = dropout.p if isinstance(dropout, nn.Dropout2d) else 0.0

    def forward(self, x: Tensor) -> Tensor:
        """x (n, c, h, w) float32 or bfloat16; the same shape and dtype, channels last."""
        out: Tensor = _Normalize.apply(x, self.norm.weight, self.norm.bias, self)  # type: ignore[no-untyped-call]
        return out

    def kept(self, n: int) -> NDArray[np.float32]:
        """Factors (n, c) of dropout: 0 for a dropped channel, otherwise what keeps the expected value."""
        channels = self.norm.num_features
        if self.channel_rate:
            rate = self.channel_rate
            kept = (torch.rand(n, channels) >= rate).float().div_(1 - rate).numpy()
            return np.ascontiguousarray(kept)
        factor = batchnorm.DRAWS / (batchnorm.DRAWS - self.dropped)
        if self._kept is None or len(self._kept) < n:
            self._kept = np.full((n, channels), factor, np.float32)
        return self._kept


class _Normalize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, layer: Normalization) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        y = torch.empty_like(x)
        norm, keep = layer.norm, layer.kept(len(x))
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        saved = np.empty((2, norm.num_features), np.float32)
        seed = np.uint32(torch.randint(2**31, ()).item()) if layer.dropped else np.uint32(0)
        batchnorm.normalize(
            _rows(x), weight.detach().numpy(), bias.detach().numpy(), norm.running_mean.numpy(),
            norm.running_var.numpy(), norm.momentum, norm.eps, layer.below, layer.above, keep,
            np.uint32(layer.dropped), seed, _rows(y), saved,
        )  # fmt: skip
        norm.num_batches_tracked += 1
        ctx.save_for_backward(x, y, weight)
        ctx.layer, ctx.keep, ctx.saved = layer, keep, saved
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, y, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        dx, dweight, dbias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
        batchnorm.normalize_backward(
            _rows(gradient), _rows(x), _rows(y), weight.detach().numpy(), ctx.saved, ctx.layer.below,
            ctx.layer.after, ctx.keep, _rows(dx), dweight.numpy(), dbias.numpy(),
        )  # fmt: skip
        return dx, dweight, dbias, None


class Halving(nn.Module):
    """nn.MaxPool2d(2) that remembers places as bytes."""

    def forward(self, x: Tensor) -> Tensor:
        """x (n, c, h, w) float32 or bfloat16 to (n, c, h // 2, w // 2)."""
        out: Tensor = _Halve.apply(x)  # type: ignore[no-untyped-call]
        return out


class _Halve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        n, channels, height, width = x.shape
        y = torch.empty((n, channels, height // 2, width // 2), dtype=x.dtype, memory_format=torch.channels_last)
        ctx.places, ctx.shape = np.empty(_pixels(y).shape, np.uint8), x.shape
        pooling.halve(_pixels(x), _pixels(y), ctx.places)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        dx = torch.empty(ctx.shape, dtype=gradient.dtype, memory_format=torch.channels_last)
        height, width = ctx.shape[2:]
        if height % 2 or width % 2:  # the last row or column is in no window
            dx.zero_()
        pooling.halve_backward(_pixels(gradient), ctx.places, _pixels(dx))
        return dx


def _pixels(maps: Tensor) -> NDArray[Any]:
    """Channels-last maps (n, c, h, w) as the (n, h, w, c) array that lies in memory."""
    values = maps.detach().permute(0, 2, 3, 1)
    array: NDArray[Any] = (values.view(torch.uint16) if values.dtype == torch.bfloat16 else values).numpy()
    return array


def _rows(maps: Tensor) -> NDArray[Any]:
    """The same memory as (n, h, w * c)."""
    array = _pixels(maps)
    return array.reshape(*array.shape[:2], -1)
