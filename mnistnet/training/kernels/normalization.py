"""Batch norm with the ReLU and dropout beside it as one compiled operation."""

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnistnet.nets.network import Dropout
from mnistnet.training.kernels.compiled import batchnorm
from mnistnet.training.kernels.compiled.values import NO_FLOOR
from mnistnet.training.kernels.layout import rows


class Normalization(nn.Module):
    """[ReLU,] batch norm [, ReLU] [, dropout] in training."""

    def __init__(self, norm: nn.BatchNorm2d, before: bool, after: bool, dropout: nn.Module | None) -> None:
        """`before`, `after`: a ReLU stands there."""
        super().__init__()
        self.norm, self.after = norm, after
        self.floors = tuple(np.float32(0) if has_relu else NO_FLOOR for has_relu in (before, after))
        self.dropped = round(dropout.p * batchnorm.DRAWS) if isinstance(dropout, Dropout) else 0
        self._kept: NDArray[np.float32] | None = None
        self.channel_rate = dropout.p if isinstance(dropout, nn.Dropout2d) else 0.0

    @classmethod
    def of(cls, modules: list[nn.Module]) -> Self:
        """In place of modules that `pattern.blocks` calls a normalization."""
        place = next(index for index, module in enumerate(modules) if isinstance(module, nn.BatchNorm2d))
        norm, behind = modules[place], modules[place + 1 :]
        assert isinstance(norm, nn.BatchNorm2d)
        after = any(isinstance(module, nn.ReLU) for module in behind)
        dropout = next((module for module in behind if not isinstance(module, nn.ReLU)), None)
        return cls(norm, place == 1, after, dropout)

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
            rows(x), (weight.detach().numpy(), bias.detach().numpy()),
            (norm.running_mean.numpy(), norm.running_var.numpy(), norm.momentum, norm.eps), layer.floors,
            (keep, np.uint32(layer.dropped), seed), rows(y), saved,
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
            rows(gradient), rows(x), rows(y), weight.detach().numpy(), ctx.saved, ctx.layer.floors[0],
            ctx.layer.after, ctx.keep, rows(dx), dweight.numpy(), dbias.numpy(),
        )  # fmt: skip
        return dx, dweight, dbias, None
