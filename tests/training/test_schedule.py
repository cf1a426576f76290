"""Learning rates against values worked out by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistnet.training.recipe import ScheduleName
from mnistnet.training.schedule import learning_rate
from tests.support.samples import recipe

# Seven steps stand at 1/8, 2/8, ... 7/8 of the way.
ROOT = 2**0.5 / 2
BY_HAND: dict[ScheduleName, list[float]] = {
    "onecycle": [0.5, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6],
    "cosine": [0.961939766, (1 + ROOT) / 2, 0.691341716, 0.5, 0.308658284, (1 - ROOT) / 2, 0.038060234],
    "constant": [1, 1, 1, 1, 1, 1, 1],
}


@pytest.mark.parametrize("schedule", BY_HAND)
def test_rates_are_those_worked_out_by_hand(schedule: ScheduleName) -> None:
    chosen = recipe(schedule=schedule, learning_rate=0.4)
    rates = [learning_rate(chosen, step, 7) for step in range(7)]
    assert rates == pytest.approx([0.4 * share for share in BY_HAND[schedule]], rel=1e-7)


@settings(deadline=None)
@given(schedule=st.sampled_from(list(BY_HAND)), steps=st.integers(1, 10_000), data=st.data())
def test_no_step_is_wasted_on_a_rate_of_zero_or_beyond_the_peak(
    schedule: ScheduleName, steps: int, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, steps - 1))
    assert 0 < learning_rate(recipe(schedule=schedule, learning_rate=0.4), step, steps) <= 0.4


def test_one_cycle_climbs_for_a_quarter_and_falls_for_the_rest() -> None:
    rates = [learning_rate(recipe(schedule="onecycle"), step, 999) for step in range(999)]
    peak = rates.index(max(rates))
    assert peak == 249
    assert rates == sorted(rates[: peak + 1]) + sorted(rates[peak + 1 :], reverse=True)
