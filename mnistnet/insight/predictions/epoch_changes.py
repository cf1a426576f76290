"""The changes of an epoch in the predictions of validation images: newly wrong, newly right, score of each class."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mnistnet.insight.predictions.calibration import scores_by_class
from mnistnet.insight.predictions.evaluation import Mistake, Score, mistakes_at
from mnistnet.insight.predictions.pairs import Pair, pair
from mnistnet.runs.files.predictions import Guesses


@dataclass(frozen=True, eq=False)
class EpochChanges:
    """The predictions after an epoch, and those after the epoch before it; None where these are not stored."""

    after: Guesses
    before: Guesses | None

    @cached_property
    def newly_wrong(self) -> list[Mistake]:
        """The images that are wrong now and were right, in their order; none without an epoch before."""
        return mistakes_at(self._pair.newly_wrong, self.after.labels, self.after.guesses) if self._pair else []

    @cached_property
    def still_wrong(self) -> list[Mistake]:
        """The images that are wrong now and were wrong, or all that are wrong, without an epoch before."""
        wrong = self._pair.wrong_twice if self._pair else np.flatnonzero(self.after.guesses != self.after.labels)
        return mistakes_at(wrong, self.after.labels, self.after.guesses)

    @cached_property
    def newly_right(self) -> list[Mistake]:
        """The images that are right now and were wrong, with the prediction that they had."""
        return (
            mistakes_at(self._pair.fixed, self.before.labels, self.before.guesses) if self.before and self._pair else []
        )

    @cached_property
    def by_class(self) -> list[Score]:
        """The score of each class on the images with that label; a class without images has a total of 0."""
        return scores_by_class(self.after.guesses, self.after.labels)

    @cached_property
    def _pair(self) -> Pair | None:
        return pair(self.before.guesses, self.after.guesses, self.after.labels) if self.before else None
