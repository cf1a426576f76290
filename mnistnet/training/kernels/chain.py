"""Depthwise separable convolutions in a row, trained as one operation.

Layer by layer, such a network passes over each of its maps some thirty times a step, forward and backward, for
a handful of multiplications. As a chain (see compiled.separable) it keeps one array per batch norm.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mnistnet.training.kernels.compiled import activation, separable
from mnistnet.training.kernels.compiled.options import PARTS
from mnistnet.training.kernels.compiled.simd import LANES
from mnistnet.training.kernels.compiled.stem import stem_backward, stem_forward
from mnistnet.training.kernels.folding import FoldedNorm
from mnistnet.training.kernels.layout import (
    Floats,
    group_maps,
    group_weights,
    padded_channels,
    ungroup_maps,
    ungroup_weights,
)


@dataclass(frozen=True)
class Separable:
    """A depthwise separable convolution (3 x 3, then pointwise), batch norm and ReLU."""

    depthwise: nn.Conv2d
    pointwise: nn.Conv2d
    norm: nn.BatchNorm2d


@dataclass(frozen=True)
class Stem:
    """A 3 x 3 convolution of the image, batch norm, ReLU and 2 x 2 max-pool."""

    conv: nn.Conv2d
    norm: nn.BatchNorm2d


class Chain(nn.Module):
    """[A stem,] separable convolutions [, global average], as `pattern.blocks` finds them."""

    def __init__(self, stem: Stem | None, separables: list[Separable], *, averaged: bool) -> None:
        super().__init__()
        self.stem, self.separables, self.averaged = stem, separables, averaged
        layers: list[nn.Module] = [stem.conv, stem.norm] if stem else []
        for one in separables:
            layers += [one.depthwise, one.pointwise, one.norm]
        self.layers = nn.ModuleList(layers)

    @classmethod
    def of(cls, modules: list[nn.Module]) -> Self:
        """In place of modules that `pattern.blocks` calls a chain."""
        rest: list[Any] = list(modules)
        averaged = isinstance(rest[-1], nn.AdaptiveAvgPool2d)
        stem = Stem(rest[0], rest[1]) if isinstance(rest[3], nn.MaxPool2d) else None
        fours = range(4 if stem else 0, len(rest) - averaged, 4)
        return cls(stem, [Separable(*rest[first : first + 3]) for first in fours], averaged=averaged)

    def forward(self, x: Tensor) -> Tensor:
        """x (n, c, h, w), with a stem (n, 1, h, w) and even sides; (n, k, h', w'), or (n, k, 1, 1) of means.

        Arithmetic is float32 whatever autocast says; the result has the type that it asks for.
        """
        out: Tensor = _Chain.apply(x, self, *self.layers.parameters())  # type: ignore[no-untyped-call]
        return out


@dataclass(frozen=True)
class _Step:
    """What the backward pass needs of the forward one."""

    shape: torch.Size
    dtype: torch.dtype
    images: Floats | None  # (n, h * w), where there is a stem
    norms: list[FoldedNorm]
    shares: tuple[Floats, Floats] | None  # see `activation.activate_and_average`


class _Chain(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, chain: Chain, *weights: Tensor) -> Tensor:
        n, _, height, width = x.shape
        images, shares = None, None
        if chain.stem:
            if height % 2 or width % 2 or x.requires_grad:
                raise ValueError(f"{tuple(x.shape)}: a stem takes images with even sides, that need no gradient")
            images = x.detach().float().contiguous().view(n, -1).numpy()
            norms = [_stemmed(chain.stem, images, height, width)]
            height, width = height // 2, width // 2
        else:
            values = group_maps(x)
            norms = [FoldedNorm.identity(values, values.shape[1] // (height * width))]
        for one in chain.separables:
            before, outputs = norms[-1], padded_channels(one.pointwise.out_channels)
            values = np.empty((n, height * width * outputs), np.float32)
            sums = np.empty((PARTS, 2, outputs), np.float32)
            separable.separable_forward(before.values, before.folded, _weights(one), (height, width), values, sums)
            norms.append(FoldedNorm.of(one.norm, values, sums, n * height * width))
        last = norms[-1]
        assert last.norm is not None  # of the stem or of a separable convolution: a chain has one of them
        channels = last.norm.num_features
        if chain.averaged:
            out, passed, weighted = (np.empty((n, len(last.scale)), np.float32) for _ in range(3))
            activation.activate_and_average(last.values, last.folded, height * width, out, passed, weighted)
            shares = passed, weighted
            result = torch.from_numpy(np.ascontiguousarray(out[:, :channels, None, None]))
        else:
            result = torch.empty((n, channels, height, width), memory_format=torch.channels_last)
            pixels = result.permute(0, 2, 3, 1).numpy().reshape(n, height * width, channels)
            activation.activate(last.values, last.folded, height * width, pixels)
        ctx.chain, ctx.step = chain, _Step(x.shape, x.dtype, images, norms, shares)
        ctx.save_for_backward(*weights)
        return result.to(torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        step: _Step = ctx.step
        chain: Chain = ctx.chain
        _ = ctx.saved_tensors  # raises where a weight has changed since: it is read from the layer below
        n, _, height, width = step.shape
        if chain.stem:
            height, width = height // 2, width // 2
        positions, found = height * width, list[Tensor]()
        g, sums = _last_gradient(step, gradients[0], positions)
        for index in reversed(range(len(chain.separables))):
            one, before, after = chain.separables[index], step.norms[index], step.norms[index + 1]
            coefficients, dgamma, dbeta = after.gradients(sums, n * positions)
            weights, dy = _weights(one), np.empty_like(before.values)
            totals = _room_for_sums(weights[0]), _room_for_sums(weights[1])
            sums = np.empty((PARTS, 2, len(before.scale)), np.float32)
            separable.separable_backward(
                before.values, before.folded, weights, (height, width), after.values, after.folded, coefficients, g,
                dy, *totals, sums,
            )  # fmt: skip
            found = [*_weight_gradients(one, *totals), dgamma, dbeta, *found]
            g = dy
        if chain.stem is None:
            dx = ungroup_maps(g, step.shape).to(step.dtype) if ctx.needs_input_grad[0] else None
            return dx, None, *found
        coefficients, dgamma, dbeta = step.norms[0].gradients(sums, n * 4 * positions)
        if step.shares and not chain.separables:
            g = np.repeat(g.reshape(n, -1, 1, LANES), positions, 2).reshape(n, -1)
        return None, None, _stem_gradient(chain.stem, step, coefficients, g), dgamma, dbeta, *found


def _last_gradient(step: _Step, gradient: Tensor, positions: int) -> tuple[Floats, Floats]:
    """The gradient at the last activation, from that at the chain's result, and the sums for the last norm.

    The gradient is grouped; of means it is (n, k): the same at every position. sums (parts, 2, k).
    """
    last = step.norms[-1]
    if step.shares:
        g = np.zeros((len(gradient), len(last.scale)), np.float32)
        g[:, : gradient.shape[1]] = gradient.float().flatten(1).numpy()
        sums = np.stack([(g * share).sum(0, dtype=np.float64) for share in step.shares])[None].astype(np.float32)
        return g / np.float32(positions), sums
    g = group_maps(gradient)
    sums = np.empty((PARTS, 2, len(last.scale)), np.float32)
    activation.gradient_sums(last.values, last.folded, g, positions, sums)
    return g, sums


def _stemmed(stem: Stem, images: Floats, height: int, width: int) -> FoldedNorm:
    """The pooled results of the stem's convolution, with the batch norm that comes before the pooling.

    Batch norm keeps the order of values where its weight is positive, and turns it where it is negative. So
    such channels are computed with the other sign: then the largest of a window is the largest behind the norm.
    (With a weight of exactly 0 all are equal there, and torch would choose the first: another gradient of a kink.)
    """
    sign = np.where(stem.norm.weight.detach().numpy() < 0, np.float32(-1), np.float32(1))
    padded = padded_channels(len(sign))
    values = np.empty((len(images), height // 2 * (width // 2) * padded), np.float32)
    sums = np.empty((PARTS, 2, padded), np.float32)
    stem_forward(images, _stem_weights(stem, sign), (height, width), values, sums)
    return FoldedNorm.of(stem.norm, values, sums, len(images) * height * width, sign)


def _stem_weights(stem: Stem, sign: Floats) -> Floats:
    return group_weights(stem.conv.weight.detach().numpy().reshape(len(sign), 9) * sign[:, None])


def _stem_gradient(stem: Stem, step: _Step, coefficients: Floats, g: Floats) -> Tensor:
    _, _, height, width = step.shape
    norm = step.norms[0]
    assert norm.sign is not None
    weights = _stem_weights(stem, norm.sign)
    totals = _room_for_sums(weights)
    stem_backward(step.images, weights, (height, width), norm.folded, coefficients, g, totals)
    total = ungroup_weights(totals.sum(0), len(norm.sign), 9) * norm.sign[:, None]
    return torch.from_numpy(total.reshape(stem.conv.weight.shape))


def _weights(one: Separable) -> tuple[Floats, Floats]:
    """The depthwise weights (c, 9) and the pointwise ones (k, c), each grouped by its first axis."""
    inputs, outputs = one.pointwise.in_channels, one.pointwise.out_channels
    pointwise = np.zeros((outputs, padded_channels(inputs)), np.float32)
    pointwise[:, :inputs] = one.pointwise.weight.detach().numpy().reshape(outputs, inputs)
    return group_weights(one.depthwise.weight.detach().numpy().reshape(inputs, 9)), group_weights(pointwise)


def _room_for_sums(weights: Floats) -> Floats:
    return np.empty((PARTS, len(weights)), np.float32)


def _weight_gradients(one: Separable, depthwise: Floats, pointwise: Floats) -> tuple[Tensor, Tensor]:
    """The gradients of `_weights` from their sums by parts, in the shapes of the layers' weights."""
    inputs, outputs = one.pointwise.in_channels, one.pointwise.out_channels
    of_depthwise = ungroup_weights(depthwise.sum(0), inputs, 9)
    of_pointwise = ungroup_weights(pointwise.sum(0), outputs, padded_channels(inputs))[:, :inputs]
    return (
        torch.from_numpy(of_depthwise.reshape(one.depthwise.weight.shape)),
        torch.from_numpy(of_pointwise.reshape(one.pointwise.weight.shape).copy()),
    )
