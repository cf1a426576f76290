"""Experiments: sets of runs that differ in one thing, what they are called, and how their results compare.

The runs of an experiment follow from the design and recipe alone, so that they are found again in any store. Knows no
torch and starts nothing.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnistnet.insight.predictions.evaluation import Z95, Interval, Score
from mnistnet.insight.predictions.pairs import SIGNIFICANT, Pair, pair
from mnistnet.nets.architecture import MAX_NAME, Architecture, Conv, Depthwise, Dropout, Dropout2d, Layer, Step
from mnistnet.nets.layer_types import dropout_rate
from mnistnet.nets.summary import summarize
from mnistnet.review.regularization import is_augmented
from mnistnet.runs.run import Run
from mnistnet.training.range_test import MOST
from mnistnet.training.recipe import Recipe

SHORT_EPOCHS = 3
_BATCHES = (8, 2048)  # the smallest and the largest that a recipe may have
_RATE = 0.05  # of dropout, where the design has none
_AUGMENTATION = ("rotation_degrees", "shift", "scale", "bend")


@dataclass(frozen=True)
class Variant:
    """One run of an experiment: its design, named after what is different, and its recipe."""

    label: str
    architecture: Architecture
    recipe: Recipe

    @property
    def params(self) -> int:
        """Trainable parameters."""
        return summarize(self.architecture).params

    @property
    def token(self) -> str:
        """The same for the same run: any number of clicks start it once."""
        text = self.architecture.model_dump_json() + self.recipe.model_dump_json()
        return f"review-{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    def run(self, runs: Iterable[Run]) -> Run | None:
        """The first of `runs` with these layers and this recipe; None where there is none.

        Recipes are compared as this version stores them: to parse those of 10,000 runs takes seconds.
        """
        text = self.recipe.model_dump_json()
        same = (run for run in runs if run.recipe_json == text)
        return next((run for run in same if run.architecture.layers == self.architecture.layers), None)


@dataclass(frozen=True)
class Experiment:
    """A baseline and what is compared with it."""

    name: str
    baseline: Variant
    others: tuple[Variant, ...]

    @property
    def variants(self) -> tuple[Variant, ...]:
        """All runs, the baseline first."""
        return self.baseline, *self.others

    def missing(self, runs: Sequence[Run]) -> list[Variant]:
        """The variants that have no run among `runs`."""
        return [variant for variant in self.variants if variant.run(runs) is None]


def batch_sizes(architecture: Architecture, recipe: Recipe, epochs: int = SHORT_EPOCHS) -> Experiment:
    """Short runs with a quarter of the batch size, the same and four times it, at scaled learning rates.

    In proportion for SGD (Goyal et al., "Accurate, Large Minibatch SGD", 2017), by the square root for the others
    (Malladi et al., "On the SDEs and Scaling Rules for Adaptive Gradient Algorithms", 2022).
    """
    base = shortened(recipe, epochs)
    others = []
    for factor in (0.25, 4.0):
        size = min(_BATCHES[1], max(_BATCHES[0], round(recipe.batch_size * factor)))
        if size != recipe.batch_size:
            changed = base.changed(batch_size=size, learning_rate=scaled_rate(recipe, size))
            others.append(Variant(f"batch size {size}", named(architecture, f"batch {size}"), changed))
    baseline = Variant(f"batch size {recipe.batch_size}", architecture, base)
    return Experiment("batch sizes", baseline, tuple(others))


def scaled_rate(recipe: Recipe, batch_size: int) -> float:
    """The recipe's learning rate for another batch size."""
    ratio = batch_size / recipe.batch_size
    rate = recipe.learning_rate * (ratio if recipe.optimizer == "sgd" else math.sqrt(ratio))
    return min(MOST, float(f"{rate:.3g}"))


