"""The learning-rate range test: one short training whose learning rate grows, and the range that it suggests.

After Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3: from the rate at which the
network begins to learn to the one at which it no longer improves. `sweep` is the only part that imports torch.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from statistics import median

from mnistnet.data.datasets import Dataset
from mnistnet.data.splits import Part, Split, split
from mnistnet.nets.architecture import Architecture
from mnistnet.training import acceleration
from mnistnet.training.recipe import USUAL_RATE, Recipe

STEPS = 150
# The rates that are tried, as factors of the usual one of each optimizer: it lies within for each preset.
_LOWEST, _HIGHEST = 1e-3, 200
MOST = 10.0  # the highest rate that a recipe may have
_MEMORY = 0.9  # of the moving average: a step's loss counts for about ten steps
_WINDOW = 5  # steps of the median before it: up to two spikes in a row leave no trace
_FALLEN = 0.1  # of the whole fall, from which the loss clearly falls
_RISEN = 0.1  # of the whole fall, by which it has risen again
_ROOM = 3.0  # how far below the rate at which the loss rises the range ends, at least
_DIVERGED = 2.0  # times the loss at the beginning, at which a sweep ends
_CLEAR = 0.07  # of the loss at the beginning: a smaller fall is none

_REASON = "a range test is short, and the same wherever it runs"


@dataclass(frozen=True)
class RateRange:
    """The learning rates between which the network learns, `low` < `high`."""

    low: float
    high: float

    def peak(self, recipe: Recipe) -> float:
        """The peak learning rate to take over, at two significant digits.

        The upper end for a schedule that falls to 0, as Smith and Topin ("Super-Convergence", 2018) set the largest
        rate of one cycle; the geometric middle for a constant rate, which no end at low rates follows.
        """
        rate = math.sqrt(self.low * self.high) if recipe.schedule == "constant" else self.high
        return min(MOST, float(f"{rate:.1e}"))


@dataclass(frozen=True)
class Sweep:
    """The rates of a sweep in ascending order, the loss of the batch trained at each (nats), and how it ended."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    diverged: bool = False

    @property
    def smoothed(self) -> tuple[float, ...]:
        """The losses, smoothed; the last ones of a sweep that diverged are what they were."""
        return smooth(self.losses)

    @property
    def range(self) -> RateRange | None:
        """The range that the sweep suggests; None where the loss never clearly fell."""
        return suggest(self.rates, self.smoothed)


def smooth(losses: Sequence[float]) -> tuple[float, ...]:
    """The median of each loss and its neighbours, then their exponential moving average, corrected for its start.

    The correction divides by the weights so far (Kingma and Ba, "Adam", 2015, section 3).
    """
    half, average, smoothed = _WINDOW // 2, 0.0, []
    for place in range(len(losses)):
        near = median(losses[max(0, place - half) : place + half + 1])
        average = _MEMORY * average + (1 - _MEMORY) * near
        smoothed.append(average / (1 - _MEMORY ** (place + 1)))
    return tuple(smoothed)


def suggest(rates: Sequence[float], smoothed: Sequence[float]) -> RateRange | None:
    """The range between the first rate after which the loss stays below its beginning and the last before it rises.

    It begins where the smoothed loss has fallen by a tenth of its whole fall for good; it ends at the lowest smoothed
    loss, and at most at a third of the rate at which the loss has risen by a tenth of the fall. None where the loss
    falls by less than a tenth of what it was, or where nothing is left between the two.
    """
    if len(smoothed) < 2 * _WINDOW:
        return None
    lowest = min(range(len(smoothed)), key=smoothed.__getitem__)
    begin = median(smoothed[: max(_WINDOW, len(smoothed) // 10)])
    fall = begin - smoothed[lowest]
    if fall < _CLEAR * begin:
        return None
    above = [place for place in range(lowest) if smoothed[place] > begin - _FALLEN * fall]
    first = above[-1] + 1 if above else 0
    risen = (place for place in range(lowest, len(smoothed)) if smoothed[place] > smoothed[lowest] + _RISEN * fall)
    rise = next(risen, None)
    high = rates[lowest] if rise is None else min(rates[lowest], rates[rise] / _ROOM)
    return RateRange(rates[first], high) if rates[first] < high else None


def rates(recipe: Recipe, steps: int = STEPS) -> tuple[float, ...]:
    """The rates of a sweep: `steps` of them at equal ratios, around what is usual for the recipe's optimizer."""
    usual = USUAL_RATE[recipe.optimizer]
    low, high = usual * _LOWEST, min(MOST, usual * _HIGHEST)
    return tuple(low * (high / low) ** (step / (steps - 1)) for step in range(steps))


def sweep(
    architecture: Architecture, recipe: Recipe, dataset: Dataset, steps: int = STEPS
) -> Generator[float, None, Sweep]:
    """Train a new network by the recipe, its rate growing from step to step; yields the share done after each.

    Ends early where the smoothed loss is twice what it was at the beginning, or is no number. Uses training images
    alone, and torch's own operations (see `acceleration`). The same seed and threads give the same sweep. Raises
    DesignError for a design that cannot be built, NoDevice.
    """
    from mnistnet.nets.network import build
    from mnistnet.training.loop import Diverged, Training
    from mnistnet.training.progress import BatchDone

    tried, losses = rates(recipe, steps), list[float]()
    part = _needed(split(dataset, recipe.protocol), recipe.batch_size * steps)
    plain = recipe.changed(averaging=0, epochs=min(100, steps), calm_epochs=0)
    with acceleration.switched_off(_REASON):
        training = Training(build(architecture, recipe.seed), part, dataset.source, plain, tried.__getitem__)
    progress, before = training.run(), (0, 0.0)
    while len(losses) < steps:
        try:
            with acceleration.switched_off(_REASON):
                done = next(progress)
        except (Diverged, StopIteration):
            return Sweep(tried[: len(losses)], tuple(losses), diverged=len(losses) < steps)
        if not isinstance(done, BatchDone):
            continue
        sums = training.sums
        images, loss = (0, 0.0) if done.step == 1 else before
        before = sums.images, sums.loss
        losses.append((sums.loss - loss) / (sums.images - images))
        if _is_over(losses):
            return Sweep(tried[: len(losses)], tuple(losses), diverged=True)
        yield len(losses) / steps
    return Sweep(tried, tuple(losses))


def _is_over(losses: Sequence[float]) -> bool:
    """True where the loss has left what it was at the beginning for good, which one spike does not do."""
    if not math.isfinite(losses[-1]):
        return True
    recent = losses[-_WINDOW:]
    return len(losses) > 2 * _WINDOW and min(recent) > _DIVERGED * median(losses[:_WINDOW])


def _needed(whole: Split, images: int) -> Split:
    """As many training images as a sweep sees at most, and one image to validate on: its figure is not used."""
    train = Part(whole.train.images[:images], whole.train.labels[:images])
    one = Part(train.images[:1], train.labels[:1])
    return Split(train, one, one)
