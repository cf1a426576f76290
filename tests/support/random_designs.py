"""Random valid designs from a seed. Keeps its own book of map sizes: geometry is what these designs test."""

from itertools import permutations
from random import Random

from mnistnet.nets.architecture import (
    KERNELS,
    PADDINGS,
    STEPS,
    STRIDES,
    Architecture,
    AvgPool,
    Conv,
    Depthwise,
    Dropout,
    Dropout2d,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Step,
)

AFTER_ORDERS: tuple[tuple[Step, ...], ...] = tuple(
    order for count in range(len(STEPS) + 1) for order in permutations(STEPS, count)
)
_NAMES = ("net", "n", "naïve × 網", "a b/../c", '"quoted" \\', "<b>&amp;</b>", "x" * 80)
_LARGEST_MAP = 36


def designs(count: int, seed: int, widest: int = 24) -> list[Architecture]:
    """`count` designs that end in 10 values, of 1 to 10 layers, hidden widths from 1 to `widest`."""
    random = Random(seed)
    return [_design(random, widest) for _ in range(count)]


def _design(random: Random, widest: int) -> Architecture:
    layers: list[Layer] = []
    size = 28
    for _ in range(random.randint(0, 7)):
        layer, size = _hidden(random, size, widest)
        layers.append(layer)
    return Architecture(name=random.choice(_NAMES), layers=(*layers, *_ending(random, size, widest)))


def _hidden(random: Random, size: int, widest: int) -> tuple[Layer, int]:
    """A layer that fits on a map of this size, and the size of what leaves it."""
    kinds = (Conv, Depthwise, MaxPool, AvgPool, Dropout, Dropout2d, GlobalAvgPool)
    kind = random.choices(kinds, (10, 3, 2, 2, 1, 1, 0.4))[0]
    if kind is GlobalAvgPool:
        return GlobalAvgPool(), 1
    if kind is Dropout or kind is Dropout2d:
        return kind(rate=_rate(random)), size
    if (kind is MaxPool or kind is AvgPool) and size >= 2:
        window = random.choice((2, 2, 2, 3, min(size, random.randint(2, 28))))
        window = min(window, size)
        return kind(size=window), size // window
    conv, left = _conv(random, size, random.randint(1, widest))
    if kind is Depthwise:
        return Depthwise(**conv.model_dump(exclude={"type", "channels"})), left
    return conv, left


def _conv(random: Random, size: int, channels: int) -> tuple[Conv, int]:
    fitting = [
        (kernel, stride, padding, _size_after(size, kernel, stride, padding))
        for kernel in KERNELS
        for stride in STRIDES
        for padding in PADDINGS
        if kernel <= size + 2 * padding and _size_after(size, kernel, stride, padding) <= _LARGEST_MAP
    ]
    kernel, stride, padding, left = random.choice(fitting)
    conv = Conv(
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        bias=random.random() < 0.5,
        after=random.choice(AFTER_ORDERS),
        dropout=_rate(random),
    )
    return conv, left


def _size_after(size: int, kernel: int, stride: int, padding: int) -> int:
    return len(range(0, size + 2 * padding - kernel + 1, stride))


def _ending(random: Random, size: int, widest: int) -> list[Layer]:
    """Layers that bring a map of this size to 10 values."""
    linear = Linear(features=10, bias=random.random() < 0.5)
    ten, left = _conv(random, size, 10)
    hidden = Linear(features=random.randint(1, widest), bias=random.random() < 0.5)
    endings: list[list[Layer]] = [
        [ten, GlobalAvgPool()],
        [GlobalAvgPool(), _conv(random, 1, 10)[0].model_copy(update={"kernel": 1, "padding": 0})],
        [GlobalAvgPool(), linear],
        [linear],
        [hidden, Dropout(rate=_rate(random)), linear],
        [ten, GlobalAvgPool(), Dropout(rate=_rate(random))],
    ]
    if size in KERNELS:
        endings.append([Conv(channels=10, kernel=size, bias=True)])
    if 2 <= left <= 28:
        window = random.randint(left // 2 + 1, left)
        endings.append([ten, random.choice((MaxPool, AvgPool))(size=max(2, window))])
    return random.choice(endings)


def _rate(random: Random) -> float:
    return random.choice((0.0, 0.05, round(random.random() * 0.9, 3), random.random() * 0.9))
