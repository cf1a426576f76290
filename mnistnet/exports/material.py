"""The material of an export: a design with a recipe, or a run with its epochs, weights and answers.

Imports torch to read weights, not before.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnistnet.errors import BadInput
from mnistnet.insight.network import answers
from mnistnet.insight.network.steps import Steps
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.rules import COURSE, Profile
from mnistnet.runs.files.predictions import Predictions, SplitName
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.runs.sources import source_of
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import Recipe

if TYPE_CHECKING:
    from mnistnet.runs.files.checkpoint import Weights

_LETTERS = 40  # of a design's name in the name of a file


class NeedsRun(BadInput):
    """A format that shows a result was asked for from a design without a run."""


@dataclass(frozen=True)
class RunResult:
    """A run, its stored epochs in order, and the store that has its files. A run of the gallery needs no file."""

    run: Run
    metrics: tuple[EpochMetrics, ...]
    store: Store

    def weights(self) -> "Weights":
        """The newest weights: float32 tensors by the names of `nets.network.build`. Raises as `RunSource.weights`."""
        from mnistnet.nets.network import build

        network = build(self.run.architecture)
        return source_of(self.store, self.run).weights(self.run, network.state_dict())

    def predictions(self, split: SplitName) -> Steps[Predictions]:
        """The predictions of the newest weights on a split, stored or computed. Raises as `answers.compute`."""
        stored = source_of(self.store, self.run).predictions(self.run, split)
        return stored or (yield from answers.compute(self.store, self.run, split))


@dataclass(frozen=True)
class Material:
    """A design and a recipe; `result` where they were trained.

    `profile`: the rules that reports and hand-ins judge by.
    """

    architecture: Architecture
    recipe: Recipe
    result: RunResult | None = None
    profile: Profile = COURSE

    @property
    def stem(self) -> str:
        """`DESIGN-RUN`, `gallery-PRESET` or `DESIGN` for names of files on any system: ASCII letters, digits, -, _."""
        name = re.sub(r"[^A-Za-z0-9_]+", "-", self.architecture.name)[:_LETTERS].strip("-") or "design"
        if self.result is None:
            return name
        return self.result.run.id if self.result.run.is_of_gallery else f"{name}-{self.result.run.id}"

    def required(self, form: str) -> RunResult:
        """The result; NeedsRun, which names the format `form`, where there is none."""
        if self.result is None:
            raise NeedsRun(f"design {self.architecture.name!a}: {form} needs a run; train the design and give the run")
        return self.result


def of_run(store: Store, run: Run, profile: Profile = COURSE) -> Material:
    """The material of a run of the store or the gallery, with the epochs that are stored now."""
    metrics = tuple(source_of(store, run).metrics(run))
    return Material(run.architecture, run.recipe, RunResult(run, metrics, store), profile)
