"""Runs over each other and in the accuracy-parameters plane: what stands where, and what the axes say."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from mnistnet.charts.comparison import Point, overlay, plane
from mnistnet.nets.presets import PRESETS, PUBLIC
from tests.support import vega
from tests.support.contrast import GRAPHICS, weakest
from tests.support.samples import metrics

TARGET = 0.994
RUNS = {
    "wide · 1a": [metrics(1, validation_accuracy=0.75), metrics(2, validation_accuracy=0.875)],
    "deep · 2b": [metrics(1, validation_accuracy=0.9375)],
}
GOOD = Point("wide · 1a", 8_000, 0.9941, 0.9924, 0.9954, "holdout")
POOR = Point("deep · 2b", 190, 0.5, 0.4902, 0.5098, "course")
MEAN = Point("mnistnet-4k", 3_120, 0.9951, 0.9935, 0.9963, "holdout")
FINAL = Point("mnistnet-4k", 3_120, 0.9955, 0.9940, 0.9966, "course")
HOPELESS = Point("none · 3c", 12, 0.0, 0.0, 0.0004, "holdout")
PUBLISHED = {preset.name: (preset.params, preset.published.accuracy) for preset in PRESETS.values() if preset.published}

Draw = Callable[[], Any]
CHARTS: dict[str, Draw] = {
    "overlay": lambda: overlay(RUNS, TARGET),
    "overlay of none": lambda: overlay({}, TARGET),
    "plane": lambda: plane([GOOD, POOR], [], [], TARGET),
    "plane of none": lambda: plane([], [], [], TARGET),
    "plane with a gallery": lambda: plane([GOOD], [MEAN], [FINAL], TARGET),
}


@pytest.fixture(params=CHARTS)
def chart(request: pytest.FixtureRequest) -> vega.Spec:
    return vega.spec(CHARTS[request.param]())


def dots(spec: vega.Spec) -> vega.Spec:
    """The layer of our own runs: the filled points that are not squares."""
    return filled(spec)[None]


def squares(spec: vega.Spec) -> vega.Spec:
    """The layer of the gallery's means."""
    return filled(spec)["square"]


def filled(spec: vega.Spec) -> dict[str | None, vega.Spec]:
    return {layer["mark"].get("shape"): layer for layer in vega.layers(spec, "point") if layer["mark"]["filled"]}


def diamonds(spec: vega.Spec) -> vega.Spec:
    """The layer of what others state."""
    (found,) = [layer for layer in vega.layers(spec, "point") if "shape" in layer["encoding"]]
    return found


def rules(spec: vega.Spec, spans: bool) -> vega.Spec:
    """The layer of the runs' intervals, which span from low to high, or the goal, which does not."""
    return [layer for layer in vega.layers(spec, "rule") if ("y2" in layer["encoding"]) == spans][-1]


def test_no_chart_has_a_parameter_that_could_remount_it(chart: vega.Spec) -> None:
    assert vega.names(chart) == []


def test_everything_stands_out_from_both_grounds(chart: vega.Spec) -> None:
    assert [found for found in vega.on_the_ground(chart) if weakest(*found) < GRAPHICS] == []


def test_the_overlay_draws_the_validation_error_of_each_run() -> None:
    spec = vega.spec(overlay(RUNS, TARGET))
    rows = vega.rows(spec, vega.layers(spec, "line")[0])
    assert [(row["run"], row["epoch"], row["error"]) for row in rows] == [
        ("wide · 1a", 1, 0.25),
        ("wide · 1a", 2, 0.125),
        ("deep · 2b", 1, 0.0625),
    ]


def test_the_overlay_of_no_run_is_an_empty_chart_with_its_goal() -> None:
    spec = vega.spec(overlay({}, TARGET))
    assert [len(vega.rows(spec, layer)) for layer in spec["layer"]] == [0, 1]


def test_the_overlay_says_that_its_axis_is_logarithmic() -> None:
    spec = vega.spec(overlay(RUNS, TARGET))
    assert (vega.scale(spec, "y")["type"], vega.title(spec, "y")) == ("log", "validation error (log axis)")


def test_a_run_without_an_error_has_a_place_on_the_logarithmic_axis() -> None:
    spec = vega.spec(overlay({"perfect": [metrics(1, validation_accuracy=1.0)]}, TARGET))
    assert vega.levels(spec, vega.layers(spec, "line")[0], "y")[0] > 0


