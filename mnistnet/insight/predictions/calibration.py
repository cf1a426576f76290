"""Calibration: reliability by confidence, expected calibration error, temperature scaling. No torch.

Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnistnet.insight.predictions.evaluation import Evaluation, Interval, Score, wilson
from mnistnet.nets.summary import CLASSES
from mnistnet.runs.files.predictions import Predictions, Probabilities

BINS = 10
_COLDEST, _HOTTEST = 0.05, 20.0
_LEAST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Bin:
    """The predictions with a confidence above `low` and up to `high`: count, mean confidence, and number right."""

    low: float
    high: float
    count: int
    confidence: float
    right: int

    @property
    def accuracy(self) -> float:
        """Share of correct predictions."""
        return self.right / self.count

    @property
    def interval(self) -> Interval:
        """95 % interval of the accuracy."""
        return wilson(self.right, self.count)


def bins(evaluation: Evaluation, count: int = BINS) -> list[Bin]:
    """The predictions by confidence in `count` bins of equal width, without empty ones."""
    places = np.clip(np.ceil(evaluation.confidences * count).astype(int) - 1, 0, count - 1)
    right = evaluation.guesses == evaluation.predictions.labels
    return [
        Bin(
            place / count,
            (place + 1) / count,
            int(chosen.sum()),
            float(evaluation.confidences[chosen].astype(np.float64).mean()),
            int(right[chosen].sum()),
        )
        for place in range(count)
        if (chosen := places == place).any()
    ]


def expected_error(found: list[Bin]) -> float:
    """Expected calibration error: the mean gap between accuracy and confidence, weighted by the bins' counts."""
    total = sum(one.count for one in found)
    return sum(one.count * abs(one.accuracy - one.confidence) for one in found) / total


def at_temperature(predictions: Predictions, temperature: float) -> Predictions:
    """The predictions with all logits divided by `temperature`: less confident above 1, more below 1.

    No predicted class changes, except where two probabilities become equal in float32.
    """
    return Predictions(_softened(predictions.probabilities, temperature), predictions.labels)


def _softened(probabilities: Probabilities, temperature: float) -> Probabilities:
    # The logarithms of probabilities are the logits up to a constant, which softmax ignores.
    scaled = np.log(np.maximum(probabilities.astype(np.float64), _LEAST)) / temperature
    scaled -= scaled.max(1, keepdims=True)
    softened = np.exp(scaled)
    result: Probabilities = (softened / softened.sum(1, keepdims=True)).astype(np.float32)
    return result


def fitted_temperature(predictions: Predictions) -> float:
    """The temperature, 0.05 to 20, with the lowest cross-entropy on these predictions. Give validation predictions."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(predictions.labels))

    def cross_entropy(logarithm: float) -> float:
        softened = _softened(predictions.probabilities, float(np.exp(logarithm)))
        return float(-np.log(np.maximum(softened[rows, predictions.labels], _LEAST)).mean())

    found = minimize_scalar(cross_entropy, bounds=(np.log(_COLDEST), np.log(_HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def by_class(evaluation: Evaluation) -> list[Score]:
    """The score of each class on the images with that label; a class without images has a total of 0."""
    return scores_by_class(evaluation.guesses, evaluation.predictions.labels)


def scores_by_class(guesses: npt.NDArray[np.integer], labels: npt.NDArray[np.integer]) -> list[Score]:
    """The same from predicted classes (n,) and labels (n,)."""
    wrong = guesses != labels
    return [Score(int(wrong[labels == one].sum()), int((labels == one).sum())) for one in range(CLASSES)]
