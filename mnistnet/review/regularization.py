"""The questions about batch norm, dropout, overfitting and normalised images."""

import math
from collections.abc import Sequence

from mnistnet.data import datasets, splits
from mnistnet.insight.predictions.evaluation import Interval, Score, wilson
from mnistnet.insight.predictions.verdict import validation_score
from mnistnet.nets.layer_types import dropout_rate
from mnistnet.review.answers import Concern, Place
from mnistnet.review.architecture import Finding
from mnistnet.review.layers import Facts, Weighted, counted, numbered
from mnistnet.runs.run import Run
from mnistnet.training.progress import EpochDone
from mnistnet.training.recipe import Recipe


def batch_norm(of: Facts) -> Finding:
    """Which convolutions lack batch norm; biases that it makes useless."""
    lacking = [one for one in of.convolutions if _lacks_norm(of, one)]
    normed = [one for one in of.convolutions if "batchnorm" in one.layer.steps]
    useless = [one for one in normed if one.layer.bias and one.layer.steps[0] == "batchnorm"]
    figure = f"behind {len(normed)} of {counted(of.convolutions, 'convolution')}"
    if lacking:
        figure += f"; missing in {numbered(one.number for one in lacking)}"
        why = (
            "Without it the scale of a layer's output drifts with the weights, and high learning rates diverge sooner."
        )
        return Finding(figure, why, Concern.LOOK, Place(lacking[0].number))
    if useless:
        spared, where = sum(one.row.channels for one in useless), numbered(one.number for one in useless)
        why = f"A bias right before batch norm changes nothing: {spared:,} parameters in {where}."
        return Finding(figure, why, Concern.LOOK, Place(useless[0].number))
    why = "It keeps the scale of each channel, at two parameters a channel; the head needs none."
    return Finding(figure, why, place=Place(normed[0].number if normed else None))


def _lacks_norm(of: Facts, one: Weighted) -> bool:
    """True but for the head and for a depthwise convolution whose 1x1 convolution follows at once and has it."""
    if "batchnorm" in one.layer.steps or one is of.head:
        return False
    after = of.with_weights_after(one.number)
    follows = after[0] if after and after[0].number == one.number + 1 else None
    return one.is_full or follows is None or follows.kernel != 1 or "batchnorm" not in follows.layer.steps


def norm_distance(of: Facts) -> Finding:
    """The distance of the last batch norm from the prediction."""
    normed = [one for one in of.weighted if "batchnorm" in one.layer.steps]
    if not normed:
        return Finding("no batch norm", "There is none whose distance could be told.")
    last = normed[-1]
    behind = of.with_weights_after(last.number)
    figure = f"{counted(behind, 'layer')} with weights behind the last one (layer {last.number})"
    if not behind:
        why = "Batch norm on the outputs themselves rescales each class's logit by the other images of the batch."
        return Finding(figure, why, Concern.LOOK, Place(last.number))
    if len(behind) > 1:
        numbers = numbered(one.number for one in behind)
        why = f"{numbers.capitalize()} work on values whose scale nothing holds; one layer, the head, is usual."
        return Finding(figure, why, Concern.LOOK, Place(behind[0].number))
    why = "The head reads normalised features, and its logits are free in scale."
    return Finding(figure, why, place=Place(last.number))


def dropout(of: Facts) -> Finding:
    """The places and rates of dropout, and what follows it."""
    found = _drops(of)
    if not found:
        return Finding("none", "It is worth adding once validation accuracy is clearly below training accuracy.")
    rates = sorted({rate for _, rate in found})
    figure = f"in {counted(found, 'place')}, rate {' and '.join(f'{rate:g}' for rate in rates)}"
    figure += (
        f"; {counted(of.with_weights_after(found[-1][0]), 'layer')} with weights behind the last (layer {found[-1][0]})"
    )
    head = of.head
    if head and any(step.startswith("dropout") for step in head.layer.steps):
        why = f"Layer {head.number} drops logits themselves: the right class is missing from some training images."
        return Finding(figure, why, Concern.LOOK, Place(head.number))
    before = [one.number for one in of.convolutions if _drops_before_norm(one)]
    if before:
        why = (
            f"In {numbered(before)} it stands before batch norm, whose input then varies more in training than in "
            "evaluation (Li et al., “Understanding the Disharmony between Dropout and Batch Normalization”, 2018)."
        )
        return Finding(figure, why, Concern.LOOK, Place(before[0]))
    why = "It slows the fit of training images; too much of it costs accuracy where nothing is overfitted."
    return Finding(figure, why, place=Place(found[0][0]))


