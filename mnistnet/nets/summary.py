"""Shapes, parameters, multiply-accumulates and receptive fields, in closed form.

Plain integers, exact at any size; knows no torch and no budget. Maps are square throughout.
Receptive field arithmetic: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional
Neural Networks", Distill 2019 (size, jump and start of each layer from those of the layer before).
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from mnistnet.nets.architecture import (
    Architecture,
    AvgPool,
    Conv,
    Depthwise,
    DesignError,
    Dropout,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
)

IMAGE_SIZE = 28
CLASSES = 10
# Far above any design of this size, far below what would exhaust a machine.
_MOST = {
    "params": (5_000_000, "parameters"),
    "macs": (1_000_000_000, "multiply-accumulates"),
    "values": (5_000_000, "values between layers"),
}


@dataclass(frozen=True)
class Span:
    """Pixels from `start` up to, not including, `stop` along one axis, clipped to the image."""

    start: int
    stop: int


_WHOLE, _NOTHING = Span(0, IMAGE_SIZE), Span(0, 0)


@dataclass(frozen=True)
class LayerSummary:
    """One operation of the network and what leaves it: the layer table's row.

    `size` is the map's height and width in units; `field`, `jump` and `first` are in image pixels:
    unit i along one axis sees the pixels from first + i * jump, `field` of them. `first` is negative
    where padding belongs to the field. `before` is the row whose map the operation reads.
    """

    layer: int
    type: str
    channels: int
    size: int
    params: int
    macs: int
    field: int
    jump: int
    first: int
    flat: bool = False
    before: "LayerSummary | None" = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Output shape (channels, height, width)."""
        return self.channels, self.size, self.size

    @property
    def values(self) -> int:
        """How many numbers leave this operation for one image."""
        return self.channels * self.size * self.size

    @cached_property
    def windows(self) -> tuple[Span, ...]:
        """For each unit along one axis, the pixels that have a way to it: the hull of what it reads.

        Less than `field` where the image ends, where pooling drops the far edge, and none at all where
        a unit reads nothing but padding.
        """
        if not self.before:
            return tuple(Span(pixel, pixel + 1) for pixel in range(self.size))
        unit = self.before.jump
        kernel = (self.field - self.before.field) // unit + 1
        stride, padding = self.jump // unit, (self.before.first - self.first) // unit
        return tuple(_hull(self.before.windows, place * stride - padding, kernel) for place in range(self.size))

    @property
    def covers_image(self) -> bool:
        """Whether one unit sees the whole image, wherever it stands."""
        return all(span == _WHOLE for span in self.windows)


def _hull(windows: tuple[Span, ...], start: int, count: int) -> Span:
    read = [span for span in windows[max(0, start) : max(0, start + count)] if span != _NOTHING]
    return Span(read[0].start, read[-1].stop) if read else _NOTHING


@dataclass(frozen=True)
class Fault:
    """Why a layer cannot stand where it stands."""

    layer: int
    message: str


