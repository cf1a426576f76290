"""Random designs from a seed, of every layer type and step in the tables, so that a new one is tested like the others.

That layers fit is taken from the tables; the tests hold them against torch, which builds these designs.
"""

from collections.abc import Callable
from itertools import permutations
from random import Random
from typing import Any, get_args

from mnistnet.nets.architecture import (
    KERNELS,
    MAX_LAYERS,
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
from mnistnet.nets.layer_types import LAYER_TYPES, LayerType

AFTER_ORDERS: tuple[tuple[Step, ...], ...] = tuple(
    order for count in range(len(get_args(Step)) + 1) for order in permutations(get_args(Step), count)
)
_NAMES = ("net", "n", "naïve × 網", "a b/../c", '"quoted" \\', "<b>&amp;</b>", "x" * 80)
_LARGEST_MAP = 36
_HIDDEN = [name for name, entry in LAYER_TYPES.items() if not entry.flattens]
_SHARES = {"depthwise": 3.0, "dropout": 1.0, "dropout2d": 1.0, "globalavgpool": 0.4}
_OFTEN = {name: _SHARES.get(name, 2.0) for name in _HIDDEN if name != "conv"}
_OFTEN["conv"] = 1.2 * sum(_OFTEN.values())  # more than half, however many types there are


def designs(count: int, seed: int, widest: int = 24) -> list[Architecture]:
    """`count` designs that end in 10 values, of 1 to 10 layers, hidden widths from 1 to `widest`."""
    designer = _Designer(Random(seed), widest)
    return [designer.design() for _ in range(count)]


def careless_designs(count: int, seed: int) -> list[Architecture]:
    """`count` designs of 1 to 64 layers with any allowed value in each field: most have a fault, some are too large."""
    random = Random(seed)
    designer = _Designer(random, 512)
    lengths = (random.randint(1, random.choice((5, 5, 5, 20, MAX_LAYERS))) for _ in range(count))
    return [Architecture(name="n", layers=tuple(designer.any_layer() for _ in range(length))) for length in lengths]


class _Designer:
    def __init__(self, random: Random, widest: int) -> None:
        self.random, self.widest = random, widest
        self.orders: list[tuple[Step, ...]] = []  # each is used once before any is used again

    def design(self) -> Architecture:
        """A design that ends in 10 values."""
        layers: list[Layer] = []
        size = 28
        for _ in range(self.random.randint(0, 7)):
            layer, size = self.fitting(_HIDDEN, size)
            layers.append(layer)
        return Architecture(name=self.random.choice(_NAMES), layers=(*layers, *self.ending(size)))

    def fitting(self, names: list[str], size: int, **given: Any) -> tuple[Layer, int]:
        """A layer of one of these types that fits on a map of this size, and the size of its output.

        It has the fields that are given, and any allowed value of its others.
        """
        often = [_OFTEN[name] for name in names]
        while True:
            entry = LAYER_TYPES[self.random.choices(names, often)[0]]
            layer = self.filled(entry, **given)
            operation = entry.operation(layer, 1, size)
            if operation.kernel <= size + 2 * operation.padding and operation.size_after(size) <= _LARGEST_MAP:
                return self.with_steps(layer), operation.size_after(size)

    def any_layer(self) -> Layer:
        """A layer of any type, seldom one that ends all maps, whether or not it fits."""
        names = list(LAYER_TYPES)
        often = [_OFTEN.get(name, 0.2) for name in names]
        return self.with_steps(self.filled(LAYER_TYPES[self.random.choices(names, often)[0]]))

    def filled(self, entry: LayerType, **given: Any) -> Layer:
        """A layer of this type with the fields that are given, and any allowed value of its others."""
        fields = set(type(entry.new).model_fields) - {"type", "after"}
        values: dict[str, Any] = {field: self.value(field) for field in sorted(fields)}
        return type(entry.new)(**values | given)

    def value(self, field: str) -> object:
        """Any allowed value of a field."""
        return self.random.randint(1, self.widest) if field in ("channels", "features") else _VALUES[field](self.random)

    def with_steps(self, layer: Layer) -> Layer:
        """The layer with the next order of steps, if its type has any."""
        if "after" not in type(layer).model_fields:
            return layer
        self.orders = self.orders or self.random.sample(AFTER_ORDERS, len(AFTER_ORDERS))
        return layer.model_copy(update={"after": self.orders.pop()})

    def ending(self, size: int) -> list[Layer]:
        """Layers that bring a map of this size to 10 values."""
        random = self.random
        linear = Linear(features=10, bias=random.random() < 0.5)
        ten, left = self.fitting(["conv"], size, channels=10)
        hidden = Linear(features=random.randint(1, self.widest), bias=random.random() < 0.5)
        endings: list[list[Layer]] = [
            [ten, GlobalAvgPool()],
            [GlobalAvgPool(), self.fitting(["conv"], 1, channels=10, kernel=1, padding=0)[0]],
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
    "kernel": lambda random: random.choice(KERNELS),
    "stride": lambda random: random.choice(STRIDES),
    "padding": lambda random: random.choice(PADDINGS),
    "size": lambda random: random.choice((2, 2, 2, 3, random.randint(2, 28))),
    "bias": lambda random: random.random() < 0.5,
    "dropout": _rate,
    "rate": _rate,
}
