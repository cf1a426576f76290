"""Shapes, parameters, multiply-accumulates and receptive fields of a design, layer by layer, in closed form.

Plain integers, exact at any size; what a layer type computes, layer_types says. Knows no torch and no budget. Maps are
square. Receptive field arithmetic: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
Networks", Distill 2019 (size, jump and start of each layer from those of the layer before).
"""

import dataclasses
from dataclasses import dataclass
from functools import cached_property

from mnistnet.nets.architecture import Architecture, DesignError
from mnistnet.nets.layer_types import LAYER_TYPES, STEP_TYPES, LayerType, Operation

IMAGE_SIZE = 28
CLASSES = 10
# Far above any design of this size, far below what would exhaust a machine.
LIMITS = {
    "params": (5_000_000, "parameters"),
    "macs": (1_000_000_000, "multiply-accumulates"),
    "values": (5_000_000, "values between layers"),
}
# What a fault of the whole design says; that of one layer is in its LayerType.
FAULTS = {
    "too_many": "{total} {noun}, most of them here: at most {limit} are allowed; choose fewer channels",
    "output": "the output is {shape} = {values} values: 10 are needed; {remedy}",
    "add_average": "add a global average pool",
    "add_head": "end with a 10-channel convolution and a global average pool",
}


@dataclass(frozen=True)
class Span:
    """The pixels of the image from `start` up to, not including, `stop` along one axis."""

    start: int
    stop: int


_WHOLE, _NOTHING = Span(0, IMAGE_SIZE), Span(0, 0)


@dataclass(frozen=True)
class LayerSummary:
    """One operation of the network and its output: a row of the layer table.

    `layer` counts the design's layers from 0; `type` is a layer's type or a step. `size` is the output map's height
    and width in units; `params` are trainable, `macs` multiply-accumulates for one image. `field`, `jump` and
    `offset` are in image pixels: along one axis, unit i depends on `field` pixels, from offset + i * jump on.
    `offset` is negative where padding belongs to the receptive field. `flat`: the output is a vector of `channels`
    values. `before` is the row whose output the operation reads.
    """

    layer: int
    type: str
    channels: int
    size: int
    params: int
    macs: int
    field: int
    jump: int
    offset: int
    flat: bool = False
    before: "LayerSummary | None" = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Output shape (channels, height, width)."""
        return self.channels, self.size, self.size

    @property
    def values(self) -> int:
        """Number of output values for one image."""
        return self.channels * self.size * self.size

    @cached_property
    def receptive_fields(self) -> tuple[Span, ...]:
        """Of each unit along one axis, the pixels of the image that it depends on: the hull of those that it reads.

        Fewer than `field` where the image ends and where pooling drops the far edge; none where a unit reads only
        padding.
        """
        source = self.before
        while source and (source.field, source.jump, source.offset) == (self.field, self.jump, self.offset):
            source = source.before  # a row that reads single units: batch norm, dropout, a 1x1 convolution
        if not source:
            return tuple(Span(pixel, pixel + 1) for pixel in range(self.size))
        kernel = (self.field - source.field) // source.jump + 1
        stride, padding = self.jump // source.jump, (source.offset - self.offset) // source.jump
        return tuple(_hull(source.receptive_fields, unit * stride - padding, kernel) for unit in range(self.size))

    @property
    def covers_image(self) -> bool:
        """True where the receptive field of every unit contains the whole image."""
        return all(span == _WHOLE for span in self.receptive_fields)


def _hull(spans: tuple[Span, ...], start: int, count: int) -> Span:
    read = [span for span in spans[max(0, start) : max(0, start + count)] if span != _NOTHING]
    return Span(read[0].start, read[-1].stop) if read else _NOTHING


@dataclass(frozen=True)
class Fault:
    """Why layer number `layer` (from 0) makes the design unusable, as `what is wrong: what is allowed; what to do`."""

    layer: int
    message: str

    def __str__(self) -> str:
        """`layer 3: what is wrong: ...`, the layer counted from 1."""
        return f"layer {self.layer + 1}: {self.message}"


@dataclass(frozen=True)
class Summary:
    """The rows of a design up to the first layer that does not fit, and the fault if there is one."""

    rows: tuple[LayerSummary, ...]
    fault: Fault | None

    @property
    def is_whole(self) -> bool:
        """True where every layer has its rows; if not, counts are those of the layers before the fault."""
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
        """Output values of all rows for one image."""
        return sum(row.values for row in self.rows)

    @property
    def field(self) -> int:
        """Receptive field of the last row in pixels, not clipped to the image."""
        return self.rows[-1].field if self.rows else 1

    def of_layer(self, layer: int) -> tuple[LayerSummary, ...]:
        """The rows of layer number `layer`, from 0: its own and its steps'."""
        return tuple(row for row in self.rows if row.layer == layer)


