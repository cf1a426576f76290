"""The learning-rate range test: the range in curves of a known form, and sweeps of real trainings."""

import math
from collections.abc import Callable
from random import Random

import pytest
import torch

from mnistnet.data import datasets
from mnistnet.data.datasets import Dataset
from mnistnet.insight.network.steps import finish
from mnistnet.nets.presets import PRESETS
from mnistnet.training import acceleration
from mnistnet.training.range_test import MOST, RateRange, Sweep, rates, smooth, suggest, sweep
from mnistnet.training.recipe import Recipe
from tests.support.samples import EXPLOSIVE, TINY, recipe

TRIED = rates(Recipe())
FALLS, LOWEST, RISES = 0.01, 0.5, 2.0  # rates of the synthetic curve


def loss(rate: float) -> float:
    """2.3 up to FALLS, straight down to 0.5 at LOWEST by the logarithm of the rate, flat, and up after RISES."""
    if rate >= RISES:
        return 0.5 + 20 * math.log10(rate / RISES)
    return 2.3 - 1.8 * min(1.0, max(0.0, math.log(rate / FALLS) / math.log(LOWEST / FALLS)))


def curve(change: Callable[[int, float], float] = lambda _, value: value) -> Sweep:
    return Sweep(TRIED, tuple(change(step, loss(rate)) for step, rate in enumerate(TRIED)))


def within(found: RateRange | None, low: tuple[float, float], high: tuple[float, float]) -> bool:
    return found is not None and low[0] <= found.low <= low[1] and high[0] <= found.high <= high[1]


# The range


def test_the_range_goes_from_where_the_loss_falls_to_well_before_it_rises() -> None:
    assert within(curve().range, (FALLS, 5 * FALLS), (RISES / 5, RISES))


@pytest.mark.parametrize("spike", [50.0, 0.01], ids=["up", "down"])
@pytest.mark.parametrize("places", [{0}, {3}, {10, 11}, {5, 20, 40}, {70}], ids=str)
def test_spikes_leave_the_range_as_it_is(spike: float, places: set[int]) -> None:
    spiky = curve(lambda step, value: spike if step in places else value)
    calm = curve().range
    assert spiky.range is not None
    assert calm is not None
    assert spiky.range.low == pytest.approx(calm.low, rel=0.35)  # three steps are 1.24
    assert spiky.range.high == pytest.approx(calm.high, rel=0.35)


@pytest.mark.parametrize("seed", range(10))
def test_noise_leaves_the_range_near_where_it_is(seed: int) -> None:
    draw = Random(seed)
    noisy = curve(lambda _, value: value + draw.gauss(0, 0.1))
    assert within(noisy.range, (FALLS / 2, 6 * FALLS), (RISES / 8, 1.5 * RISES))


@pytest.mark.parametrize("flat", [lambda *_: 2.3, lambda step, _: 2.3 + step / 10], ids=["flat", "rising"])
def test_a_loss_that_never_falls_gives_no_range(flat: Callable[[int, float], float]) -> None:
    assert curve(flat).range is None


@pytest.mark.parametrize("seed", range(10))
def test_noise_alone_gives_no_range(seed: int) -> None:
    draw = Random(seed)
    assert curve(lambda *_: 2.3 + draw.gauss(0, 0.15)).range is None


def test_a_loss_that_falls_to_the_end_gives_a_range_that_ends_at_its_lowest() -> None:
    falling = Sweep(TRIED, tuple(2.3 - step / 100 for step in range(len(TRIED))))
    assert falling.range is not None
    assert falling.range.high == TRIED[-1]


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_sweep_that_ended_at_once_gives_no_range(count: int) -> None:
    assert suggest(TRIED[:count], smooth([2.0] * count)) is None


def test_smoothing_keeps_a_constant_as_it_is() -> None:
    assert smooth([1.5] * 30) == pytest.approx([1.5] * 30)


# What is taken over


def test_a_falling_schedule_takes_the_upper_end_and_a_constant_rate_the_middle() -> None:
    found = RateRange(0.01, 0.3612)
    assert found.peak(Recipe(schedule="onecycle")) == found.peak(Recipe(schedule="cosine")) == 0.36
    assert found.peak(Recipe(schedule="constant")) == pytest.approx(0.06)


def test_the_peak_is_one_that_a_recipe_may_have() -> None:
    assert RateRange(1, 9.99).peak(Recipe()) <= MOST


# Real sweeps


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_a_real_sweep_suggests_a_range_around_the_rate_that_trains_the_preset(digits: Dataset) -> None:
    usual = Recipe().on("digits").changed(optimizer="muon")
    found = finish(sweep(PRESETS["mnistnet-min"].architecture, usual, digits)).range
    assert found is not None
    assert found.low < usual.learning_rate < 2 * found.high


def test_the_same_seed_gives_the_same_sweep_and_another_seed_another(digits: Dataset) -> None:
    first, again, other = (finish(sweep(TINY, recipe(seed=seed), digits, steps=12)) for seed in (1, 1, 2))
    assert first == again
    assert first.losses != other.losses


def test_a_sweep_goes_on_over_the_end_of_an_epoch(digits: Dataset) -> None:
    shares = []
    steps = sweep(TINY, recipe(batch_size=500), digits, steps=12)  # three steps an epoch
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as end:
            found: Sweep = end.value
            break
    assert shares == pytest.approx([step / 12 for step in range(1, 13)])
    assert len(found.losses) == 12
    assert all(0 < one < 20 for one in found.losses)


def test_divergence_ends_the_sweep_without_an_error(digits: Dataset) -> None:
    found = finish(sweep(EXPLOSIVE, recipe(optimizer="adam"), digits, steps=60))
    assert found.diverged
    assert len(found.rates) == len(found.losses) < 60
    assert all(map(math.isfinite, found.losses))


def test_a_sweep_loads_no_compiled_kernels(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceleration, "_tried", lambda: pytest.fail("kernels were loaded"))
    finish(sweep(TINY, recipe(), digits, steps=2))
    monkeypatch.undo()
    assert "range test" not in acceleration.absence()
