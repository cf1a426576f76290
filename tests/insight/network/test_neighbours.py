"""The rows most like a wanted one, by cosines that can be worked out in the head."""

import numpy as np
import pytest

from mnistnet.data.datasets import Floats
from mnistnet.insight.network.neighbours import nearest


def floats(*rows: tuple[float, ...]) -> Floats:
    return np.array(rows, np.float32)


RIGHT = np.array([2, 0], np.float32)
FIVE = floats((-2, 0), (0, 1), (3, 4), (0, 0), (5, 0))


def test_the_nearest_come_first_with_their_cosine_whatever_their_length() -> None:
    found = nearest(FIVE, RIGHT, 2)
    assert [place for place, _ in found] == [4, 2]
    assert [cosine for _, cosine in found] == pytest.approx([1.0, 0.6])


def test_a_row_of_zeros_is_like_nothing() -> None:
    assert dict(nearest(FIVE, RIGHT, 5))[3] == 0.0


def test_nothing_is_like_a_wanted_row_of_zeros() -> None:
    assert nearest(FIVE, np.zeros(2, np.float32), 3) == [(0, 0.0), (1, 0.0), (2, 0.0)]


def test_the_opposite_comes_last() -> None:
    assert [place for place, _ in nearest(FIVE, RIGHT, 5)] == [4, 2, 1, 3, 0]


def test_equally_near_rows_keep_their_order() -> None:
    rows = floats((0, 1), *[(2.0**power, 0) for power in (3, -9, 0, 5)], (0, 1))
    assert [place for place, _ in nearest(rows, RIGHT, 6)] == [1, 2, 3, 4, 0, 5]


def test_more_than_there_are_is_all_there_are() -> None:
    assert len(nearest(FIVE, RIGHT, 9)) == 5
