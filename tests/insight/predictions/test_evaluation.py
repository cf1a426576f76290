"""Intervals against scipy's, confusion and mistakes against tables written by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from mnistnet.insight.predictions.evaluation import Evaluation, Mistake, Score, streak, wilson
from mnistnet.runs.files.predictions import Predictions


@settings(deadline=None)  # scipy's first call takes its time
@given(st.integers(1, 100_000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_interval_equals_scipys(trials: tuple[int, int]) -> None:
    successes, total = trials
    ours, theirs = wilson(successes, total), binomtest(successes, total).proportion_ci(0.95, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_interval_of_the_assignments_goal() -> None:
    interval = wilson(9_940, 10_000)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.9923, 0.9953)


@pytest.mark.parametrize(("successes", "total"), [(0, 0), (-1, 10), (11, 10)])
def test_wilson_interval_of_no_possible_count_is_refused(successes: int, total: int) -> None:
    with pytest.raises(ValueError, match=f"{successes} of {total}: give at least one trial"):
        wilson(successes, total)


def test_a_score_is_its_share_of_right_answers_with_the_interval_around_it() -> None:
    score = Score(errors=60, total=10_000)
    assert score.accuracy == pytest.approx(0.994)
    assert score.interval == wilson(9_940, 10_000)


def answers(*rows: tuple[int, int, float]) -> Evaluation:
    """One image a row: label, guess, and the probability given to the guess."""
    probabilities = np.full((len(rows), 10), 0.0, np.float32)
    for index, (_, guess, probability) in enumerate(rows):
        probabilities[index] = (1 - probability) / 9
        probabilities[index, guess] = probability
    return Evaluation(Predictions(probabilities, np.array([label for label, _, _ in rows], np.uint8)))


SIX = answers((7, 7, 0.9), (7, 1, 0.5), (2, 2, 0.8), (4, 9, 0.75), (7, 1, 0.25), (0, 6, 0.5))


def test_score_counts_wrong_answers() -> None:
    assert SIX.score == Score(errors=4, total=6)


def test_confusion_has_labels_in_rows_and_answers_in_columns() -> None:
    expected = np.zeros((10, 10), int)
    expected[7, 7], expected[7, 1], expected[2, 2], expected[4, 9], expected[0, 6] = 1, 2, 1, 1, 1
    np.testing.assert_array_equal(SIX.confusion, expected)


def test_mistakes_are_the_wrong_answers_most_confident_first_ties_by_index() -> None:
    assert SIX.mistakes == [
        Mistake(index=3, label=4, predicted=9, probability=0.75),
        Mistake(index=1, label=7, predicted=1, probability=0.5),
        Mistake(index=5, label=0, predicted=6, probability=0.5),
        Mistake(index=4, label=7, predicted=1, probability=0.25),
    ]


def test_no_mistakes_where_all_is_right() -> None:
    assert answers((3, 3, 0.6)).mistakes == []


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [([], 0), ([0.99], 0), ([0.994], 1), ([0.995, 0.99, 0.994, 0.996], 2), ([0.996, 0.995, 0.99], 0)],
)
def test_streak_counts_the_last_epochs_that_reached_the_target(accuracies: list[float], expected: int) -> None:
    assert streak(accuracies, 0.994) == expected
