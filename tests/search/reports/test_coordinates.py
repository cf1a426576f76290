"""Values as places from 0 to 1 and as texts."""

import pytest

from mnistnet.search.choices import Choice, Pooling, RecipeOptions, RecipeRange, Value, Width
from mnistnet.search.reports.coordinates import described, place, text, ticks

WIDTH = Width(layer=0, low=8, high=16, step=4)
RATE = RecipeRange(field="learning_rate", low=0.01, high=1.0, log=True)
SHIFT = RecipeRange(field="shift", low=0.0, high=0.2)
BATCH = RecipeOptions(field="batch_size", options=(32, 64, 256))
POOL = Pooling(layer=1, behind=(0, 2))


@pytest.mark.parametrize(
    ("choice", "value", "at"),
    [
        (WIDTH, 8, 0),
        (WIDTH, 12, 0.5),
        (WIDTH, 16, 1),
        (RATE, 0.1, 0.5),
        (SHIFT, 0.05, 0.25),
        (BATCH, 64, 0.5),
        (POOL, 2, 1),
    ],
)
def test_a_value_stands_between_the_ends_of_its_choice(choice: Choice, value: Value, at: float) -> None:
    assert place(choice, value) == pytest.approx(at)


@pytest.mark.parametrize(("choice", "value"), [(WIDTH, 99), (RATE, 9.0), (SHIFT, -1.0)])
def test_a_value_from_elsewhere_stays_on_the_axis(choice: Choice, value: Value) -> None:
    assert 0 <= place(choice, value) <= 1


def test_an_axis_says_its_ends_and_few_options() -> None:
    assert ticks(RATE) == ((0.0, "0.01"), (1.0, "1"))
    assert ticks(BATCH) == ((0.0, "32"), (0.5, "64"), (1.0, "256"))
    assert [said for _, said in ticks(Width(layer=0, low=1, high=60))] == ["1", "60"]


def test_a_place_is_counted_from_one() -> None:
    assert text(POOL, 2) == "behind 3"
    assert described((WIDTH, POOL), {"width of layer 1": 8, "place of layer 2": 0}) == (
        "width of layer 1: 8, place of layer 2: behind 1"
    )
