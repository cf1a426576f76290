"""The chart of a range test: its range, its axis and the sentence beside it."""

from mnistnet.charts.range_test import range_chart, takeaway
from mnistnet.training.range_test import Sweep, rates
from mnistnet.training.recipe import Recipe
from tests.support import vega
from tests.support.contrast import GRAPHICS, weakest

TRIED = rates(Recipe())
FALLING = Sweep(TRIED, tuple(2.3 - step / 100 for step in range(len(TRIED))))
FLAT = Sweep(TRIED[:60], (2.3,) * 60, diverged=True)


def test_the_range_is_shaded_over_a_logarithmic_axis() -> None:
    spec = vega.spec(range_chart(FALLING, 0.2))
    (area,) = vega.layers(spec, "rect")
    assert FALLING.range is not None
    assert vega.rows(spec, area) == [{"rate": FALLING.range.low, "high": FALLING.range.high}]
    assert all(layer["encoding"]["x"]["scale"]["type"] == "log" for layer in spec["layer"])
    assert "logarithmic" in str(area["encoding"]["x"]["axis"]["title"])


def test_without_a_range_nothing_is_shaded() -> None:
    assert vega.layers(vega.spec(range_chart(FLAT, 0.2)), "rect") == []


def test_a_current_rate_beyond_the_sweep_is_on_the_axis() -> None:
    (rule,) = vega.layers(spec := vega.spec(range_chart(FLAT, 5.0)), "rule")
    assert rule["encoding"]["x"]["scale"]["domain"][1] == 5.0
    assert vega.rows(spec, rule) == [{"rate": 5.0}]


def test_lines_and_points_stand_out_on_both_grounds() -> None:
    spec = vega.spec(range_chart(FALLING, 0.2))
    lines = {**spec, "layer": [layer for layer in spec["layer"] if layer["mark"]["type"] != "rect"]}
    assert [found for found in vega.on_the_ground(lines) if weakest(*found) < GRAPHICS] == []


def test_the_sentence_says_the_range_or_that_there_is_none() -> None:
    assert "range " in takeaway(FALLING)
    assert takeaway(FLAT).endswith("no range: the loss never clearly fell; the loss diverged at 0.015")
