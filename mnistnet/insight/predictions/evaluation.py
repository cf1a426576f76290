"""Accuracy with its interval, the confusion matrix and the mistakes, from predictions. No torch."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mnistnet.nets.summary import CLASSES
from mnistnet.runs.files.predictions import Predictions

Z95 = 1.959963984540054  # the normal distribution's 97.5 % point


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`, both shares between 0 and 1."""

    low: float
    high: float


@dataclass(frozen=True)
class Mistake:
    """One wrong prediction: index in the split, true and predicted class, and the probability of the latter."""

    index: int
    label: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class Score:
    """A number of errors out of a number of images."""

    errors: int
    total: int

    @property
    def accuracy(self) -> float:
        """Share of correct predictions."""
        return 1 - self.errors / self.total

    @property
    def interval(self) -> Interval:
        """95 % interval of the accuracy."""
        return wilson(self.total - self.errors, self.total)

    @property
    def errors_text(self) -> str:
        """`1 error in 297`, `55 errors in 10,000`."""
        return f"{self.errors:,} {'error' if self.errors == 1 else 'errors'} in {self.total:,}"

    @property
    def interval_text(self) -> str:
        """`95% interval 99.28% to 99.58%`."""
        return f"95% interval {self.interval.low:.2%} to {self.interval.high:.2%}"

    @property
    def text(self) -> str:
        """Accuracy and errors: `99.45%: 55 errors in 10,000`."""
        return f"{self.accuracy:.2%}: {self.errors_text}"


def at_mean(errors: Sequence[int], total: int) -> Score:
    """The mean of several trainings on one test set of `total` images.

    Its interval is for `total` images: more trainings predict the same images and do not narrow it.
    """
    return Score(round(sum(errors) / len(errors)), total)


def mistakes_at(
    places: Iterable[int], labels: npt.NDArray[np.integer], guesses: npt.NDArray[np.integer]
) -> list[Mistake]:
    """The predictions at these indices as mistakes, in their order, where only classes (n,) are known: the probability
    is NaN."""
    return [Mistake(int(place), int(labels[place]), int(guesses[place]), math.nan) for place in places]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A network's predictions compared with the labels."""

    predictions: Predictions

    @cached_property
    def guesses(self) -> npt.NDArray[np.int64]:
        """The most probable class of each image, (n,)."""
        guesses: npt.NDArray[np.int64] = self.predictions.probabilities.argmax(axis=1)
        return guesses

    @cached_property
    def confidences(self) -> npt.NDArray[np.float32]:
        """The probability of each predicted class, (n,) float32."""
        confidences: npt.NDArray[np.float32] = self.predictions.probabilities.max(axis=1)
        return confidences

    @cached_property
    def score(self) -> Score:
        """The number of errors out of the number of images."""
        return Score(int((self.guesses != self.predictions.labels).sum()), len(self.predictions.labels))

    @cached_property
    def confusion(self) -> npt.NDArray[np.int64]:
        """The confusion matrix (10, 10): true class by row, predicted class by column."""
        counts = np.zeros((CLASSES, CLASSES), np.int64)
        np.add.at(counts, (self.predictions.labels, self.guesses), 1)
        return counts

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """All wrong predictions, the most confident first."""
        wrong = np.flatnonzero(self.guesses != self.predictions.labels)
        order = wrong[np.argsort(-self.confidences[wrong], kind="stable")]
        return [
            Mistake(
                int(index),
                int(self.predictions.labels[index]),
                int(self.guesses[index]),
                float(self.confidences[index]),
            )
            for index in order
        ]


def wilson(successes: int, total: int) -> Interval:
    """95 % Wilson score interval of a proportion (Wilson, JASA 22, 1927).

    Raises ValueError for less than one trial, or more successes than trials.
    """
    if total < 1 or not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total}: give at least one trial and no more successes than trials")
    share = successes / total
    weight = Z95**2 / total
    centre = (share + weight / 2) / (1 + weight)
    half = Z95 / (1 + weight) * math.sqrt(share * (1 - share) / total + weight / (4 * total))
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def streak(accuracies: list[float], target: float) -> int:
    """The number of consecutive epochs, up to the last, with an accuracy of at least `target`."""
    reached = 0
    for accuracy in reversed(accuracies):
        if accuracy < target:
            break
        reached += 1
    return reached
