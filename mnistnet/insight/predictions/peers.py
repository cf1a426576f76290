"""Comparable gallery runs of a run: the range of their curves, and the run's rank among them. No torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from mnistnet.gallery import Entry
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.training.progress import EpochDone

_ENOUGH = 8  # curves
FAR_BELOW = 0.9  # where at least this share of comparable runs is better, something is likely wrong


@dataclass(frozen=True)
class BandPoint:
    """Validation accuracies of the comparable runs after one epoch."""

    epoch: int
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Standing:
    """After epoch `epoch`, `better` of `total` comparable runs had a higher validation accuracy."""

    epoch: int
    better: int
    total: int

    @property
    def is_far_below(self) -> bool:
        """True where the run is clearly worse than comparable runs."""
        return self.better >= FAR_BELOW * self.total


@dataclass(frozen=True)
class PeerBand:
    """Gallery curves on the same data set under the same protocol, of the networks closest in parameters."""

    names: tuple[str, ...]
    curves: tuple[tuple[EpochDone, ...], ...]

    @property
    def band(self) -> list[BandPoint]:
        """Lowest, median and highest validation accuracy at each epoch that all curves have."""
        epochs = zip(*([row.validation_accuracy for row in curve] for curve in self.curves), strict=False)
        return [BandPoint(number, min(at), median(at), max(at)) for number, at in enumerate(epochs, 1)]

    def standing(self, rows: Sequence[EpochMetrics]) -> Standing | None:
        """The rank of a run after its last epoch; None before its first, and after the last epoch of the peers."""
        if not rows or not self.curves or rows[-1].epoch > len(self.band):
            return None
        last = rows[-1]
        better = sum(curve[last.epoch - 1].validation_accuracy > last.validation_accuracy for curve in self.curves)
        return Standing(last.epoch, better, len(self.curves))


def peer_band(run: Run, entries: Sequence[Entry]) -> PeerBand:
    """The curves to compare `run` with: those of the networks closest in parameters, until there are enough.

    None for a run that starts from trained weights: the others start from random ones.
    """
    same = [
        entry
        for entry in entries
        if not run.started_from
        and (entry.recipe.dataset, entry.recipe.protocol) == (run.recipe.dataset, run.recipe.protocol)
    ]
    same.sort(key=lambda entry: abs(math.log(PRESETS[entry.preset].params / max(1, run.params))))
    names: list[str] = []
    curves: list[tuple[EpochDone, ...]] = []
    for entry in same:
        if len(curves) >= _ENOUGH:
            break
        names.append(entry.preset)
        curves += [outcome.curve for outcome in entry.outcomes]
    return PeerBand(tuple(names), tuple(curves))
