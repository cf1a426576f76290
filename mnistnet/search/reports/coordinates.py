"""The values of choices as places from 0 to 1, for parallel coordinates, and as short texts."""

import math
from collections.abc import Mapping, Sequence

from mnistnet.search.choices import Choice, RecipeRange, Value

_MOST_TICKS = 8


def place(choice: Choice, value: Value) -> float:
    """Where a value lies between the ends of its choice, 0 to 1: a number by its size, an option by its turn."""
    if isinstance(choice, RecipeRange):
        return _share(choice, float(value))
    options = list(choice.options)
    return options.index(value) / max(1, len(options) - 1) if value in options else 0.0


def _share(choice: RecipeRange, value: float) -> float:
    low, high = choice.low, choice.high
    if choice.log:
        low, high, value = math.log(low), math.log(high), math.log(max(value, low))
    return min(1.0, max(0.0, (value - low) / (high - low)))


def ticks(choice: Choice) -> tuple[tuple[float, str], ...]:
    """The places and texts that stand at the axis of a choice: its ends, and its other options where they are few."""
    if isinstance(choice, RecipeRange):
        return (0.0, text(choice, choice.low)), (1.0, text(choice, choice.high))
    options: Sequence[Value] = choice.options
    shown = options if len(options) <= _MOST_TICKS else (options[0], options[-1])
    return tuple((place(choice, option), text(choice, option)) for option in shown)


def text(choice: Choice, value: Value) -> str:
    """A value as people read it: a place is counted from 1."""
    if choice.vary == "pooling":
        return f"behind {int(value) + 1}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def described(space: Sequence[Choice], values: Mapping[str, Value]) -> str:
    """All values in one line: `width of layer 1: 8, learning rate: 0.02`."""
    return ", ".join(f"{choice.name}: {text(choice, values[choice.name])}" for choice in space if choice.name in values)
