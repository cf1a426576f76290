"""A batch norm and the ReLU behind it folded into one scale and one offset a channel, for the loops of a chain."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from mnistnet.training.kernels.compiled import moments
from mnistnet.training.kernels.compiled.values import NO_FLOOR
from mnistnet.training.kernels.layout import Floats


@dataclass(frozen=True)
class FoldedNorm:
    """What batch norm and ReLU do to `values` in one training step: max(values * scale + offset, floor).

    Arrays are in groups of channels, padded (see `layout`).
    """

    values: Floats  # (n, c * positions)
    scale: Floats  # (c,)
    offset: Floats  # (c,)
    floor: np.float32
    norm: nn.BatchNorm2d | None = None  # None: the identity
    saved: Floats | None = None  # (2, channels) for the backward pass
    sign: Floats | None = None  # (channels,): values are those of the network times it

    @classmethod
    def of(cls, norm: nn.BatchNorm2d, values: Floats, sums: Floats, count: int, sign: Floats | None = None) -> Self:
        """From the sums (parts, 2, c) of the `count` values of each channel; updates the running statistics."""
        channels, padded = norm.num_features, sums.shape[2]
        scale, offset = np.zeros(padded, np.float32), np.zeros(padded, np.float32)
        saved = np.empty((2, channels), np.float32)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        gamma, mean = norm.weight.detach().numpy(), norm.running_mean.numpy()
        if sign is not None:
            gamma, mean = gamma * sign, mean * sign
        moments.normalizer(
            sums, 1, count, (gamma, norm.bias.detach().numpy()),
            (mean, norm.running_var.numpy(), norm.momentum, norm.eps), saved, scale, offset,
        )  # fmt: skip
        if sign is not None:
            norm.running_mean.copy_(torch.from_numpy(mean * sign))
        norm.num_batches_tracked += 1
        return cls(values, scale, offset, np.float32(0), norm, saved, sign)

    @classmethod
    def identity(cls, values: Floats, channels: int) -> Self:
        """No norm and no ReLU: what leaves values as they are."""
        return cls(values, np.ones(channels, np.float32), np.zeros(channels, np.float32), NO_FLOOR)

    @property
    def folded(self) -> tuple[Floats, Floats, np.float32]:
        """Scale, offset and floor, as the compiled loops take them."""
        return self.scale, self.offset, self.floor

    def gradients(self, sums: Floats, count: int) -> tuple[Floats, Tensor, Tensor]:
        """Coefficients (3, c) of the gradient at the values; the gradients of the norm's weight and bias.

        sums (parts, 2, c): of the gradients behind the norm and of their products with the values.
        """
        assert self.norm is not None
        weight = self.norm.weight.detach()
        gamma = weight.numpy() if self.sign is None else weight.numpy() * self.sign
        dgamma, dbeta = torch.empty_like(weight), torch.empty_like(weight)
        coefficients = np.zeros((3, len(self.scale)), np.float32)
        moments.normalizer_backward(sums, 1, count, gamma, self.saved, dgamma.numpy(), dbeta.numpy(), coefficients)
        if self.sign is not None:
            dgamma *= torch.from_numpy(self.sign)
        return coefficients, dgamma, dbeta
