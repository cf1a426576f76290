"""Bins and their error by hand, temperatures against softmax and against answers drawn at a known one."""

import numpy as np
import pytest
from scipy.special import softmax

from mnistnet.insight.predictions.calibration import (
    Bin,
    at_temperature,
    bins,
    by_class,
    expected_error,
    fitted_temperature,
)
from mnistnet.insight.predictions.evaluation import Evaluation, Score, wilson
from mnistnet.runs.files.predictions import Predictions, Probabilities

JUST_ABOVE_HALF = float(np.nextafter(np.float32(0.5), np.float32(1)))


def answers(*rows: tuple[float, bool]) -> Evaluation:
    """One image a row: the guess's confidence, and whether it is right."""
    probabilities = np.array([[sure, *[(1 - sure) / 9] * 9] for sure, _ in rows], np.float32)
    return Evaluation(Predictions(probabilities, np.array([0 if right else 1 for _, right in rows], np.uint8)))


def random_answers(spread: float, count: int = 2_000) -> Predictions:
    """Answers to images of which nobody knows what they show."""
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.full(10, spread), count).astype(np.float32)
    return Predictions(probabilities, generator.integers(0, 10, count).astype(np.uint8))


# Bins.


def test_bins_hold_what_lies_above_their_low_up_to_their_high_end_and_are_left_out_where_empty() -> None:
    evaluation = answers((0.5, True), (1.0, True), (0.375, False), (JUST_ABOVE_HALF, False), (1.0, False))
    assert bins(evaluation, 4) == [
        Bin(0.25, 0.5, count=2, confidence=0.4375, right=1),
        Bin(0.5, 0.75, count=1, confidence=JUST_ABOVE_HALF, right=0),
        Bin(0.75, 1.0, count=2, confidence=1.0, right=1),
    ]


@pytest.mark.parametrize("tenth", range(1, 11))
def test_a_confidence_on_a_border_belongs_to_the_bin_that_ends_there(tenth: int) -> None:
    assert [one.high for one in bins(answers((tenth / 10, True)), 10)] == [tenth / 10]


def test_one_bin_holds_all_answers() -> None:
    assert bins(answers((0.25, True), (0.5, False), (0.75, True)), 1) == [Bin(0.0, 1.0, 3, 0.5, 2)]


def test_no_answer_is_lost_between_bins() -> None:
    evaluation = Evaluation(random_answers(1.0))
    assert sum(one.count for one in bins(evaluation)) == 2_000


def test_a_bins_accuracy_is_its_share_of_right_answers_with_the_interval_around_it() -> None:
    one = Bin(0.5, 0.75, count=8, confidence=0.6, right=6)
    assert one.accuracy == 0.75
    assert one.interval == wilson(6, 8)


def test_the_expected_error_weighs_each_bins_gap_by_its_answers() -> None:
    too_sure, not_sure_enough = Bin(0.5, 0.75, 3, 0.75, 1), Bin(0.25, 0.5, 1, 0.5, 1)
    assert expected_error([not_sure_enough, too_sure]) == pytest.approx((3 * (0.75 - 1 / 3) + 1 * 0.5) / 4)


def test_answers_as_often_right_as_they_say_have_no_expected_error() -> None:
    assert expected_error(bins(answers(*[(0.75, True)] * 3, (0.75, False), (1.0, True)))) == 0.0


# Temperatures.


def test_a_temperature_of_1_changes_nothing() -> None:
    given = random_answers(0.5)
    np.testing.assert_allclose(at_temperature(given, 1.0).probabilities, given.probabilities, rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize("temperature", [0.25, 1.5, 7.0])
def test_a_temperature_divides_the_logits(temperature: float) -> None:
    logits = np.random.default_rng(1).normal(0, 5, (500, 10))
    given = Predictions(softmax(logits, 1).astype(np.float32), np.zeros(500, np.uint8))
    np.testing.assert_allclose(
        at_temperature(given, temperature).probabilities, softmax(logits / temperature, 1), rtol=1e-5, atol=1e-37
    )


@pytest.mark.parametrize("temperature", [0.05, 0.5, 3.0, 20.0])
def test_no_temperature_changes_a_guess(temperature: float) -> None:
    given = random_answers(0.2)
    softened = at_temperature(given, temperature).probabilities
    np.testing.assert_array_equal(softened.argmax(1), given.probabilities.argmax(1))


def test_a_temperature_leaves_the_labels() -> None:
    given = random_answers(1.0)
    assert at_temperature(given, 2.0).labels is given.labels


@pytest.mark.parametrize("temperature", [0.05, 1.0, 20.0])
def test_probabilities_of_0_stay_finite_at_any_temperature(temperature: float) -> None:
    sure: Probabilities = np.eye(10, dtype=np.float32)
    softened = at_temperature(Predictions(sure, np.zeros(10, np.uint8)), temperature).probabilities
    assert np.isfinite(softened).all()
    np.testing.assert_allclose(softened.sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5, 8.0])
def test_the_temperature_that_answers_were_drawn_at_is_found_to_five_percent(temperature: float) -> None:
    generator = np.random.default_rng(2)
    logits = generator.normal(0, 4, (10_000, 10))
    drawn = (softmax(logits / temperature, 1).cumsum(1) < generator.random((10_000, 1))).sum(1)
    given = Predictions(softmax(logits, 1).astype(np.float32), drawn.astype(np.uint8))
    assert fitted_temperature(given) == pytest.approx(temperature, rel=0.05)


def test_answers_that_are_all_wrong_are_softened_as_far_as_it_goes() -> None:
    wrong = answers(*[(0.9, False)] * 20).predictions
    assert fitted_temperature(wrong) == pytest.approx(20, rel=0.01)


def test_fitting_survives_certain_answers_that_are_wrong() -> None:
    certain: Probabilities = np.eye(10, dtype=np.float32)
    assert 0.05 <= fitted_temperature(Predictions(certain, np.roll(np.arange(10, dtype=np.uint8), 1))) <= 20


# By class.


def test_each_class_has_the_errors_among_its_own_images() -> None:
    guesses, labels = [0, 1, 1, 9, 9, 9], np.array([0, 0, 0, 9, 1, 9], np.uint8)
    found = by_class(Evaluation(Predictions(np.eye(10, dtype=np.float32)[guesses], labels)))
    assert found == [Score(2, 3), Score(1, 1), *[Score(0, 0)] * 7, Score(0, 2)]
