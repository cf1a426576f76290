"""A filter of mistakes and their order. No torch."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from mnistnet.errors import BadInput
from mnistnet.insight.predictions.evaluation import Evaluation, Mistake
from mnistnet.nets.summary import CLASSES

Order: TypeAlias = Literal["most confident", "least confident", "highest loss", "index"]
ORDERS: tuple[Order, ...] = get_args(Order)


class SelectionError(BadInput):
    """A filter with a value that is not allowed."""


@dataclass(frozen=True)
class Selection:
    """The mistakes with true class `truth` and predicted class `guess`, None for any, in an order.

    The probability of the predicted class lies from `low` to `high`. `almost` keeps the mistakes whose second most
    probable class is the true one. Raises SelectionError for a value that is not allowed.
    """

    truth: int | None = None
    guess: int | None = None
    low: float = 0.0
    high: float = 1.0
    almost: bool = False
    order: Order = "most confident"

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1:
            raise SelectionError(f"confidence {self.low:g} to {self.high:g}: give 0 <= low <= high <= 1")
        for name, chosen in (("truth", self.truth), ("guess", self.guess)):
            if chosen is not None and not 0 <= chosen < CLASSES:
                raise SelectionError(f"{name}={chosen}: give a class from 0 to {CLASSES - 1}, or None for any")
        if self.order not in ORDERS:
            raise SelectionError(f"order {self.order!a}: choose one of {', '.join(ORDERS)}")

    @property
    def is_everything(self) -> bool:
        """True where no mistake is filtered out."""
        return (self.truth, self.guess, self.low, self.high, self.almost) == (None, None, 0.0, 1.0, False)

    def of(self, evaluation: Evaluation) -> list[Mistake]:
        """The mistakes that pass the filter, in its order."""
        kept = [mistake for mistake in evaluation.mistakes if self._passes(mistake, evaluation)]
        key = _KEYS[self.order]
        return sorted(kept, key=lambda mistake: key(mistake, evaluation))

    def _passes(self, mistake: Mistake, evaluation: Evaluation) -> bool:
        return (
            self.truth in (None, mistake.label)
            and self.guess in (None, mistake.predicted)
            and self.low <= mistake.probability <= self.high
            and not (self.almost and second_guess(evaluation, mistake.index) != mistake.label)
        )


def second_guess(evaluation: Evaluation, index: int) -> int:
    """The class with the second highest probability for an image."""
    row = evaluation.predictions.probabilities[index]
    return int(np.argsort(-row, kind="stable")[1])


def loss(evaluation: Evaluation, index: int) -> float:
    """Cross-entropy of one prediction in nats, at most 87.34: the smallest float32 bounds the probability."""
    truth = int(evaluation.predictions.labels[index])
    given = float(evaluation.predictions.probabilities[index, truth])
    return -math.log(max(given, float(np.finfo(np.float32).tiny)))


_KEYS: dict[Order, Callable[[Mistake, Evaluation], float]] = {
    "most confident": lambda mistake, _: -mistake.probability,
    "least confident": lambda mistake, _: mistake.probability,
    "highest loss": lambda mistake, evaluation: -loss(evaluation, mistake.index),
    "index": lambda mistake, _: mistake.index,
}
