"""A design's budget bar and drawing: whose share is where, and that all of it is inside and legible."""

from itertools import pairwise

import pytest

from mnistnet.charts.design import budget, drawing
from mnistnet.charts.palette import LAYER, LIMIT
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.layer_types import TITLES
from mnistnet.nets.rules import PROFILES
from mnistnet.nets.summary import Summary, summarize
from tests.support import vega
from tests.support.contrast import GRAPHICS, TEXT, contrast, weakest
from tests.support.random_designs import designs
from tests.support.samples import conv, design

COURSE, TINY = PROFILES["20k"], PROFILES["4k"]
GLOBAL = {"type": "globalavgpool"}

# 3·3·4 = 36 parameters with 8 of batch norm, 4·5 and 5 biases, 5·10: shares of 44, 25 and 50.
SMALL = summarize(
    design(
        conv(4, after=["batchnorm", "relu"]),
        {"type": "maxpool", "size": 2},
        conv(5, 1, bias=True),
        {"type": "dropout", "rate": 0.1},
        conv(10, 1),
        GLOBAL,
    )
)
OVER = summarize(design(conv(64), conv(64), conv(10), GLOBAL))
GROWING = summarize(design(*[conv(10, 1, padding=3)] * 8, GLOBAL))
EMPTY = summarize(design({"type": "dropout", "rate": 0.1}))
UNBUILDABLE = Summary(rows=(), fault=None)
WALKS = {"small": SMALL, "over": OVER, "growing": GROWING, "no parameters": EMPTY, "no rows": UNBUILDABLE}


@pytest.fixture(params=WALKS)
def any_walk(request: pytest.FixtureRequest) -> Summary:
    return WALKS[request.param]


def budget_of(of: Summary) -> vega.Spec:
    return vega.spec(budget(of, COURSE))


def pieces(spec: vega.Spec) -> list[vega.Row]:
    (bars,) = vega.layers(spec, "bar")
    return vega.rows(spec, bars)


def blocks(of: Summary) -> list[vega.Row]:
    spec = vega.spec(drawing(of))
    (rects,) = vega.layers(spec, "rect")
    return vega.rows(spec, rects)


# The budget


def test_each_layer_with_parameters_has_a_piece_of_its_length() -> None:
    shares = [(row["number"], row["parameters"], row["start"], row["stop"]) for row in pieces(budget_of(SMALL))]
    assert shares == [("1", 44, 0, 44), ("3", 25, 44, 69), ("5", 50, 69, 119)]


def test_a_piece_is_named_by_its_layer() -> None:
    assert [row["layer"] for row in pieces(budget_of(SMALL))] == ["1 convolution", "3 convolution", "5 convolution"]


@pytest.mark.parametrize("architecture", designs(25, seed=52), ids=lambda design: design.name[:4])
def test_the_pieces_of_a_design_join_and_end_at_its_parameters(architecture: Architecture) -> None:
    of = summarize(architecture)
    ends = [0, *(end for row in pieces(budget_of(of)) for end in (row["start"], row["stop"])), of.params]
    assert all(stop == start for stop, start in list(pairwise(ends))[::2])


def test_neighbouring_pieces_differ_in_shade() -> None:
    shades = [row["shade"] for row in pieces(budget_of(SMALL))]
    assert all(one != other for one, other in pairwise(shades))


def test_the_limit_stands_at_the_budget(any_walk: Summary) -> None:
    spec = vega.spec(budget(any_walk, TINY))
    (limit,) = vega.layers(spec, "tick")
    assert vega.levels(spec, limit, "x") == [TINY.params]


def test_the_limit_has_the_colour_of_limits() -> None:
    (limit,) = vega.layers(budget_of(SMALL), "tick")
    assert limit["mark"]["color"] == LIMIT


