"""The questions about learning rate, batch size, and how to tell early that a training goes badly."""

import math
from collections.abc import Sequence

from mnistnet import gallery
from mnistnet.data import datasets, splits
from mnistnet.insight.predictions.peers import peer_band
from mnistnet.insight.predictions.verdict import validation_score
from mnistnet.nets.rules import epochs_text
from mnistnet.nets.summary import CLASSES
from mnistnet.review.answers import Concern, Place
from mnistnet.review.architecture import Finding
from mnistnet.review.layers import counted
from mnistnet.runs.run import Run, RunState
from mnistnet.training.progress import EpochDone
from mnistnet.training.range_test import RateRange
from mnistnet.training.recipe import OPTIMIZER_TITLES, SCHEDULE_TITLES, Recipe

_FEW_STEPS = 100  # of a whole training: 33 steps left a network of the gallery at chance (see recipe.USUAL_BATCH)


def learning_rate(recipe: Recipe, run: Run | None, range_: RateRange | None) -> Finding:
    """The peak learning rate, held against the run and the range test, where there is one."""
    place = Place(field="learning_rate")
    figure = rate_figure(recipe)
    if run and run.state is RunState.DIVERGED:
        why = f"The run diverged after {epochs_text(run.epochs_done)}: the rate was too high for this network."
        return Finding(figure, why, Concern.LOOK, place)
    if range_:
        figure += f"; range test: {range_.low:.2g} to {range_.high:.2g}"
        outside = recipe.learning_rate < range_.low or recipe.learning_rate > 2 * range_.high
        why = (
            "The range test is made without the schedule's warm-up, so that a peak somewhat above it may still work; "
            "below it the network hardly learns."
        )
        return Finding(figure, why, Concern.LOOK if outside else Concern.FINE, place)
    if run and run.epochs_done:
        why = f"The loss stayed finite for {epochs_text(run.epochs_done)}; a range test shows how far the limits are."
        return Finding(figure, why, place=place)
    why = (
        "Too low and few epochs do not suffice, too high and the loss diverges: the range test below shows both limits."
    )
    return Finding(figure, why, Concern.UNKNOWN, place)


def rate_figure(recipe: Recipe) -> str:
    """`peak 0.2, one cycle, to 0, SGD`."""
    schedule = SCHEDULE_TITLES[recipe.schedule]
    return f"peak {recipe.learning_rate:g}, {schedule}, {OPTIMIZER_TITLES[recipe.optimizer]}"


def batch_figure(recipe: Recipe) -> str:
    """`128 images, 430 steps an epoch, 8,170 in all`."""
    steps = _steps(recipe)
    return f"{recipe.batch_size} images, {steps:,} steps an epoch, {steps * recipe.epochs:,} in all"


def _steps(recipe: Recipe) -> int:
    """Steps of an epoch."""
    return recipe.steps(splits.counts(datasets.source(recipe.dataset), recipe.protocol).train)


def batch_size(recipe: Recipe) -> Finding:
    """The batch size, and the number of steps that follows from it."""
    total = _steps(recipe) * recipe.epochs
    place = Place(field="batch_size")
    if total < _FEW_STEPS:
        why = f"{counted(total, 'step')} are too few to learn much: choose a smaller batch or more epochs."
        return Finding(batch_figure(recipe), why, Concern.LOOK, place)
    why = (
        "A smaller batch gives more, noisier steps; a larger one fewer, which take a higher learning rate "
        "(in proportion for SGD: Goyal et al., 2017). Batch norm also takes its statistics from the batch."
    )
    return Finding(batch_figure(recipe), why, place=place)


def early_signs(run: Run | None, rows: Sequence[EpochDone]) -> Finding:
    """The first epoch against the gallery's, and against guessing."""
    place = Place(field="learning_rate")
    if run is None or not rows:
        why = "The first epoch tells most: below the band of comparable runs, something is likely wrong."
        return Finding("no finished epoch to tell it from", why, Concern.UNKNOWN, place)
    first = rows[0]
    score = validation_score(first.validation_accuracy, run)
    figure = (
        f"epoch 1: validation {score.accuracy:.2%} ({score.interval.low:.2%} to {score.interval.high:.2%}), "
        f"loss {first.validation_loss:.3f} (guessing: {math.log(CLASSES):.3f})"
    )
    peers = peer_band(run, list(gallery.entries().values()))
    if not peers.curves:
        why = "The gallery has no run on this data set under this protocol; compare with runs of your own."
        is_guess = score.interval.low < 2 / CLASSES
        return Finding(figure, why, Concern.LOOK if is_guess else Concern.FINE, place)
    band = peers.band[0]
    why = (
        f"{counted(len(peers.curves), 'comparable gallery run')} ({', '.join(peers.names)}) had {band.low:.2%} to "
        f"{band.high:.2%} after epoch 1."
    )
    is_below = score.interval.high < band.low
    return Finding(figure, why, Concern.LOOK if is_below else Concern.FINE, place)
