"""Sides of fields and effects of coverings, by hand and by the disc that a normal distribution draws."""

import math

import numpy as np
import pytest

from mnistnet.insight.network.results import EffectiveField, Occlusion


def field(*squares: tuple[int, float]) -> EffectiveField:
    """Squares of this side and strength, one after the other along the diagonal, and 0 elsewhere."""
    strength, start = np.zeros((28, 28), np.float32), 0
    for side, value in squares:
        strength[start : start + side, start : start + side] = value
        start += side
    return EffectiveField(strength)


def gaussian(deviation: float) -> EffectiveField:
    along = np.exp(-((np.arange(28) - 13.5) ** 2) / (2 * deviation**2))
    return EffectiveField(np.outer(along, along).astype(np.float32))


@pytest.mark.parametrize(
    ("seen", "side"),
    [
        (field((1, 1)), 1),
        (field((5, 0.25)), 5),
        (field((28, 1e-20)), 28),
        (field((4, 100), (3, 4.6)), 5),
        (field((4, 100), (3, 4.5)), 4),
        (field(), 0),
    ],
    ids=["pixel", "square", "faint", "just above", "just below", "nothing"],
)
def test_two_deviations_is_the_side_of_all_pixels_above_a_share_of_the_strongest(
    seen: EffectiveField, side: float
) -> None:
    assert seen.two_deviations == side


@pytest.mark.parametrize(
    ("seen", "pixels"),
    [
        (field((1, 1)), 1),
        (field((5, 0.25)), 24),  # of 25: 23 would hold 92 %
        (field((10, 1)), 95),
        (field((28, 1e-25)), 745),  # of 784: 744.8; the squares are too small for float32
        (field((1, 10), (2, 1)), 1),  # squares: 100 of 104
        (field((1, 10), (3, 1)), 5),  # 100 of 109, and three and a half of the faint ones
        (field(), 0),
    ],
    ids=["pixel", "square", "just so many", "faint", "peak alone", "peak and rim", "nothing"],
)
def test_most_energy_is_the_side_of_the_fewest_pixels_with_95_percent_of_the_square(
    seen: EffectiveField, pixels: int
) -> None:
    assert seen.most_energy == pytest.approx(pixels**0.5)


@pytest.mark.parametrize("deviation", [2, 3, 4])
def test_two_deviations_of_a_gaussian_is_the_side_of_its_disc(deviation: float) -> None:
    """exp(-r²/2s²) > 0.0455 inside r = s · sqrt(2 · 3.0900); pixels draw a disc's edge to within two percent."""
    radius = deviation * math.sqrt(2 * 3.0900)
    assert gaussian(deviation).two_deviations == pytest.approx(math.sqrt(math.pi) * radius, rel=0.02)


@pytest.mark.parametrize("deviation", [2, 3, 4])
def test_most_energy_of_a_gaussian_is_the_side_of_its_disc(deviation: float) -> None:
    """The squares beyond r hold exp(-r²/s²) of all: 5 % at r = s · sqrt(ln 20)."""
    radius = deviation * math.sqrt(math.log(20))
    assert gaussian(deviation).most_energy == pytest.approx(math.sqrt(math.pi) * radius, rel=0.02)


# Coverings: under the patch at (2, 3) class 0 has lost 4 and class 1 has won 1; elsewhere nothing changes.

PLAIN = np.array([5, 2, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
LOGITS = np.tile(PLAIN, (28, 28, 1))
LOGITS[2, 3, :2] = 1, 3


@pytest.mark.parametrize(
    ("towards", "against", "expected"), [(0, None, 4), (1, None, -1), (2, None, 0), (0, 1, 5), (1, 0, -5), (0, 2, 4)]
)
def test_an_effect_is_what_the_patch_takes_from_a_logit_or_its_lead(
    towards: int, against: int | None, expected: int
) -> None:
    everywhere = np.zeros((28, 28))
    everywhere[2, 3] = expected
    np.testing.assert_array_equal(Occlusion(LOGITS, PLAIN).effect(towards, against), everywhere)


def test_answers_are_the_classes_with_the_largest_logits_under_each_patch() -> None:
    everywhere = np.zeros((28, 28))
    everywhere[2, 3] = 1
    np.testing.assert_array_equal(Occlusion(LOGITS, PLAIN).answers, everywhere)
