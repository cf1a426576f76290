"""The learning rate at each step, as a function of the step alone: nothing to save, nothing to resume."""

import math
from collections.abc import Callable

from mnistnet.training.recipe import Recipe, ScheduleName

WARM_UP = 0.25  # share of the one-cycle schedule that climbs; linear both ways, down to 0


def _onecycle(done: float) -> float:
    return min(done / WARM_UP, (1 - done) / (1 - WARM_UP))


def _cosine(done: float) -> float:
    return (1 + math.cos(math.pi * done)) / 2


_SHAPES: dict[ScheduleName, Callable[[float], float]] = {
    "onecycle": _onecycle,
    "cosine": _cosine,
    "constant": lambda _: 1.0,
}


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The rate for step `step` (from 0) of `steps`: the recipe's peak times its schedule, never 0."""
    done = (step + 1) / (steps + 1)
    return recipe.learning_rate * _SHAPES[recipe.schedule](done)
