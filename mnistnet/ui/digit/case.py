"""A digit with a network's prediction, ready to be explained."""

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
class Case:
    """An image (28, 28) uint8 with its ten probabilities by a run's network; `truth` None where nobody knows it."""

    run: Run
    image: Bytes
    row: Probabilities
    truth: int | None

    @property
    def guess(self) -> int:
        """The predicted class."""
        return int(self.row.argmax())

    @property
    def rival(self) -> int:
        """The class that the guess is compared with: the truth where it was missed, else the runner-up."""
        return explanation.rival(self.row, self.truth)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names."""
        return datasets.source(self.run.recipe.dataset).classes

    @cached_property
    def named(self) -> list[tuple[str, LayerSummary]]:
        """The layers with a receptive field of their own, by number and kind."""
        return cache.named_layers(self.run.architecture)
