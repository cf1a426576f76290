"""Which mistakes a selection lets through and in which order, on six answers written by hand."""

import math

import numpy as np
import pytest

from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.insight.predictions.selection import Order, Selection, SelectionError, loss, second_guess
from mnistnet.runs.files.predictions import Predictions


def answers(*rows: tuple[int, dict[int, float]]) -> Evaluation:
    """One image a row: its label, and the probabilities that are not 0."""
    probabilities = np.zeros((len(rows), 10), np.float32)
    for index, (_, given) in enumerate(rows):
        probabilities[index, list(given)] = list(given.values())
    return Evaluation(Predictions(probabilities, np.array([label for label, _ in rows], np.uint8)))


SIX = answers(
    (7, {7: 0.75, 1: 0.25}),
    (7, {1: 0.5, 7: 0.375, 2: 0.125}),
    (7, {1: 0.75, 2: 0.1875, 7: 0.0625}),
    (0, {9: 0.5, 0: 0.25, 1: 0.125, 2: 0.125}),
    (7, {0: 0.75, 7: 0.25}),
    (3, {1: 1.0}),
)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("most confident", [5, 2, 4, 1, 3]),
        ("least confident", [1, 3, 2, 4, 5]),
        ("highest loss", [5, 2, 4, 3, 1]),
        ("index", [1, 2, 3, 4, 5]),
    ],
)
def test_all_mistakes_come_in_the_order_asked_for_ties_by_confidence_then_index(
    order: Order, expected: list[int]
) -> None:
    assert [mistake.index for mistake in Selection(order=order).of(SIX)] == expected


_FILTERED: dict[str, tuple[Selection, list[int]]] = {
    "truth": (Selection(truth=7), [2, 4, 1]),
    "truth 0": (Selection(truth=0), [3]),
    "truth never missed": (Selection(truth=2), []),
    "guess": (Selection(guess=1), [5, 2, 1]),
    "guess 0": (Selection(guess=0), [4]),
    "low, itself included": (Selection(low=0.75), [5, 2, 4]),
    "high, itself included": (Selection(high=0.5), [1, 3]),
    "low is high": (Selection(low=0.75, high=0.75), [2, 4]),
    "almost": (Selection(almost=True), [4, 1, 3]),
    "truth and guess": (Selection(truth=7, guess=1), [2, 1]),
    "truth and almost": (Selection(truth=7, almost=True), [4, 1]),
    "all, in another order": (Selection(7, 1, 0.5, 0.75, order="least confident"), [1, 2]),
    "all and almost": (Selection(7, 1, 0.5, 0.75, almost=True), [1]),
}


@pytest.mark.parametrize(("selection", "expected"), _FILTERED.values(), ids=_FILTERED)
def test_only_what_all_filters_let_through_is_kept(selection: Selection, expected: list[int]) -> None:
    assert [mistake.index for mistake in selection.of(SIX)] == expected


@pytest.mark.parametrize(
    ("low", "high", "given"),
    [
        (-0.1, 1.0, "-0.1 to 1"),
        (0.0, 1.5, "0 to 1.5"),
        (0.5, 0.25, "0.5 to 0.25"),
        (math.nan, 1.0, "nan to 1"),
        (0.0, math.nan, "0 to nan"),
    ],
)
def test_bounds_that_hold_nothing_or_no_probability_are_refused(low: float, high: float, given: str) -> None:
    with pytest.raises(SelectionError, match=f"^confidence {given}: give 0 <= low <= high <= 1$"):
        Selection(low=low, high=high)


def test_an_unknown_order_is_refused_with_those_there_are() -> None:
    known = "most confident, least confident, highest loss, index"
    with pytest.raises(SelectionError, match=f"^order 'funniest': choose one of {known}$"):
        Selection(order="funniest")  # type: ignore[arg-type]


@pytest.mark.parametrize("selection", [Selection(), Selection(order="index")], ids=["unchosen", "only an order"])
def test_a_selection_without_a_filter_is_everything(selection: Selection) -> None:
    assert selection.is_everything


@pytest.mark.parametrize(
    "selection",
    [Selection(truth=0), Selection(guess=0), Selection(low=0.01), Selection(high=0.99), Selection(almost=True)],
    ids=["truth", "guess", "low", "high", "almost"],
)
def test_a_selection_with_a_filter_is_not_everything(selection: Selection) -> None:
    assert not selection.is_everything


@pytest.mark.parametrize(("index", "expected"), [(0, 1), (1, 7), (2, 2), (3, 0)])
def test_the_second_guess_is_the_class_with_the_second_highest_probability(index: int, expected: int) -> None:
    assert second_guess(SIX, index) == expected


def test_of_two_equal_guesses_the_later_class_is_the_second() -> None:
    assert second_guess(answers((1, {3: 0.5, 5: 0.5})), 0) == 5


@pytest.mark.parametrize(("index", "probability"), [(0, 0.75), (1, 0.375), (2, 0.0625), (3, 0.25)])
def test_loss_is_the_negative_logarithm_of_the_truths_probability(index: int, probability: float) -> None:
    assert loss(SIX, index) == pytest.approx(-math.log(probability))


def test_loss_of_a_probability_of_0_is_that_of_the_least_normal_float32() -> None:
    assert loss(SIX, 5) == pytest.approx(126 * math.log(2))
