"""Which layers print so: from a row's shape and parameters to a convolution or pool of a design, by arithmetic.

A printout has neither kernels nor strides. Their candidates follow from the parameters and from the sizes of the maps
before and behind; where more than one fits, either a usual one is assumed and noted, or the line is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mnistnet.nets.architecture import KERNELS, MAX_CHANNELS, PADDINGS, STRIDES, AvgPool, Conv, Depthwise, MaxPool
from mnistnet.nets.printouts.table import PrintoutError, Row

_SHARED = {"kernel", "stride", "padding", "bias"}  # fields of full and depthwise convolutions


@dataclass(frozen=True)
class Map:
    """The output of a layer: `channels` maps of `size` × `size`."""

    channels: int
    size: int

    @property
    def values(self) -> int:
        """Number of values."""
        return self.channels * self.size**2

    def __str__(self) -> str:
        return f"{self.channels}×{self.size}×{self.size}"


def square(row: Row) -> Map:
    """The row's output as a map; PrintoutError where it has other than three dimensions, or is not square."""
    if len(row.shape) != 3 or row.shape[1] != row.shape[2] or min(row.shape) < 1 or row.shape[0] > MAX_CHANNELS:
        raise PrintoutError(
            row.line,
            f"output {list(row.shape)}: {row.type} gives channels, height and width, the latter two equal, "
            f"and at most {MAX_CHANNELS} channels here",
        )
    return Map(row.shape[0], row.shape[1])


def convolution(row: Row, before: Map) -> tuple[Conv | Depthwise, str]:
    """The convolution that prints so behind `before`, and what had to be assumed of it; PrintoutError where none does.

    Refused as well where full and depthwise convolutions, or two kernels, have equally many parameters.
    """
    after = square(row)
    fitting = [(one, list(_positions(one.kernel, before.size, after.size))) for one in _weights(row, before, after)]
    fitting = [(one, places) for one, places in fitting if places]
    if not fitting:
        raise PrintoutError(row.line, _no_convolution(row, before, after))
    if len(fitting) > 1:
        titles = " and ".join(f"{_title(one)} {one.kernel}×{one.kernel}" for one, _ in fitting)
        raise PrintoutError(row.line, f"{row.params:,} parameters fit {titles}: paste torchinfo's with kernel sizes")
    kind, places = fitting[0]
    usual = [place for place in places if _is_usual(kind.kernel, *place)]
    stride, padding = (usual or places)[0]
    others = [place for place in (usual or places) if place != (stride, padding)]
    # On a map of one unit, each stride computes the same.
    note = f"stride {stride}, padding {padding} assumed; {_listed(others)} would print the same" if others else ""
    one = Conv(channels=after.channels, kernel=kind.kernel, stride=stride, padding=padding, bias=kind.bias)
    layer = Depthwise(**one.model_dump(include=_SHARED)) if kind.is_depthwise else one
    return layer, note if after.size > 1 else ""


def pool(row: Row, before: Map, cls: type[MaxPool] | type[AvgPool]) -> tuple[MaxPool | AvgPool, str]:
    """The pool that prints so behind `before`, and what had to be assumed of it; PrintoutError where none does.

    Where several sizes fit: 2 for a max pool, the whole map for an average pool.
    """
    after = square(row)
    sizes = [size for size in range(2, min(before.size, 28) + 1) if before.size // size == after.size]
    if row.kernel:
        sizes = [size for size in sizes if size == row.kernel]
    if not sizes or after.channels != before.channels:
        raise PrintoutError(
            row.line, f"{row.type} from {before} to {after}: a pool here has its size as stride, and no padding"
        )
    usual = before.size if cls is AvgPool else 2
    if len(sizes) > 1 and usual not in sizes:
        raise PrintoutError(row.line, f"{row.type} of {_or(sizes)} prints so: paste torchinfo's with kernel sizes")
    size = sizes[0] if len(sizes) == 1 else usual
    others = [other for other in sizes if other != size]
    return cls(size=size), f"size {size} assumed; {_or(others)} would print the same" if others else ""


@dataclass(frozen=True)
class _Weights:
    kernel: int
    bias: bool
    is_depthwise: bool


def _weights(row: Row, before: Map, after: Map) -> Iterator[_Weights]:
    """What has as many parameters as the row says."""
    for kernel in (row.kernel,) if row.kernel in KERNELS else KERNELS if row.kernel is None else ():
        for bias in (False, True):
            if row.params == (kernel**2 * before.channels + bias) * after.channels:
                yield _Weights(kernel, bias, is_depthwise=False)
            if 1 < before.channels == after.channels and row.params == (kernel**2 + bias) * after.channels:
                yield _Weights(kernel, bias, is_depthwise=True)


def _positions(kernel: int, before: int, after: int) -> Iterator[tuple[int, int]]:
    """The strides and paddings that lead from a map of `before` to one of `after`: stride 1 first."""
    for stride in STRIDES:
        for padding in PADDINGS:
            room = before + 2 * padding - kernel
            if room >= 0 and room // stride + 1 == after:
                yield stride, padding


def _is_usual(kernel: int, stride: int, padding: int) -> bool:
    """True for no padding, for one that keeps the map's size, and for anything between at stride 1."""
    same = (kernel - 1) // 2
    return padding <= same if stride == 1 else padding in (0, same)


def _title(weights: _Weights) -> str:
    kind = "a depthwise convolution" if weights.is_depthwise else "a convolution"
    return f"{kind}{' with bias' if weights.bias else ''}"


def _no_convolution(row: Row, before: Map, after: Map) -> str:
    if not list(_weights(row, before, after)):
        return (
            f"{row.params:,} parameters: no convolution from {before.channels} to {after.channels} channels has so "
            f"many; kernels are {_or(KERNELS)}, groups none or one a channel"
        )
    return (
        f"from {before} to {after}: no stride of {_or(STRIDES)} with a padding of at most {max(PADDINGS)} leads there"
    )


def _listed(places: list[tuple[int, int]]) -> str:
    return " and ".join(f"stride {stride} with padding {padding}" for stride, padding in places)


def _or(numbers: list[int] | tuple[int, ...]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} or {last}" if others else last
