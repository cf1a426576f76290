"""2 x 2 max-pool as one compiled operation."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mnistnet.training.kernels.compiled import pooling
from mnistnet.training.kernels.layout import pixels


class MaxPool2x2(nn.Module):
    """nn.MaxPool2d(2) that keeps the argmax of each window in one byte instead of eight."""

    def forward(self, x: Tensor) -> Tensor:
        """x (n, c, h, w) float32 or bfloat16 to (n, c, h // 2, w // 2)."""
        out: Tensor = _MaxPool.apply(x)  # type: ignore[no-untyped-call]
        return out


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        n, channels, height, width = x.shape
        y = torch.empty((n, channels, height // 2, width // 2), dtype=x.dtype, memory_format=torch.channels_last)
        ctx.argmax, ctx.shape = np.empty(pixels(y).shape, np.uint8), x.shape
        pooling.max_pool(pixels(x), pixels(y), ctx.argmax)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        dx = torch.empty(ctx.shape, dtype=gradient.dtype, memory_format=torch.channels_last)
        height, width = ctx.shape[2:]
        if height % 2 or width % 2:  # the last row or column is in no window
            dx.zero_()
        pooling.max_pool_backward(pixels(gradient), ctx.argmax, pixels(dx))
        return dx
