"""What an epoch changed: each wrong or once wrong image is in exactly one list, with the prediction that it had."""

import numpy as np
import pytest

from mnistnet.insight.predictions.epoch_changes import EpochChanges
from mnistnet.insight.predictions.evaluation import Mistake
from mnistnet.runs.files.predictions import Guesses

LABELS = np.array([0, 1, 2, 3, 3], np.uint8)


def guesses(*classes: int) -> Guesses:
    return Guesses(np.array(classes, np.uint8), LABELS)


def places(mistakes: list[Mistake]) -> list[tuple[int, int, int]]:
    return [(one.index, one.label, one.predicted) for one in mistakes]


def test_newly_wrong_still_wrong_and_newly_right_are_told_apart() -> None:
    changes = EpochChanges(after=guesses(0, 7, 8, 3, 3), before=guesses(0, 1, 9, 5, 3))
    assert places(changes.newly_wrong) == [(1, 1, 7)]
    assert places(changes.still_wrong) == [(2, 2, 8)]
    assert places(changes.newly_right) == [(3, 3, 5)]


def test_the_first_epoch_has_nothing_new() -> None:
    changes = EpochChanges(after=guesses(0, 7, 8, 3, 3), before=None)
    assert (changes.newly_wrong, changes.newly_right) == ([], [])
    assert places(changes.still_wrong) == [(1, 1, 7), (2, 2, 8)]


def test_accuracy_by_class_counts_the_images_of_the_class() -> None:
    changes = EpochChanges(after=guesses(0, 7, 2, 3, 5), before=None)
    assert [score.accuracy for score in changes.by_class if score.total] == pytest.approx([1, 0, 1, 0.5])
    assert [score.total for score in changes.by_class] == [1, 1, 1, 2, 0, 0, 0, 0, 0, 0]