def test_the_budget_axis_contains_the_limit_and_all_parameters(any_walk: Summary) -> None:
    low, high = vega.scale(budget_of(any_walk), "x")["domain"]
    assert low == 0
    assert high > max(COURSE.params, any_walk.params)


def test_the_number_of_a_piece_can_be_read_on_either_shade() -> None:
    spec = budget_of(SMALL)
    (numbers,) = vega.layers(spec, "text")
    assert min(contrast(numbers["mark"]["color"], shade) for shade in vega.colours(spec).values()) >= TEXT


def test_a_budget_without_parameters_is_an_empty_bar() -> None:
    assert pieces(budget_of(EMPTY)) == []


# The drawing


def test_only_what_shapes_the_map_is_drawn() -> None:
    assert [row["kind"] for row in blocks(SMALL)] == [
        "convolution",
        "max pool",
        "convolution",
        "convolution",
        "global average pool",
    ]


def test_a_block_is_as_high_as_its_map() -> None:
    assert [row["y"] - row["y2"] for row in blocks(SMALL)] == [26, 13, 13, 13, 1]


def test_a_block_is_labelled_with_its_channels_and_map() -> None:
    assert [(row["channels"], row["map"]) for row in blocks(SMALL)] == [
        (4, "26×26"),
        (4, "13×13"),
        (5, "13×13"),
        (10, "13×13"),
        (10, "1×1"),
    ]


def test_more_channels_make_a_wider_block() -> None:
    first, *_, last = blocks(SMALL)
    assert last["x2"] - last["x"] > first["x2"] - first["x"]


@pytest.mark.parametrize("architecture", designs(25, seed=53), ids=lambda design: design.name[:4])
def test_blocks_stand_side_by_side_in_the_order_of_the_layers(architecture: Architecture) -> None:
    edges = [edge for row in blocks(summarize(architecture)) for edge in (row["x"], row["x2"])]
    assert edges == sorted(edges)


def test_all_blocks_and_labels_lie_inside_the_drawing(any_walk: Summary) -> None:
    spec = vega.spec(drawing(any_walk))
    (left, right), (bottom, top) = (vega.scale(spec, channel)["domain"] for channel in ("x", "y"))
    rows = blocks(any_walk)
    assert all(left < row["x"] < row["x2"] < right for row in rows)
    assert all(bottom < row["below"] < row["y2"] < row["y"] < row["above"] < top for row in rows)


def test_the_legend_has_each_kind_that_is_drawn_in_its_own_colour() -> None:
    used = ("conv", "maxpool", "globalavgpool")
    assert vega.colours(vega.spec(drawing(SMALL))) == {TITLES[kind]: LAYER[kind] for kind in used}


def test_a_drawing_of_nothing_is_an_empty_chart() -> None:
    assert blocks(UNBUILDABLE) == []


def test_a_design_with_a_fault_is_drawn_as_far_as_it_goes() -> None:
    faulty = summarize(design(conv(4), {"type": "maxpool", "size": 28}, conv(10)))
    assert [row["layer"] for row in blocks(faulty)] == ["1 convolution"]


# Both


@pytest.mark.parametrize("chart", ["budget", "drawing"])
def test_everything_stands_out_from_both_grounds(chart: str) -> None:
    spec = budget_of(SMALL) if chart == "budget" else vega.spec(drawing(SMALL))
    assert [found for found in vega.on_the_ground(spec) if weakest(*found) < GRAPHICS] == []


@pytest.mark.parametrize("chart", ["budget", "drawing"])
def test_no_chart_has_a_parameter_that_could_remount_it(chart: str) -> None:
    assert vega.names(budget_of(SMALL) if chart == "budget" else vega.spec(drawing(SMALL))) == []


@pytest.mark.parametrize("chart", ["budget", "drawing"])
def test_the_same_design_makes_the_same_chart(chart: str) -> None:
    first, second = (budget_of(SMALL) if chart == "budget" else vega.spec(drawing(SMALL)) for _ in range(2))
    assert first == second