@dataclass(frozen=True)
class Summary:
    """The rows of a design, as far as it can be built, and the first fault if there is one."""

    rows: tuple[LayerSummary, ...]
    fault: Fault | None

    @property
    def is_whole(self) -> bool:
        """Whether every layer has its rows; else counts are those of the part that can be built."""
        return self.fault is None or bool(self.of_layer(self.fault.layer))

    @property
    def params(self) -> int:
        """Trainable parameters of the rows."""
        return sum(row.params for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of convolutions and linear layers for one image."""
        return sum(row.macs for row in self.rows)

    @property
    def values(self) -> int:
        """Numbers that leave the rows for one image."""
        return sum(row.values for row in self.rows)

    @property
    def field(self) -> int:
        """Receptive field of the last row, in pixels, not clipped to the image."""
        return self.rows[-1].field if self.rows else 1

    def of_layer(self, layer: int) -> tuple[LayerSummary, ...]:
        """The rows that layer number `layer` (from 0) became."""
        return tuple(row for row in self.rows if row.layer == layer)


class _Impossible(Exception):  # noqa: N818 - never leaves this module
    pass


_INPUT = LayerSummary(layer=-1, type="input", channels=1, size=IMAGE_SIZE, params=0, macs=0, field=1, jump=1, first=0)


def summarize(architecture: Architecture) -> Summary:
    """The design's rows in order, batch norm, dropout and pooling as their own; ReLU has none.

    Never raises: an impossible layer ends the summary and becomes its fault. A design that is monstrously
    large, or does not end in 10 values, has all its rows and a fault on its largest or last layer.
    """
    rows: list[LayerSummary] = []
    state = _INPUT
    for index, layer in enumerate(architecture.layers):
        try:
            for row in _ROWS[type(layer)](state, layer):
                state = replace(row, layer=index)
                rows.append(state)
        except _Impossible as error:
            return Summary(tuple(rows), Fault(index, str(error)))
    return Summary(tuple(rows), _monstrous(rows) or _ending(state, len(architecture.layers) - 1))


def require(architecture: Architecture) -> Summary:
    """The summary of a design without fault; DesignError names the layer otherwise."""
    result = summarize(architecture)
    if result.fault:
        raise DesignError(f"layers.{result.fault.layer}: {result.fault.message}")
    return result


def window(row: LayerSummary, unit: int) -> Span:
    """The pixels that unit `unit` (0 to row.size - 1) of `row` can see along one axis, first to last."""
    return row.windows[unit]


def _monstrous(rows: list[LayerSummary]) -> Fault | None:
    for count, (most, what) in _MOST.items():
        counts = [getattr(row, count) for row in rows]
        if sum(counts) > most:
            largest = rows[counts.index(max(counts))]
            message = f"{sum(counts):,} {what}, most of them here: at most {most:,} are allowed; choose fewer channels"
            return Fault(largest.layer, message)
    return None


def _ending(last: LayerSummary, layer: int) -> Fault | None:
    if last.values == CLASSES:
        return None
    shape = "×".join(map(str, last.shape))
    remedy = (
        "add a global average pool"
        if last.size > 1 and last.channels == CLASSES
        else "end with a 10-channel convolution and a global average pool"
    )
    return Fault(layer, f"the output is {shape} = {last.values:,} values: 10 are needed; {remedy}")


def _conv(before: LayerSummary, conv: Conv | Depthwise) -> list[LayerSummary]:
    if before.flat:
        raise _Impossible("a convolution cannot follow a linear layer; move it before")
    room = before.size + 2 * conv.padding
    if conv.kernel > room:
        raise _Impossible(
            f"a {conv.kernel}×{conv.kernel} kernel does not fit on a {before.size}×{before.size} map with padding "
            f"{conv.padding}: choose a kernel of at most {room}, more padding, or less pooling before it"
        )
    size = (room - conv.kernel) // conv.stride + 1
    inputs, channels = (before.channels, conv.channels) if isinstance(conv, Conv) else (1, before.channels)
    weights = conv.kernel**2 * inputs * channels
    state = replace(
        before,
        type=conv.kind,
        channels=channels,
        size=size,
        params=weights + (channels if conv.bias else 0),
        macs=weights * size**2,
        field=before.field + (conv.kernel - 1) * before.jump,
        jump=before.jump * conv.stride,
        first=before.first - conv.padding * before.jump,
        before=before,
    )
    steps = [
        replace(state, type=step, params=2 * channels if step == "batchnorm" else 0, macs=0)
        for step in conv.after
        if step != "relu"
    ]
    return [state, *steps]


def _pool(before: LayerSummary, pool: MaxPool | AvgPool) -> list[LayerSummary]:
    if before.flat:
        raise _Impossible("pooling cannot follow a linear layer; move it before")
    if pool.size > before.size:
        raise _Impossible(
            f"{pool.size}×{pool.size} pooling does not fit on a {before.size}×{before.size} map: "
            f"choose a size of at most {before.size}, or remove it"
        )
    return [_pooled(before, pool.kind, pool.size)]


def _global_pool(before: LayerSummary, pool: GlobalAvgPool) -> list[LayerSummary]:
    if before.flat:
        raise _Impossible("global average pooling cannot follow a linear layer; move it before")
    return [_pooled(before, pool.kind, before.size)]


def _pooled(before: LayerSummary, kind: str, size: int) -> LayerSummary:
    return replace(
        before,
        type=kind,
        size=before.size // size,
        params=0,
        macs=0,
        field=before.field + (size - 1) * before.jump,
        jump=before.jump * size,
        before=before,
    )


def _dropout(before: LayerSummary, dropout: Layer) -> list[LayerSummary]:
    if before.flat and not isinstance(dropout, Dropout):
        raise _Impossible("dropout of whole channels cannot follow a linear layer; choose plain dropout")
    return [replace(before, type=dropout.kind, params=0, macs=0)]


def _linear(before: LayerSummary, linear: Linear) -> list[LayerSummary]:
    weights = before.values * linear.features
    return [
        replace(
            _pooled(before, "linear", before.size),
            channels=linear.features,
            params=weights + (linear.features if linear.bias else 0),
            macs=weights,
            flat=True,
        )
    ]


_ROWS: dict[type, Callable[..., list[LayerSummary]]] = {
    Conv: _conv,
    Depthwise: _conv,
    MaxPool: _pool,
    AvgPool: _pool,
    GlobalAvgPool: _global_pool,
    Linear: _linear,
}
_ROWS |= {kind: _dropout for kind in Layer.__args__ if kind not in _ROWS}