def test_runs_differ_by_dashes_as_well_as_by_colour() -> None:
    line = vega.layers(vega.spec(overlay(RUNS, TARGET)), "line")[0]["encoding"]
    assert (line["color"]["field"], line["strokeDash"]["field"]) == ("run", "run")


def test_a_run_has_one_colour_in_both_charts() -> None:
    over, beside = vega.spec(overlay(RUNS, TARGET)), vega.spec(plane([GOOD], [], [], TARGET, list(RUNS)))
    scales = [layer["encoding"]["color"]["scale"]["domain"] for layer in (vega.layers(over, "line")[0], dots(beside))]
    assert scales == [list(RUNS), list(RUNS)]


def test_the_plane_names_its_runs_in_a_legend() -> None:
    spec = vega.spec(plane([GOOD], [], [], TARGET, list(RUNS)))
    legends = [layer["encoding"]["color"]["legend"] for layer in (rules(spec, spans=True), dots(spec))]
    assert [legend["values"] for legend in legends] == [[GOOD.label]] * 2


def test_the_goal_of_the_overlay_stands_at_the_error_that_is_left() -> None:
    spec = vega.spec(overlay(RUNS, TARGET))
    assert vega.levels(spec, rules(spec, spans=False), "y") == [1 - TARGET]


def test_the_goal_of_the_plane_stands_at_the_target() -> None:
    spec = vega.spec(plane([GOOD], [], [], TARGET))
    assert vega.levels(spec, rules(spec, spans=False), "y") == [TARGET]


def test_the_plane_puts_each_run_at_its_parameters_and_accuracy() -> None:
    spec = vega.spec(plane([GOOD, POOR], [], [], TARGET))
    layer = dots(spec)
    assert [vega.levels(spec, layer, channel) for channel in ("x", "y")] == [[8_000, 190], [0.9941, 0.5]]


def test_the_plane_draws_each_interval_from_its_low_to_its_high_end() -> None:
    spec = vega.spec(plane([GOOD], [], [], TARGET))
    layer = rules(spec, spans=True)
    assert [vega.levels(spec, layer, channel) for channel in ("x", "y", "y2")] == [[8_000], [0.9924], [0.9954]]


def test_the_plane_shows_the_solutions_that_state_an_accuracy() -> None:
    spec = vega.spec(plane([], [], [], TARGET))
    rows = vega.rows(spec, diamonds(spec))
    stated = {row["label"]: (row["params"], row["accuracy"]) for row in rows if row["kind"] == "published"}
    assert stated == PUBLISHED


def test_the_plane_shows_other_public_results_with_their_protocol() -> None:
    spec = vega.spec(plane([], [], [], TARGET))
    rows = [row for row in vega.rows(spec, diamonds(spec)) if row["kind"] == "public"]
    assert [(row["params"], row["accuracy"], row["protocol"]) for row in rows] == [
        (result.params, result.accuracy, result.protocol) for result in PUBLIC
    ]


def test_runs_means_and_what_others_state_differ_by_shape_as_well_as_by_colour() -> None:
    spec = vega.spec(plane([GOOD], [MEAN], [], TARGET))
    assert set(filled(spec)) == {None, "square"}
    assert diamonds(spec)["encoding"]["shape"]["scale"]["range"] == ["diamond", "cross"]


def test_the_gallery_is_named_and_has_its_intervals() -> None:
    spec = vega.spec(plane([], [MEAN], [FINAL], TARGET))
    above, below, beside = vega.layers(spec, "text")
    assert vega.levels(spec, above, "text") == ["mnistnet-4k"]
    assert vega.levels(spec, above, "y") == [0.9966]  # clear of the final fit's interval too
    assert vega.levels(spec, below, "text") == vega.levels(spec, beside, "text") == []
    assert vega.levels(spec, squares(spec), "y") == [0.9951]
    spans = [layer for layer in vega.layers(spec, "rule") if "y2" in layer["encoding"]]
    assert [vega.levels(spec, spans[1], channel) for channel in ("y", "y2")] == [[0.9935], [0.9963]]


def test_names_of_published_nets_of_much_the_same_size_stand_clear_of_each_others_intervals() -> None:
    sizes = {"course-10216": 10_216, "course-10040": 10_040, "course-18738": 18_738}
    spec = vega.spec(
        plane([], [Point(name, size, 0.995, 0.993, 0.997, "course") for name, size in sizes.items()], [], TARGET)
    )
    *_, beside = vega.layers(spec, "text")
    assert vega.levels(spec, beside, "x") == [10_216, 10_216, 18_738]


