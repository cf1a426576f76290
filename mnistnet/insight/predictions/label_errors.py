"""Labels of the MNIST test set that may be wrong: those judged wrong by people, and candidates. No torch.

Source: Northcutt, Athalye and Mueller, "Pervasive Label Errors in Test Sets Destabilize Machine Learning
Benchmarks", NeurIPS 2021 (arXiv 2103.14749). Five people each saw an image with its label and with the class that a
model proposed; these are the fifteen of a hundred where fewer than three chose the label. Votes as published in
https://github.com/cleanlab/label-errors (mturk/mnist_mturk.json).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnistnet.insight.predictions.evaluation import Evaluation, Score

SOURCE = "https://labelerrors.com"
VOTERS = 5


@dataclass(frozen=True)
class LabelError:
    """A test image whose label people disagreed with: how many of five chose which class."""

    index: int
    label: int
    proposed: int
    for_label: int
    for_proposed: int
    for_neither: int


_VALIDATED = (
    LabelError(947, 8, 9, 0, 5, 0),
    LabelError(1621, 0, 6, 2, 3, 0),
    LabelError(1901, 9, 4, 2, 3, 0),
    LabelError(2130, 4, 9, 2, 2, 1),
    LabelError(2462, 2, 0, 0, 4, 1),
    LabelError(2597, 5, 3, 0, 4, 1),
    LabelError(2654, 6, 1, 0, 2, 3),
    LabelError(3520, 6, 4, 2, 0, 3),
    LabelError(3558, 5, 0, 1, 4, 0),
    LabelError(5937, 5, 3, 1, 3, 1),
    LabelError(6651, 0, 6, 0, 5, 0),
    LabelError(6783, 1, 6, 2, 3, 0),
    LabelError(8527, 4, 9, 2, 2, 1),
    LabelError(9679, 6, 3, 2, 0, 3),
    LabelError(9729, 5, 6, 2, 3, 0),
)
VALIDATED = {error.index: error for error in _VALIDATED}


def covers(dataset: str, split: str) -> bool:
    """True for the images whose labels were checked: MNIST's test images."""
    return (dataset, split) == ("mnist", "test")


def without_validated(evaluation: Evaluation) -> Score:
    """The score on the MNIST test images without the labels judged wrong by people."""
    kept = np.ones(evaluation.score.total, bool)
    kept[list(VALIDATED)] = False
    wrong = evaluation.guesses != evaluation.predictions.labels
    return Score(int((wrong & kept).sum()), int(kept.sum()))


def candidates(guesses: Sequence[npt.NDArray[np.integer]], labels: npt.NDArray[np.integer]) -> dict[int, int]:
    """The images for which all networks make the same wrong prediction: index to predicted class.

    `guesses` holds the predicted classes (n,) of each network, `labels` is (n,).
    """
    table = np.stack(guesses)
    alike = (table == table[0]).all(0) & (table[0] != labels)
    return {int(index): int(table[0, index]) for index in np.flatnonzero(alike)}