def _drops(of: Facts) -> list[tuple[int, float]]:
    """Number and rate of each layer with dropout above 0."""
    return [(number, rate) for number, layer in enumerate(of.layers, 1) if (rate := dropout_rate(layer))]


def _drops_before_norm(one: Weighted) -> bool:
    steps = one.layer.steps
    drops = [place for place, step in enumerate(steps) if step.startswith("dropout")]
    rate = getattr(one.layer, "dropout", 0.0)
    return bool(drops) and rate > 0 and "batchnorm" in steps and min(drops) < steps.index("batchnorm")


def overfitting(run: Run | None, rows: Sequence[EpochDone]) -> Finding:
    """Training against validation accuracy in the last epoch, with the interval of their difference."""
    place = Place(field="epochs")
    if run is None or not rows:
        why = "Validation accuracy clearly below training accuracy says so; that is when to introduce dropout."
        return Finding("no finished epoch to tell it from", why, Concern.UNKNOWN, place)
    last, validation = rows[-1], validation_score(rows[-1].validation_accuracy, run)
    images = run.train_images or _train_images(run)
    gap = difference(Score(round((1 - last.train_accuracy) * images), images), validation)
    figure = (
        f"epoch {last.epoch}: training {last.train_accuracy:.2%}, validation {last.validation_accuracy:.2%}; "
        f"difference {(last.validation_accuracy - last.train_accuracy) * 100:+.2f} points, 95% interval "
        f"{gap.low * 100:+.2f} to {gap.high * 100:+.2f}"
    )
    best = min(rows, key=lambda row: row.validation_loss)
    risen = last.validation_loss / best.validation_loss - 1 if best.validation_loss > 0 else 0.0
    rise = (
        f" Validation loss was lowest in epoch {best.epoch} and {risen:.0%} higher at the end." if risen > 0.1 else ""
    )
    if gap.high < 0:
        why = f"Training is ahead of validation beyond chance: add augmentation or dropout, or train less.{rise}"
        return Finding(figure, why, Concern.LOOK, place)
    how = "on distorted images, while" if is_augmented(run.recipe) and not run.recipe.calm_epochs else "while"
    why = (
        f"No overfitting shows; training figures are taken {how} weights still change, so they lie a little low.{rise}"
    )
    return Finding(figure, why, Concern.LOOK if rise else Concern.FINE, place)


def is_augmented(recipe: Recipe) -> bool:
    """True where training images are distorted."""
    return bool(recipe.rotation_degrees or recipe.shift or recipe.scale or recipe.bend)


def _train_images(run: Run) -> int:
    return splits.counts(datasets.source(run.recipe.dataset), run.recipe.protocol).train


def difference(first: Score, second: Score) -> Interval:
    """95 % interval of the second accuracy minus the first, on different images; both between -1 and 1.

    From the two Wilson intervals (Newcombe, Statistics in Medicine 17, 1998, method 10).
    """
    one, other = (wilson(score.total - score.errors, score.total) for score in (first, second))
    middle = second.accuracy - first.accuracy
    low = math.hypot(second.accuracy - other.low, one.high - first.accuracy)
    high = math.hypot(other.high - second.accuracy, first.accuracy - one.low)
    return Interval(middle - low, middle + high)


def image_normalization(recipe: Recipe) -> Finding:
    """The scaling of pixels."""
    source = datasets.source(recipe.dataset)
    figure = f"(pixel − {source.mean}) / {source.std}, pixels from 0 to 1"
    why = (
        f"Mean and standard deviation are those of {source.title}'s training pixels; so the first layer gets values "
        "of mean 0 and variance 1. This is fixed."
    )
    return Finding(figure, why, place=None)
