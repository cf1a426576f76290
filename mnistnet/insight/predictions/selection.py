"""Which wrong answers are looked at, and in which order. No torch."""

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
    """A choice of mistakes that cannot be meant."""


@dataclass(frozen=True)
class Selection:
    """`truth` and `guess` are classes, None for any; the guess's probability lies from `low` to `high`.

    `almost` keeps those whose second guess was right. Raises SelectionError for what lies outside.
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
        """Whether no mistake is left out."""
        return (self.truth, self.guess, self.low, self.high, self.almost) == (None, None, 0.0, 1.0, False)

    def of(self, evaluation: Evaluation) -> list[Mistake]:
        """The mistakes that it lets through, in its order."""
        kept = [mistake for mistake in evaluation.mistakes if self._lets(mistake, evaluation)]
        key = _KEYS[self.order]
        return sorted(kept, key=lambda mistake: key(mistake, evaluation))

    def _lets(self, mistake: Mistake, evaluation: Evaluation) -> bool:
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
    """Cross entropy of one answer, in nats; what float32 holds of a probability bounds it to 87.34."""
    truth = int(evaluation.predictions.labels[index])
    given = float(evaluation.predictions.probabilities[index, truth])
    return -math.log(max(given, float(np.finfo(np.float32).tiny)))


_KEYS: dict[Order, Callable[[Mistake, Evaluation], float]] = {
    "most confident": lambda mistake, _: -mistake.probability,
    "least confident": lambda mistake, _: mistake.probability,
    "highest loss": lambda mistake, evaluation: -loss(evaluation, mistake.index),
    "index": lambda mistake, _: mistake.index,
}
