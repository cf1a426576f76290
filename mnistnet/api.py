"""mnistnet's functions for a notebook or a script: `from mnistnet import presets, summarize, build, train, ...`.

Trains in this process and keeps nothing: no store, no file. Imports torch when it is needed, not before.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

from mnistnet.data import datasets, splits
from mnistnet.data.splits import Part, Protocol
from mnistnet.errors import BadInput
from mnistnet.insight.predictions.evaluation import Evaluation, Mistake, Score
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.runs.files.predictions import Predictions, SplitName
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES
from mnistnet.training.progress import BatchDone, EpochDone
from mnistnet.training.recipe import DatasetName, Recipe

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Result", "build", "evaluate", "mistakes", "presets", "summarize", "train"]

_SHOWN_SECONDS = 0.2  # between two changes of the progress line

presets: Mapping[str, Architecture] = MappingProxyType({name: preset.architecture for name, preset in PRESETS.items()})


class UnknownChoice(BadInput):
    """A name that no split or built-in recipe has."""


@dataclass(frozen=True, eq=False)
class Result:
    """A trained network: in evaluation mode, with its final weights; its epochs, and its score on the test set."""

    architecture: Architecture = field(repr=False)
    recipe: Recipe = field(repr=False)
    network: "nn.Sequential" = field(repr=False)
    metrics: tuple[EpochDone, ...] = field(repr=False)
    score: Score


def build(architecture: Architecture, seed: int = 0) -> "nn.Sequential":
    """The design as an untrained module: (n, 1, 28, 28) floating input, (n, 10) logits.

    Raises DesignError where a layer does not fit.
    """
    from mnistnet.nets import network

    return network.build(architecture, seed)


def train(
    architecture: Architecture, recipe: Recipe | str | None = None, *, progress: bool = True, **fields: Any
) -> Result:
    """Train the design and score it once on the test set.

    `recipe` is a Recipe, the name of a built-in one, or None for the defaults; `fields` change it, as in `epochs=3`.
    `progress` shows each epoch on standard error. Raises UnknownChoice, RecipeError and DesignError for what cannot be
    used, DataError without the data set, Diverged where the loss is no longer finite.
    """
    chosen = _recipe(recipe, fields)
    network = build(architecture, chosen.seed)
    from mnistnet.training.loop import Training

    dataset = datasets.load(chosen.dataset)
    split = splits.split(dataset, chosen.protocol)
    with _threads(chosen.threads):
        training = Training(network, split, dataset.source, chosen)
        line = _Line(chosen.epochs) if progress else None
        metrics = []
        for done in training.run():
            if line:
                line.show(done)
            if isinstance(done, EpochDone):
                metrics.append(done)
        trained = training.ema_network.eval()
        score = Evaluation(_predictions(trained, split.test, dataset.source)).score
    return Result(architecture, chosen, trained, tuple(metrics), score)


def evaluate(
    trained: "Result | nn.Module",
    split: SplitName = "test",
    *,
    dataset: DatasetName | None = None,
    protocol: Protocol | None = None,
) -> Evaluation:
    """The predictions for a split compared with its labels: `score` with its `interval`, `confusion`, `mistakes`.

    Data set and protocol are those of the result's recipe, or MNIST and `holdout`, where they are not given. Raises
    UnknownChoice, UnknownDataset or RecipeError for a name that does not exist, DataError without the data set.
    """
    if split not in get_args(SplitName):
        raise UnknownChoice(f"split {split!a}: choose one of {', '.join(get_args(SplitName))}")
    base = trained.recipe if isinstance(trained, Result) else Recipe()
    chosen = base.changed(dataset=dataset or base.dataset, protocol=protocol or base.protocol)
    data = datasets.load(chosen.dataset)
    part: Part = getattr(splits.split(data, chosen.protocol), split)
    network = trained.network if isinstance(trained, Result) else trained
    return Evaluation(_predictions(network, part, data.source))


def mistakes(
    trained: "Result | nn.Module",
    split: SplitName = "test",
    *,
    dataset: DatasetName | None = None,
    protocol: Protocol | None = None,
) -> list[Mistake]:
    """The wrong predictions for a split, the most confident first. Arguments and exceptions as in `evaluate`."""
    return evaluate(trained, split, dataset=dataset, protocol=protocol).mistakes


def _recipe(recipe: Recipe | str | None, fields: dict[str, Any]) -> Recipe:
    if isinstance(recipe, Recipe):
        return recipe.changed(**fields)
    if recipe is None:
        return recipes.recipe(fields)
    if recipe not in RECIPES:
        raise UnknownChoice(f"recipe {recipe!a}: choose one of {', '.join(RECIPES)}")
    return recipes.recipe({**RECIPES[recipe].fields, **fields})


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """So many threads for torch in between; 0 leaves them as they are."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _predictions(network: "nn.Module", part: Part, source: datasets.Source) -> Predictions:
    import torch

    from mnistnet.training.inference import logits, pixels

    device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
    answers = logits(network, pixels(part.images, source, device), source)
    return Predictions(answers.softmax(1).cpu().numpy(), part.labels)


class _Line:
    """The progress of a training on standard error: one line an epoch, which changes where that can be seen."""

    def __init__(self, epochs: int) -> None:
        self._epochs, self._shown = epochs, 0.0
        self._is_live = sys.stderr.isatty() or "ipykernel" in sys.modules

    def show(self, done: BatchDone | EpochDone) -> None:
        """Write what is done now; between batches at most five times a second."""
        beginning = f"epoch {done.epoch} of {self._epochs}"
        if isinstance(done, EpochDone):
            text = f"{beginning}: validation accuracy {done.validation_accuracy:.2%}, {done.seconds:.0f} s"
            self._write(text, end="\n")
        elif self._is_live and time.monotonic() - self._shown > _SHOWN_SECONDS:
            self._shown = time.monotonic()
            self._write(f"{beginning}: batch {done.step} of {done.steps}", end="")

    def _write(self, text: str, end: str) -> None:
        sys.stderr.write(f"\r{text:<60}{end}" if self._is_live else f"{text}{end}")
        sys.stderr.flush()
