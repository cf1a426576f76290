"""The widest layers that fit a budget, against trying every width."""

from collections.abc import Collection
from itertools import count
from random import Random

import pytest

from mnistnet.nets.architecture import Architecture, Conv, Linear, MaxPool
from mnistnet.nets.layer_types import own_width
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.nets.widths import fitted, largest_width
from tests.support.random_designs import designs

SEPARABLE = PRESETS["mnistnet-16k"].architecture
COUNTED = designs(300, seed=20_000)


def _with_width(design: Architecture, layer: int, channels: int) -> Architecture:
    layers = list(design.layers)
    layers[layer] = layers[layer].model_copy(update={"channels": channels})
    return design.with_layers(tuple(layers))


def _free_convs(design: Architecture) -> list[int]:
    weighted = [place for place, layer in enumerate(design.layers) if isinstance(layer, Conv | Linear)]
    return [place for place in weighted[:-1] if isinstance(design.layers[place], Conv)]


def test_largest_width_fits_and_one_more_does_not() -> None:
    random, checked = Random(5), 0
    for design in COUNTED:
        for layer in _free_convs(design):
            budget = random.choice((500, 4_000, 20_000, 100_000))
            width = largest_width(design, layer, budget)
            next_wider = 1 if width is None else width + 1
            assert width is None or summarize(_with_width(design, layer, width)).params < budget
            assert next_wider > 512 or summarize(_with_width(design, layer, next_wider)).params >= budget
            checked += 1
    assert checked > 500


def test_largest_width_is_the_same_as_trying_every_width() -> None:
    for name, layer in (("mnistnet-16k", 0), ("mnistnet-16k", 6), ("course-18738", 1), ("course-19290", 3)):
        design = PRESETS[name].architecture
        convs = _free_convs(design)
        place = convs[min(layer, len(convs) - 1)]
        fitting = [width for width in range(1, 513) if summarize(_with_width(design, place, width)).params < 20_000]
        assert largest_width(design, place, 20_000) == max(fitting)


def test_largest_width_stops_at_the_widest_layer_there_may_be() -> None:
    assert largest_width(SEPARABLE, 0, 10**9) == 512


def test_largest_width_is_none_for_the_layer_that_gives_the_outputs() -> None:
    assert largest_width(SEPARABLE, len(SEPARABLE.layers) - 1, 20_000) is None


def test_largest_width_is_none_where_one_channel_is_too_many() -> None:
    assert largest_width(SEPARABLE, 0, 5_000) is None


def test_largest_width_is_none_behind_a_layer_that_does_not_fit() -> None:
    layers = (MaxPool(size=28), MaxPool(size=2), Conv(channels=8, kernel=1), Conv(channels=10, kernel=1))
    assert largest_width(Architecture(name="n", layers=layers), 2, 20_000) is None


def test_largest_width_is_none_where_a_later_layer_cannot_be_counted() -> None:
    layers = (Conv(channels=16, kernel=3), MaxPool(size=26), Conv(channels=500, kernel=7), Conv(channels=10, kernel=1))
    assert largest_width(Architecture(name="n", layers=layers), 0, 20_000) is None


def _free(design: Architecture) -> list[int]:
    """The places of the layers with a width, except the last."""
    return [place for place, layer in enumerate(design.layers) if isinstance(layer, Conv | Linear)][:-1]


def _widths(design: Architecture) -> dict[int, int]:
    return {place: own_width(design.layers[place]) or 0 for place in _free(design)}


def _widened(design: Architecture, widths: dict[int, int]) -> Architecture:
    layers = list(design.layers)
    for place, width in widths.items():
        field = "channels" if isinstance(layers[place], Conv) else "features"
        layers[place] = layers[place].model_copy(update={field: width})
    return design.with_layers(tuple(layers))


def _scaled(design: Architecture, percent: int, kept: Collection[int] = ()) -> dict[int, int]:
    widths = _widths(design).items()
    return {place: width if place in kept else max(1, min(width * percent // 100, 512)) for place, width in widths}


def _params(design: Architecture, widths: dict[int, int]) -> int:
    return summarize(_widened(design, widths)).params


LINEAR = Architecture(
    name="n", layers=(Conv(channels=4, kernel=7, stride=2), MaxPool(size=2), Linear(features=8), Linear(features=10))
)


@pytest.mark.parametrize("budget", [4_000, 20_000, 60_000])
@pytest.mark.parametrize("name", [*PRESETS, "linear"])
def test_a_design_is_scaled_by_the_largest_common_factor_and_then_filled(name: str, budget: int) -> None:
    """Up where it is small, down where it is large; by trying every percent, and every layer with another channel."""
    design = PRESETS[name].architecture if name in PRESETS else LINEAR
    kept = _free(design)[1:3]
    for locked in ((), kept):
        after = _widths(fitted(design, budget, locked))
        factor = next(p for p in count(1) if _params(design, _scaled(design, p + 1, locked)) >= budget)
        assert all(after[place] >= width for place, width in _scaled(design, factor, locked).items())
        assert all(after[place] == _widths(design)[place] for place in locked)
        assert _params(design, after) < budget
        more = [{**after, place: after[place] + 1} for place in after if place not in locked and after[place] < 512]
        assert all(_params(design, wider) >= budget for wider in more)


def test_fitting_keeps_proportions_to_a_channel_or_two() -> None:
    before, after = _widths(SEPARABLE), _widths(fitted(SEPARABLE, 20_000))
    assert set(before.values()) == {16, 32, 48}
    assert {(before[place], after[place]) for place in before} == {(16, 19), (32, 37), (48, 54)}


@pytest.mark.parametrize("design", COUNTED[:60], ids=lambda design: design.name)
def test_fitting_never_makes_a_fault(design: Architecture) -> None:
    before, after = summarize(design), summarize(fitted(design, 1_000_000))
    assert after.fault is None or before.fault is not None
    assert fitted(design, 1_000_000) == design or after.params < 1_000_000


def test_no_layer_is_wider_than_it_may_be() -> None:
    assert set(_widths(fitted(SEPARABLE, 3_000_000)).values()) == {512}


@pytest.mark.parametrize("kept", [[], [0], range(20)])
def test_a_design_that_cannot_be_made_to_fit_stays_as_it_is(kept: Collection[int]) -> None:
    assert fitted(SEPARABLE, 10, kept) == SEPARABLE


def test_a_design_that_cannot_be_counted_stays_as_it_is() -> None:
    layers = (Conv(channels=16, kernel=3), MaxPool(size=26), Conv(channels=500, kernel=7), Conv(channels=10, kernel=1))
    assert fitted(Architecture(name="n", layers=layers), 20_000).layers == layers
