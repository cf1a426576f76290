"""What two or more networks get wrong: sets written by hand, McNemar's test against sums of binomial coefficients."""

from fractions import Fraction
from math import comb

import numpy as np
import numpy.typing as npt
import pytest

from mnistnet.insight.predictions.pairs import Pair, agreement, pair


def classes(*values: int) -> npt.NDArray[np.uint8]:
    return np.array(values, np.uint8)


LABELS = classes(0, 1, 2, 3, 4, 5, 6)
FIRST = classes(0, 1, 7, 8, 9, 5, 0)  # wrong at 2, 3, 4, 6
SECOND = classes(0, 7, 2, 8, 4, 5, 1)  # wrong at 1, 3, 6
THIRD = classes(7, 1, 2, 8, 9, 5, 0)  # wrong at 0, 3, 4, 6


def test_fixed_are_those_that_were_wrong_and_are_right() -> None:
    assert pair(FIRST, SECOND, LABELS).fixed.tolist() == [2, 4]


def test_broken_are_those_that_were_right_and_are_wrong() -> None:
    assert pair(FIRST, SECOND, LABELS).newly_wrong.tolist() == [1]


def test_wrong_twice_are_those_that_stayed_wrong_whatever_the_answers() -> None:
    assert pair(FIRST, SECOND, LABELS).wrong_twice.tolist() == [3, 6]


def test_a_pair_counts_all_images() -> None:
    assert pair(FIRST, SECOND, LABELS).total == 7


@pytest.mark.parametrize(
    ("before", "after", "labels", "given"),
    [
        (FIRST[:6], SECOND, LABELS, "6, 7 and 7"),
        (FIRST, SECOND[:1], LABELS, "7, 1 and 7"),
        (FIRST, SECOND, LABELS[:5], "7, 7 and 5"),
    ],
    ids=["before", "after", "labels"],
)
def test_a_pair_of_unlike_lengths_is_refused(
    before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8], given: str
) -> None:
    with pytest.raises(ValueError, match=f"^{given}: give as many guesses as labels$"):
        pair(before, after, labels)


def counted(fixed: int, broken: int) -> Pair:
    return Pair(np.arange(fixed), np.arange(broken), wrong_twice=np.arange(3), total=10_000)


def exact(fixed: int, broken: int) -> float:
    """Both tails of the binomial distribution at one half."""
    total = fixed + broken
    tail = sum(comb(total, successes) for successes in range(min(fixed, broken) + 1))
    return min(1.0, float(2 * Fraction(tail, 2**total)))


@pytest.mark.parametrize(
    ("fixed", "broken"),
    [(1, 0), (0, 1), (0, 10), (3, 3), (3, 4), (5, 15), (15, 5), (1, 40), (48, 52), (130, 90)],
)
def test_the_p_value_is_mcnemars_exact_one(fixed: int, broken: int) -> None:
    assert counted(fixed, broken).p_value == pytest.approx(exact(fixed, broken), rel=1e-9)


def test_ten_fixed_and_none_broken_is_as_likely_as_ten_heads_or_ten_tails() -> None:
    assert counted(10, 0).p_value == pytest.approx(2 / 1024)


def test_networks_that_never_differ_have_a_p_value_of_1() -> None:
    assert counted(0, 0).p_value == 1.0


def test_the_hard_core_is_what_all_get_wrong_even_where_answers_differ() -> None:
    assert agreement([FIRST, SECOND, THIRD], LABELS).wrong_in_all.tolist() == [3, 6]


def test_unanimous_are_images_that_all_answer_alike_right_or_wrong() -> None:
    assert agreement([FIRST, SECOND, THIRD], LABELS).unanimous == 2  # 3, all wrong, and 5, all right


def test_wrong_by_counts_the_networks_that_miss_each_image() -> None:
    assert agreement([FIRST, SECOND, THIRD], LABELS).wrong_by.tolist() == [1, 1, 1, 3, 2, 0, 3]


def test_agreement_counts_networks_and_images() -> None:
    found = agreement([FIRST, SECOND, THIRD], LABELS)
    assert (found.networks, found.total) == (3, 7)


def test_one_network_agrees_with_itself() -> None:
    found = agreement([FIRST], LABELS)
    assert (found.unanimous, found.wrong_in_all.tolist()) == (7, [2, 3, 4, 6])


@pytest.mark.parametrize(
    ("guesses", "given"), [([], r"\[\]"), ([FIRST, SECOND[:2]], r"\[7, 2\]")], ids=["none", "too short"]
)
def test_agreement_of_none_or_of_unlike_lengths_is_refused(guesses: list[npt.NDArray[np.uint8]], given: str) -> None:
    with pytest.raises(ValueError, match=f"^{given} guesses for 7 labels: give as many, at least once$"):
        agreement(guesses, LABELS)