def test_no_name_of_the_gallery_lies_on_another() -> None:
    nets = (("4k", 4_000, 0.9951), ("5k", 5_000, 0.9952), ("6k", 6_000, 0.9951), ("20k", 20_000, 0.9951))
    spec = vega.spec(
        plane([], [Point(name, size, high - 0.001, 0.993, high, "holdout") for name, size, high in nets], [], TARGET)
    )
    low, high = vega.scale(spec, "y")["domain"]
    above, *_ = vega.layers(spec, "text")
    levels = dict(zip(vega.levels(spec, above, "text"), vega.levels(spec, above, "y"), strict=True))
    near = sorted(levels[name] for name in ("4k", "5k", "6k"))
    assert all(upper - lower > 0.04 * (high - low) for lower, upper in itertools.pairwise(near))
    assert levels["20k"] == 0.9951  # has no name near


def test_of_two_nets_of_one_size_the_worse_ones_name_stands_below_its_interval() -> None:
    better, worse = MEAN, Point("plain", 3_200, 0.9941, 0.9925, 0.9955, "holdout")
    spec = vega.spec(plane([], [better, worse], [], TARGET))
    above, below, _ = vega.layers(spec, "text")
    assert [vega.levels(spec, above, channel) for channel in ("text", "y")] == [["mnistnet-4k"], [0.9963]]
    assert [vega.levels(spec, below, channel) for channel in ("text", "y")] == [["plain"], [0.9925]]


def test_the_marks_of_the_logarithmic_axis_are_few_and_lie_on_it() -> None:
    spec = vega.spec(overlay(RUNS, TARGET))
    low, high = vega.scale(spec, "y")["domain"]
    marks = vega.layers(spec, "line")[0]["encoding"]["y"]["axis"]["values"]
    assert 2 <= len(marks) <= 12
    assert all(low <= mark <= high for mark in marks)
    assert all(low < error < high for error in vega.levels(spec, vega.layers(spec, "line")[0], "y"))


def test_a_final_fit_is_a_hollow_square_with_its_interval() -> None:
    spec = vega.spec(plane([], [MEAN], [FINAL], TARGET))
    (hollow,) = [
        layer
        for layer in vega.layers(spec, "point")
        if layer["mark"].get("shape") == "square" and not layer["mark"]["filled"]
    ]
    assert vega.levels(spec, hollow, "y") == [0.9955]
    assert "gallery, final fit" in [hint.get("title") for hint in hollow["encoding"]["tooltip"]]
    spans = [layer for layer in vega.layers(spec, "rule") if "y2" in layer["encoding"]]
    assert [vega.levels(spec, spans[0], channel) for channel in ("y", "y2")] == [[0.9940], [0.9966]]


def test_what_others_state_says_so_and_under_which_protocol() -> None:
    hints = diamonds(vega.spec(plane([], [], [], TARGET)))["encoding"]["tooltip"]
    assert "as stated" in [hint.get("title") for hint in hints]
    assert "protocol" in [hint.get("field") for hint in hints]


@pytest.mark.parametrize("points", [[], [GOOD], [GOOD, POOR], [HOPELESS]], ids=["none", "good", "poor", "hopeless"])
def test_the_plane_contains_all_intervals_and_the_goal(points: list[Point]) -> None:
    low, high = vega.scale(vega.spec(plane(points, [], [], TARGET)), "y")["domain"]
    levels = [TARGET, *(level for _, level in PUBLISHED.values())]
    levels += [end for point in points for end in (point.low, point.high)]
    assert low <= min(levels) <= max(levels) <= high


@pytest.mark.parametrize("points", [[], [GOOD], [POOR], [HOPELESS]], ids=["none", "good", "poor", "hopeless"])
def test_the_plane_says_where_its_axis_starts(points: list[Point]) -> None:
    spec = vega.spec(plane(points, [], [], TARGET))
    assert vega.title(spec, "y") == f"test accuracy (axis starts at {vega.scale(spec, 'y')['domain'][0]:.2%})"


def test_no_accuracy_axis_starts_below_zero() -> None:
    assert vega.scale(vega.spec(plane([HOPELESS], [], [], TARGET)), "y")["domain"][0] == 0


@pytest.mark.parametrize("draw", [lambda: overlay(RUNS, TARGET), lambda: plane([GOOD, POOR], [], [], TARGET)])
def test_the_same_runs_make_the_same_chart(draw: Draw) -> None:
    assert vega.spec(draw()) == vega.spec(draw())
