"""The prediction of one network for one digit, to be explained."""

from dataclasses import dataclass
from functools import cached_property

from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.insight.network import explanation
from mnistnet.nets.summary import LayerSummary
from mnistnet.runs.files.predictions import Probabilities
from mnistnet.runs.run import Run
from mnistnet.ui import cache


@dataclass(frozen=True, eq=False)
class Prediction:
    """An image (28, 28) uint8 with the ten probabilities of a run's network; `truth` is None where it is unknown."""

    run: Run
    image: Bytes
    probabilities: Probabilities
    truth: int | None

    @property
    def guess(self) -> int:
        """The predicted class."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """The probability of the predicted class."""
        return float(self.probabilities[self.guess])

    @property
    def rival(self) -> int:
        """The class to compare the prediction with: see `explanation.rival`."""
        return explanation.rival(self.probabilities, self.truth)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names."""
        return datasets.source(self.run.recipe.dataset).classes

    @cached_property
    def named(self) -> list[tuple[str, LayerSummary]]:
        """The layers with a receptive field of their own, each with its name: number and type."""
        return cache.named_layers(self.run.architecture)
