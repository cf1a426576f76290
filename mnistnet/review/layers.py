"""The facts about a design's layers that several questions ask for. Plain arithmetic on its summary."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from mnistnet.nets.architecture import Architecture, Conv, Depthwise, Layer, Linear
from mnistnet.nets.summary import INPUT, LayerSummary, Summary, require

_POOLS = ("maxpool", "avgpool", "globalavgpool")
_LISTED = 6


@dataclass(frozen=True)
class Weighted:
    """A layer with weights: its number from 1, its fields, and its row."""

    number: int
    layer: Conv | Depthwise | Linear
    row: LayerSummary

    @property
    def before(self) -> LayerSummary:
        """The row that it reads."""
        return self.row.before or INPUT

    @property
    def kernel(self) -> int:
        """Side of its kernel; 0 for a fully connected layer."""
        return 0 if isinstance(self.layer, Linear) else self.layer.kernel

    @property
    def is_full(self) -> bool:
        """True for a convolution over all channels, the head included."""
        return isinstance(self.layer, Conv)


@dataclass(frozen=True)
class Facts:
    """A design that can be built, and its summary. Numbers of layers are from 1."""

    architecture: Architecture
    summary: Summary

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The design's layers."""
        return self.architecture.layers

    @cached_property
    def weighted(self) -> tuple[Weighted, ...]:
        """The layers with weights, in order."""
        return tuple(
            Weighted(number, layer, self.summary.of_layer(number - 1)[0])
            for number, layer in enumerate(self.layers, 1)
            if isinstance(layer, Conv | Depthwise | Linear)
        )

    @cached_property
    def convolutions(self) -> tuple[Weighted, ...]:
        """The convolutions of each kind, in order."""
        return tuple(one for one in self.weighted if one.kernel)

    @property
    def head(self) -> Weighted | None:
        """The last layer with weights, which gives the ten outputs; None where there is none."""
        return self.weighted[-1] if self.weighted else None

    @cached_property
    def transitions(self) -> tuple[Weighted, ...]:
        """The 1x1 convolutions, without the head."""
        return tuple(one for one in self.convolutions if one.is_full and one.kernel == 1 and one is not self.head)

    @cached_property
    def max_pools(self) -> tuple[tuple[int, LayerSummary], ...]:
        """The max-pooling layers: number and row."""
        return tuple(
            (row.layer + 1, row) for row in self.summary.rows if row.type == "maxpool" and (row.before or INPUT).size
        )

    @cached_property
    def last_map(self) -> LayerSummary:
        """The last row before the map becomes a single value a channel; the image where that is done at once."""
        for row in self.summary.rows:
            if row.flat or row.size == 1:
                return row.before or INPUT
        return self.summary.rows[-1]

    @property
    def output(self) -> LayerSummary:
        """The row of the ten outputs."""
        return self.summary.rows[-1]

    def with_weights_after(self, number: int) -> tuple[Weighted, ...]:
        """The layers with weights behind layer `number`."""
        return tuple(one for one in self.weighted if one.number > number)

    def spatial_after(self, number: int) -> tuple[Weighted, ...]:
        """The convolutions larger than 1x1 behind layer `number`."""
        return tuple(one for one in self.with_weights_after(number) if one.kernel > 1)


def facts(architecture: Architecture) -> Facts:
    """The facts of a design; DesignError where it cannot be built."""
    return Facts(architecture, require(architecture))


def pools(row: LayerSummary) -> bool:
    """True for a row of pooling."""
    return row.type in _POOLS


def numbered(numbers: Iterable[int]) -> str:
    """`layer 3`, `layers 3, 5`; of many the first ones and how many more."""
    found = list(numbers)
    shown = ", ".join(map(str, found[:_LISTED])) + (f" and {len(found) - _LISTED} more" if len(found) > _LISTED else "")
    return f"layer{'s' * (len(found) > 1)} {shown}"


def counted(things: Sequence[object] | int, one: str, many: str = "") -> str:
    """`1 layer`, `3 layers`; `many` where the plural is not one letter more."""
    count = things if isinstance(things, int) else len(things)
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def first_number(found: Sequence[Weighted]) -> int | None:
    """The number of the first of these layers; None of none."""
    return found[0].number if found else None