INPUT = LayerSummary(layer=-1, type="input", channels=1, size=IMAGE_SIZE, params=0, macs=0, field=1, jump=1, offset=0)


def summarize(architecture: Architecture) -> Summary:
    """The rows of the design in order: each layer's, and one for each of its steps that has one.

    Never raises. A layer that does not fit ends the summary and becomes its fault. A design that is too large, or
    that does not end in 10 values, has all its rows and a fault on its largest or last layer.
    """
    rows: list[LayerSummary] = []
    last = INPUT
    for index, layer in enumerate(architecture.layers):
        layer_type = LAYER_TYPES[layer.type]
        operation = layer_type.operation(layer, last.channels, last.size)
        refusal = _refusal(layer_type, operation, last)
        if refusal is not None:
            return Summary(tuple(rows), Fault(index, refusal))
        last = _row(index, layer.type, operation, last, flat=last.flat or layer_type.flattens)
        rows.append(last)
        for step in (STEP_TYPES[name] for name in layer.steps if STEP_TYPES[name].has_row):
            operation = Operation(last.channels, params=step.params_per_channel * last.channels)
            last = _row(index, step.name, operation, last, flat=last.flat)
            rows.append(last)
    return Summary(tuple(rows), _size_fault(rows) or _output_fault(last))


def require(architecture: Architecture) -> Summary:
    """The summary of a design without fault; DesignError names the layer otherwise."""
    result = summarize(architecture)
    if result.fault:
        raise DesignError(f"layers.{result.fault.layer}: {result.fault.message}")
    return result


def _refusal(layer_type: LayerType, operation: Operation, before: LayerSummary) -> str | None:
    """Why the layer cannot follow `before`; None where it can."""
    room = before.size + 2 * operation.padding
    if before.flat and layer_type.after_linear:
        return layer_type.after_linear
    if operation.kernel > room:
        return layer_type.too_large.format(
            kernel=operation.kernel, size=before.size, padding=operation.padding, room=room
        )
    return None


def _row(layer: int, name: str, operation: Operation, before: LayerSummary, *, flat: bool) -> LayerSummary:
    size = operation.size_after(before.size)
    return LayerSummary(
        layer=layer,
        type=name,
        channels=operation.channels,
        size=size,
        params=operation.params,
        macs=operation.macs_per_position * size**2,
        field=before.field + (operation.kernel - 1) * before.jump,
        jump=before.jump * operation.stride,
        offset=before.offset - operation.padding * before.jump,
        flat=flat,
        before=before,
    )


def _size_fault(rows: list[LayerSummary]) -> Fault | None:
    for count, (limit, noun) in LIMITS.items():
        counts = [getattr(row, count) for row in rows]
        if sum(counts) > limit:
            largest = rows[counts.index(max(counts))]
            message = FAULTS["too_many"].format(total=f"{sum(counts):,}", noun=noun, limit=f"{limit:,}")
            return Fault(largest.layer, message)
    return None


def _output_fault(last: LayerSummary) -> Fault | None:
    if last.values == CLASSES:
        return None
    has_ten_maps = last.size > 1 and last.channels == CLASSES
    shape = "×".join(map(str, last.shape))
    remedy = FAULTS["add_average" if has_ten_maps else "add_head"]
    return Fault(last.layer, FAULTS["output"].format(shape=shape, values=f"{last.values:,}", remedy=remedy))