def ablation(architecture: Architecture, recipe: Recipe, epochs: int) -> Experiment:
    """The design as it is, and with one thing removed, or added where it has none: batch norm, dropout, augmentation.

    A convolution that loses batch norm gets a bias in place of batch norm's shift. The learning rate stays.
    """
    base = shortened(recipe, epochs)
    baseline = Variant("as it is", architecture, base)
    others = []
    for title, layers in (("batch norm", _batch_norm(architecture)), ("dropout", _dropout(architecture))):
        changed, how = layers
        if changed != architecture.layers:
            design = named(architecture, f"{how} {title}").with_layers(changed)
            others.append(Variant(f"{how} {title}", design, base))
    how = "without" if is_augmented(recipe) else "with"
    usual = Recipe().model_dump(include=set(_AUGMENTATION))
    fields = dict.fromkeys(_AUGMENTATION, 0.0) if how == "without" else usual
    design = named(architecture, f"{how} augmentation")
    others.append(Variant(f"{how} augmentation", design, base.changed(**fields)))
    return Experiment("with and without", baseline, tuple(others))


def shortened(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe for so many epochs; as large a share of them without augmentation as before."""
    if epochs == recipe.epochs:
        return recipe
    return recipe.changed(epochs=epochs, calm_epochs=round(recipe.calm_epochs * epochs / recipe.epochs))


def named(architecture: Architecture, what: str) -> Architecture:
    """The design under a name that says what is different."""
    return architecture.renamed(f"{architecture.name[: MAX_NAME - len(what) - 1]} {what}")


def _batch_norm(architecture: Architecture) -> tuple[tuple[Layer, ...], str]:
    has_some = any("batchnorm" in layer.steps for layer in architecture.layers)
    layers = list(architecture.layers)
    for place, layer in enumerate(layers):
        if not isinstance(layer, Conv | Depthwise):
            continue
        if has_some and "batchnorm" in layer.steps:
            steps = tuple(step for step in layer.steps if step != "batchnorm")
            layers[place] = layer.model_copy(update={"after": steps, "bias": True})
        elif not has_some and layer.steps:  # a layer with nothing behind it is a head, or reads on at once
            added: tuple[Step, ...] = ("batchnorm", *layer.steps)
            layers[place] = layer.model_copy(update={"after": added})
    return tuple(layers), "without" if has_some else "with"


def _dropout(architecture: Architecture) -> tuple[tuple[Layer, ...], str]:
    has_some = any(dropout_rate(layer) for layer in architecture.layers)
    layers: list[Layer] = []
    for layer in architecture.layers:
        if has_some and isinstance(layer, Dropout | Dropout2d):
            continue
        if isinstance(layer, Conv | Depthwise):
            if has_some and dropout_rate(layer):
                kept = tuple(step for step in layer.steps if not step.startswith("dropout"))
                layer = layer.model_copy(update={"after": kept, "dropout": 0.0})
            elif not has_some and "relu" in layer.steps:
                kept = tuple(step for step in layer.steps if not step.startswith("dropout"))
                layer = layer.model_copy(update={"after": (*kept, "dropout"), "dropout": _RATE})
        layers.append(layer)
    return tuple(layers), "without" if has_some else "with"


@dataclass(frozen=True)
class Comparison:
    """A variant's accuracy minus the baseline's on the same images: its 95 % interval, and McNemar's p-value."""

    difference: float
    interval: Interval
    p_value: float

    def verdict(self, comparisons: int) -> str:
        """`better`, `worse` or `not distinguishable`, with as many comparisons at once (Bonferroni's correction)."""
        if self.p_value * comparisons >= SIGNIFICANT:
            return "not distinguishable"
        return "better" if self.difference > 0 else "worse"


def compare(
    baseline: npt.NDArray[np.integer], variant: npt.NDArray[np.integer], labels: npt.NDArray[np.integer]
) -> Comparison:
    """Predicted classes (n,) of the two on the same images, by labels (n,). ValueError where lengths differ."""
    found = pair(baseline, variant, labels)
    return Comparison((len(found.fixed) - len(found.newly_wrong)) / found.total, _interval(found), found.p_value)


def _interval(found: Pair) -> Interval:
    """95 % interval of the difference of matched proportions (Agresti and Min, Statistics in Medicine 24, 2005)."""
    up, down, total = len(found.fixed) + 0.5, len(found.newly_wrong) + 0.5, found.total + 2
    middle = (up - down) / total
    half = Z95 * math.sqrt(up + down - (up - down) ** 2 / total) / total
    return Interval(max(-1.0, middle - half), min(1.0, middle + half))


def score(variant: npt.NDArray[np.integer], labels: npt.NDArray[np.integer]) -> Score:
    """Errors of predicted classes (n,) out of n."""
    return Score(int((variant != labels).sum()), len(labels))
