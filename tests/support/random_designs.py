"""Random designs from a seed, of every layer type and step in the tables, so that a new one is tested like the others.

That layers fit is taken from the tables; the tests hold them against torch, which builds these designs.
"""

from collections.abc import Callable, Iterable
from itertools import permutations
from random import Random
from typing import Any, get_args

from mnistnet.nets.architecture import (
    KERNELS,
    PADDINGS,
    STRIDES,
    Architecture,
    AvgPool,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Step,
)
from mnistnet.nets.layer_types import LAYER_TYPES

AFTER_ORDERS: tuple[tuple[Step, ...], ...] = tuple(
    order for count in range(len(get_args(Step)) + 1) for order in permutations(get_args(Step), count)
)
_NAMES = ("net", "n", "naïve × 網", "a b/../c", '"quoted" \\', "<b>&amp;</b>", "x" * 80)
_LARGEST_MAP = 36
_OFTEN = {"conv": 10.0, "depthwise": 3.0, "dropout": 1.0, "dropout2d": 1.0, "globalavgpool": 0.4}  # others: 2
_HIDDEN = [name for name, entry in LAYER_TYPES.items() if not entry.flattens]


def designs(count: int, seed: int, widest: int = 24) -> list[Architecture]:
    """`count` designs that end in 10 values, of 1 to 10 layers, hidden widths from 1 to `widest`."""
    random = Random(seed)
    return [_design(random, widest) for _ in range(count)]


def _design(random: Random, widest: int) -> Architecture:
    layers: list[Layer] = []
    size = 28
    for _ in range(random.randint(0, 7)):
        layer, size = _fitting(random, _HIDDEN, size, channels=random.randint(1, widest))
        layers.append(layer)
    return Architecture(name=random.choice(_NAMES), layers=(*layers, *_ending(random, size, widest)))


def _fitting(random: Random, names: Iterable[str], size: int, **fields: Any) -> tuple[Layer, int]:
    """A layer of one of these types that fits on a map of this size, and the size of its output.

    It has those of `fields` that its type has, and any allowed value of its other fields.
    """
    names = list(names)
    while True:
        entry = LAYER_TYPES[random.choices(names, [_OFTEN.get(name, 2.0) for name in names])[0]]
        drawn = {field: _VALUES[field](random) for field in type(entry.new).model_fields if field != "type"}
        layer = type(entry.new)(**{field: fields.get(field, value) for field, value in drawn.items()})
        operation = entry.operation(layer, 1, size)
        if operation.kernel <= size + 2 * operation.padding and operation.size_after(size) <= _LARGEST_MAP:
            return layer, operation.size_after(size)


def _ending(random: Random, size: int, widest: int) -> list[Layer]:
    """Layers that bring a map of this size to 10 values."""
    linear = Linear(features=10, bias=random.random() < 0.5)
    ten, left = _fitting(random, ["conv"], size, channels=10)
    hidden = Linear(features=random.randint(1, widest), bias=random.random() < 0.5)
    endings: list[list[Layer]] = [
        [ten, GlobalAvgPool()],
        [GlobalAvgPool(), _fitting(random, ["conv"], 1, channels=10, kernel=1, padding=0)[0]],
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


_VALUES: dict[str, Callable[[Random], Any]] = {
    "channels": lambda random: random.randint(1, 24),
    "kernel": lambda random: random.choice(KERNELS),
    "stride": lambda random: random.choice(STRIDES),
    "padding": lambda random: random.choice(PADDINGS),
    "size": lambda random: random.choice((2, 2, 2, 3, random.randint(2, 28))),
    "bias": lambda random: random.random() < 0.5,
    "after": lambda random: random.choice(AFTER_ORDERS),
    "dropout": _rate,
    "rate": _rate,
}
