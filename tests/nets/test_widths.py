"""The widest layers that fit a budget, against trying every width."""

from random import Random

import pytest

from mnistnet.nets.architecture import Architecture, Conv, Linear, MaxPool
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.nets.widths import largest_width, shrunk
from tests.support.random_designs import designs

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
    assert largest_width(FIRST.architecture, 0, 10**9) == 512


def test_largest_width_is_none_for_the_layer_that_gives_the_outputs() -> None:
    assert largest_width(FIRST.architecture, len(FIRST.architecture.layers) - 1, 20_000) is None


def test_largest_width_is_none_where_one_channel_is_too_many() -> None:
    assert largest_width(FIRST.architecture, 0, 5_000) is None


def test_largest_width_is_none_behind_a_layer_that_does_not_fit() -> None:
    layers = (MaxPool(size=28), MaxPool(size=2), Conv(channels=8, kernel=1), Conv(channels=10, kernel=1))
    assert largest_width(Architecture(name="n", layers=layers), 2, 20_000) is None


def test_largest_width_is_none_where_a_later_layer_cannot_be_counted() -> None:
    layers = (Conv(channels=16, kernel=3), MaxPool(size=26), Conv(channels=500, kernel=7), Conv(channels=10, kernel=1))
    assert largest_width(Architecture(name="n", layers=layers), 0, 20_000) is None


def _scaled(design: Architecture, percent: int) -> Architecture:
    for place in _free_convs(design):
        layer = design.layers[place]
        assert isinstance(layer, Conv)
        design = _with_width(design, place, max(1, layer.channels * percent // 100))
    return design


def _widths(design: Architecture) -> list[int]:
    return [layer.channels for layer in design.layers if isinstance(layer, Conv)]


@pytest.mark.parametrize("name", PRESETS)
def test_shrinking_takes_no_layer_below_the_largest_common_factor_that_fits(name: str) -> None:
    wide = _scaled(PRESETS[name].architecture, 300)
    fitting = max(percent for percent in range(1, 101) if summarize(_scaled(wide, percent)).params < 20_000)
    pairs = zip(_widths(_scaled(wide, fitting)), _widths(shrunk(wide, 20_000)), _widths(wide), strict=True)
    assert all(low <= width <= high for low, width, high in pairs)


@pytest.mark.parametrize("name", PRESETS)
def test_shrinking_leaves_no_room_for_another_channel(name: str) -> None:
    wide = _scaled(PRESETS[name].architecture, 300)
    fits = shrunk(wide, 20_000)
    assert summarize(fits).params < 20_000
    for place in _free_convs(fits):
        layer, before = fits.layers[place], wide.layers[place]
        assert isinstance(layer, Conv)
        assert layer == before or summarize(_with_width(fits, place, layer.channels + 1)).params >= 20_000


def test_a_design_that_fits_is_not_shrunk() -> None:
    assert shrunk(FIRST.architecture, 20_000) == FIRST.architecture


def test_a_design_that_cannot_be_made_to_fit_stays_as_it_is() -> None:
    assert shrunk(FIRST.architecture, 10) == FIRST.architecture
