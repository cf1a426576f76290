"""What an epoch changed in the predictions of the validation images: newly wrong, newly right, accuracy by class."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mnistnet.insight.predictions.evaluation import Mistake
from mnistnet.nets.summary import CLASSES
from mnistnet.runs.files.predictions import Guesses


@dataclass(frozen=True, eq=False)
class EpochChanges:
    """The predictions after an epoch, and those after the epoch before it; None where these are not stored."""

    after: Guesses
    before: Guesses | None

    @cached_property
    def newly_wrong(self) -> list[Mistake]:
        """The images that are wrong now and were right, in their order; none without an epoch before."""
        return self._mistakes(self.after, self._is_wrong & self._was_right)

    @cached_property
    def still_wrong(self) -> list[Mistake]:
        """The images that are wrong now and were wrong, or all that are wrong, without an epoch before."""
        return self._mistakes(self.after, self._is_wrong & ~self._was_right)

    @cached_property
    def newly_right(self) -> list[Mistake]:
        """The images that are right now and were wrong, with the prediction that they had."""
        return self._mistakes(self.before, ~self._is_wrong & ~self._was_right) if self.before else []

    @cached_property
    def accuracies(self) -> list[float]:
        """The accuracy on the images of each class, 0 to 1; 1 for a class without images."""
        totals = np.bincount(self.after.labels, minlength=CLASSES)
        wrong = np.bincount(self.after.labels[self._is_wrong], minlength=CLASSES)
        return [float(1 - errors / max(1, total)) for errors, total in zip(wrong, totals, strict=True)]

    @property
    def _is_wrong(self) -> npt.NDArray[np.bool_]:
        wrong: npt.NDArray[np.bool_] = self.after.guesses != self.after.labels
        return wrong

    @property
    def _was_right(self) -> npt.NDArray[np.bool_]:
        if self.before is None:
            return np.zeros(len(self.after.labels), bool)
        right: npt.NDArray[np.bool_] = self.before.guesses == self.before.labels
        return right

    @staticmethod
    def _mistakes(answers: Guesses, chosen: npt.NDArray[np.bool_]) -> list[Mistake]:
        return [
            Mistake(int(index), int(answers.labels[index]), int(answers.guesses[index]), float("nan"))
            for index in np.flatnonzero(chosen)
        ]
