"""The refuted labels against the votes' own rules and against MNIST; what counts without them, by hand."""

import numpy as np
import numpy.typing as npt
import pytest

from mnistnet.data import datasets
from mnistnet.insight.predictions.evaluation import Evaluation, Score
from mnistnet.insight.predictions.label_errors import VALIDATED, VOTERS, candidates, covers, without_validated
from mnistnet.runs.files.predictions import Predictions


def test_fifteen_images_are_refuted_each_named_once() -> None:
    assert len(VALIDATED) == 15


def test_every_vote_is_accounted_for() -> None:
    votes = {error.for_label + error.for_proposed + error.for_neither for error in VALIDATED.values()}
    assert votes == {VOTERS}


def test_most_voters_did_not_choose_the_label() -> None:
    assert [error for error in VALIDATED.values() if error.for_label >= 3] == []


def test_another_class_than_the_label_was_proposed() -> None:
    assert [error for error in VALIDATED.values() if error.proposed == error.label] == []


@pytest.mark.mnist
def test_the_refuted_labels_are_those_of_the_mnist_test_set() -> None:
    _, labels = datasets.load_test("mnist")
    assert {index: error.label for index, error in VALIDATED.items()} == {
        index: int(labels[index]) for index in VALIDATED
    }


@pytest.mark.parametrize(
    ("dataset", "split", "expected"),
    [("mnist", "test", True), ("mnist", "validation", False), ("digits", "test", False), ("fashion", "test", False)],
)
def test_only_mnists_test_images_were_checked(dataset: str, split: str, expected: bool) -> None:
    assert covers(dataset, split) is expected


def missing(*wrong: int) -> Evaluation:
    """Ten thousand images, all right but these."""
    probabilities = np.zeros((10_000, 10), np.float32)
    probabilities[:, 3] = 1.0
    labels = np.full(10_000, 3, np.uint8)
    labels[list(wrong)] = 5
    return Evaluation(Predictions(probabilities, labels))


@pytest.mark.parametrize(
    ("wrong", "errors"), [((), 0), ((947, 9729), 0), ((0, 946, 947, 948, 9729, 9999), 4)], ids=["none", "those", "both"]
)
def test_without_refuted_labels_neither_their_errors_nor_their_images_count(
    wrong: tuple[int, ...], errors: int
) -> None:
    assert without_validated(missing(*wrong)) == Score(errors, 9_985)


LABELS = np.array([0, 1, 2, 3, 4], np.uint8)
ONE = np.array([0, 7, 2, 9, 5])
OTHER = np.array([0, 7, 8, 9, 6])  # 0 alike and right, 2 wrong here only, 4 wrong in two ways


@pytest.mark.parametrize(
    ("guesses", "expected"),
    [([ONE, OTHER], {1: 7, 3: 9}), ([ONE], {1: 7, 3: 9, 4: 5}), ([ONE, LABELS], {})],
    ids=["two", "one", "one that is right"],
)
def test_candidates_are_what_all_answer_alike_and_wrong(
    guesses: list[npt.NDArray[np.integer]], expected: dict[int, int]
) -> None:
    assert candidates(guesses, LABELS) == expected
