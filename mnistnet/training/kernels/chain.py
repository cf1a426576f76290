"""Depthwise separable convolutions in a row, trained as one operation.

Layer by layer, such a network passes over each of its maps some thirty times a step, forward and backward, for
a handful of multiplications. As a chain (see compiled.separable) it keeps one array per batch norm.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mnistnet.training.kernels.compiled import activation, separable
from mnistnet.training.kernels.compiled.lanes import LANES
from mnistnet.training.kernels.compiled.options import PARTS
from mnistnet.training.kernels.compiled.stem import stem_backward, stem_forward
from mnistnet.training.kernels.folding import FoldedNorm
from mnistnet.training.kernels.grouping import Floats, emptied, filled, grouped, ungrouped, whole


@dataclass(frozen=True)
class Link:
    """A depthwise 3 x 3 convolution, a pointwise one, batch norm and ReLU."""

    depthwise: nn.Conv2d
    pointwise: nn.Conv2d
    norm: nn.BatchNorm2d


@dataclass(frozen=True)
class Stem:
    """A 3 x 3 convolution of the image, batch norm, ReLU and 2 x 2 max-pool."""

    conv: nn.Conv2d
    norm: nn.BatchNorm2d


def recognized(modules: list[nn.Module], *, first: bool) -> tuple["Chain | None", int]:
    """The chain that the first of `modules` begin, and how many they are; (None, 0) where they begin none.

    `first`: nothing stands before them. Only there an image comes in, whose sides are even.
    """
    stem, used = _stem(modules) if first else (None, 0)
    links: list[Link] = []
    while link := _link(modules[used : used + 4]):
        links.append(link)
        used += 4
    if not (stem or links):
        return None, 0
    averaged = used < len(modules) and _is_mean(modules[used])
    return Chain(stem, links, averaged=averaged), used + averaged


def _is_mean(module: nn.Module) -> bool:
    return isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1))


def _stem(modules: list[nn.Module]) -> tuple[Stem | None, int]:
    match modules[:4]:
        case [nn.Conv2d() as conv, nn.BatchNorm2d() as norm, nn.ReLU(), nn.MaxPool2d() as pool] if (
            _plain(conv, 3)
            and conv.in_channels == 1
            and (pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode) == (2, 2, 0, False)
        ):
            return Stem(conv, norm), 4
    return None, 0


def _link(modules: list[nn.Module]) -> Link | None:
    match modules:
        case [nn.Conv2d() as depthwise, nn.Conv2d() as pointwise, nn.BatchNorm2d() as norm, nn.ReLU()] if (
            _plain(depthwise, 3, groups=depthwise.in_channels)
            and depthwise.out_channels == depthwise.in_channels
            and _plain(pointwise, 1)
        ):
            return Link(depthwise, pointwise, norm)
    return None


def _plain(conv: nn.Conv2d, kernel: int, groups: int = 1) -> bool:
    """Of this kernel, every position an output, no bias."""
    return (
        conv.kernel_size == (kernel, kernel)
        and conv.padding == (kernel // 2, kernel // 2)
        and conv.stride == (1, 1)
        and conv.dilation == (1, 1)
        and conv.padding_mode == "zeros"
        and conv.groups == groups
        and conv.bias is None
    )


class Chain(nn.Module):
    """A stem, links, and the mean over places, of which any may be missing."""

    def __init__(self, stem: Stem | None, links: list[Link], *, averaged: bool) -> None:
        super().__init__()
        self.stem, self.links, self.averaged = stem, links, averaged
        layers: list[nn.Module] = [stem.conv, stem.norm] if stem else []
        for link in links:
            layers += [link.depthwise, link.pointwise, link.norm]
        self.layers = nn.ModuleList(layers)

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
    shares: tuple[Floats, Floats] | None  # see `activation.means`


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
            values = filled(x)
            norms = [FoldedNorm.none(values, values.shape[1] // (height * width))]
        for link in chain.links:
            before, outputs = norms[-1], whole(link.pointwise.out_channels)
            values = np.empty((n, height * width * outputs), np.float32)
            sums = np.empty((PARTS, 2, outputs), np.float32)
            separable.block(
                before.values, before.scale, before.offset, before.floor, *_weights(link), height, width, values, sums
            )
            norms.append(FoldedNorm.of(link.norm, values, sums, n * height * width))
        last = norms[-1]
        assert last.norm is not None  # of the stem or of a link: a chain has one of them
        channels = last.norm.num_features
        if chain.averaged:
            out, passed, weighted = (np.empty((n, len(last.scale)), np.float32) for _ in range(3))
            activation.means(last.values, last.scale, last.offset, last.floor, height * width, out, passed, weighted)
            shares = passed, weighted
            result = torch.from_numpy(np.ascontiguousarray(out[:, :channels, None, None]))
        else:
            result = torch.empty((n, channels, height, width), memory_format=torch.channels_last)
            pixels = result.permute(0, 2, 3, 1).numpy().reshape(n, height * width, channels)
            activation.activated(last.values, last.scale, last.offset, last.floor, height * width, pixels)
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
        places, found = height * width, list[Tensor]()
        last = step.norms[-1]
        if step.shares:
            g = np.zeros((n, len(last.scale)), np.float32)
            g[:, : gradients[0].shape[1]] = gradients[0].float().flatten(1).numpy()
            sums = np.stack([(g * share).sum(0, dtype=np.float64) for share in step.shares])[None].astype(np.float32)
            g /= places
        else:
            g = filled(gradients[0])
            sums = np.empty((PARTS, 2, len(last.scale)), np.float32)
            activation.all_passing(last.values, last.scale, last.offset, last.floor, g, places, sums)
        for index in reversed(range(len(chain.links))):
            link, before, after = chain.links[index], step.norms[index], step.norms[index + 1]
            coefficients, dgamma, dbeta = after.gradients(sums, n * places)
            slid, mixed = _weights(link)
            dy = np.empty_like(before.values)
            dslid, dmixed = np.empty((PARTS, len(slid)), np.float32), np.empty((PARTS, len(mixed)), np.float32)
            sums = np.empty((PARTS, 2, len(before.scale)), np.float32)
            separable.block_backward(
                before.values, before.scale, before.offset, before.floor, slid, mixed, height, width,
                after.values, after.scale, after.offset, after.floor, coefficients, g, dy, dslid, dmixed, sums,
            )  # fmt: skip
            found[:0] = [*_gradients(link, dslid, dmixed), dgamma, dbeta]
            g = dy
        if chain.stem is None:
            dx = emptied(g, step.shape).to(step.dtype) if ctx.needs_input_grad[0] else None
            return dx, None, *found
        coefficients, dgamma, dbeta = step.norms[0].gradients(sums, n * 4 * places)
        if step.shares and not chain.links:
            g = np.repeat(g.reshape(n, -1, 1, LANES), places, 2).reshape(n, -1)
        found[:0] = [_stem_gradient(chain.stem, step, coefficients, g), dgamma, dbeta]
        return None, None, *found


def _stemmed(stem: Stem, images: Floats, height: int, width: int) -> FoldedNorm:
    """The pooled results of the stem's convolution, with the batch norm that comes before the pooling.

    Batch norm keeps the order of values where its weight is positive, and turns it where it is negative. So
    such channels are computed with the other sign: then the largest of a window is the largest behind the norm.
    (With a weight of exactly 0 all are equal there, and torch would choose the first: another gradient of a kink.)
    """
    sign = np.where(stem.norm.weight.detach().numpy() < 0, np.float32(-1), np.float32(1))
    padded = whole(len(sign))
    values = np.empty((len(images), height // 2 * (width // 2) * padded), np.float32)
    sums = np.empty((PARTS, 2, padded), np.float32)
    stem_forward(images, _stem_weights(stem, sign), height, width, values, sums)
    return FoldedNorm.of(stem.norm, values, sums, len(images) * height * width, sign)


def _stem_weights(stem: Stem, sign: Floats) -> Floats:
    return grouped(stem.conv.weight.detach().numpy().reshape(len(sign), 9) * sign[:, None])


def _stem_gradient(stem: Stem, step: _Step, coefficients: Floats, g: Floats) -> Tensor:
    _, _, height, width = step.shape
    norm = step.norms[0]
    assert norm.sign is not None
    weights = _stem_weights(stem, norm.sign)
    totals = np.empty((PARTS, len(weights)), np.float32)
    stem_backward(step.images, weights, height, width, norm.scale, norm.offset, norm.floor, coefficients, g, totals)
    total = ungrouped(totals.sum(0), len(norm.sign), 9) * norm.sign[:, None]
    return torch.from_numpy(total.reshape(stem.conv.weight.shape))


def _weights(link: Link) -> tuple[Floats, Floats]:
    """The depthwise weights (c, 9) and the pointwise ones (k, c), grouped by their first axis."""
    inputs, outputs = link.pointwise.in_channels, link.pointwise.out_channels
    mixed = np.zeros((outputs, whole(inputs)), np.float32)
    mixed[:, :inputs] = link.pointwise.weight.detach().numpy().reshape(outputs, inputs)
    return grouped(link.depthwise.weight.detach().numpy().reshape(inputs, 9)), grouped(mixed)


def _gradients(link: Link, dslid: Floats, dmixed: Floats) -> tuple[Tensor, Tensor]:
    inputs, outputs = link.pointwise.in_channels, link.pointwise.out_channels
    slid = ungrouped(dslid.sum(0), inputs, 9)
    mixed = ungrouped(dmixed.sum(0), outputs, whole(inputs))[:, :inputs]
    return (
        torch.from_numpy(slid.reshape(link.depthwise.weight.shape)),
        torch.from_numpy(mixed.reshape(link.pointwise.weight.shape).copy()),
    )
