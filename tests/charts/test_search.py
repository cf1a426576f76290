"""The charts of a search: what stands where for none, one and many trials, and that forms take other rows."""

from collections.abc import Callable

import pytest

from mnistnet.charts import choices, search
from mnistnet.charts.choices import Axis, Line
from mnistnet.charts.search import Curve, Dot, Reference
from tests.support import vega
from tests.support.contrast import GRAPHICS, weakest

DOTS = [Dot(0, 7_000, 0.97, "width 8"), Dot(2, 6_000, 0.96), Dot(3, 7_500, 0.98), Dot(5, 7_900, 0.975)]
FRONT = [DOTS[2], DOTS[0], DOTS[1]]
NETS = [Reference("mnistnet-8k", 7_514, 0.9949, "mnistnet-8k"), Reference("plain-16k", 16_170, 0.9935)]
BUDGET = 8_000
AXES = [Axis("width of layer 1", ((0.0, "8"), (1.0, "16"))), Axis("rate", ((0.0, "0.01"), (1.0, "0.1")))]
LINES = [Line(0, 0.98, (0.5, 1.0), ("12", "0.1")), Line(1, 0.91, (0.0, 0.25), ("8", "0.02"))]
CURVES = [
    Curve(0, (0.90, 0.95), "best"),
    Curve(1, (0.50,), "pruned"),
    Curve(2, (0.90,), "training"),
    Curve(3, (0.91, 0.93), "done"),
]

CHARTS: dict[str, Callable[[], vega.Spec]] = {
    "best so far": lambda: search.best_so_far(DOTS),
    "best of none": lambda: search.best_so_far([]),
    "plane": lambda: search.plane(DOTS, FRONT, NETS, BUDGET),
    "plane of one": lambda: search.plane(DOTS[:1], DOTS[:1], [], BUDGET),
    "parallel": lambda: choices.parallel(AXES, LINES),
    "parallel of one": lambda: choices.parallel(AXES, LINES[:1]),
    "importance": lambda: choices.importance({"rate": 0.25, "width": 0.75}),
    "curves": lambda: search.curves(CURVES, 2),
}


@pytest.fixture(params=CHARTS)
def chart(request: pytest.FixtureRequest) -> vega.Spec:
    return vega.spec(CHARTS[request.param]())


def test_no_chart_has_a_parameter_that_could_remount_it(chart: vega.Spec) -> None:
    assert vega.names(chart) == []


def test_every_colour_stands_out_from_both_grounds(chart: vega.Spec) -> None:
    assert [found for found in vega.on_the_ground(chart) if weakest(*found) < GRAPHICS] == []


def test_the_best_so_far_never_falls() -> None:
    spec = vega.spec(search.best_so_far(DOTS))
    (line,) = vega.layers(spec, "line")
    assert vega.levels(spec, line, "x") == [0, 2, 3, 5]
    assert vega.levels(spec, line, "y") == [0.97, 0.97, 0.98, 0.98]
    assert line["mark"]["interpolate"] == "step-after"


def test_each_trial_is_a_dot_beside_the_best_so_far() -> None:
    spec = vega.spec(search.best_so_far(DOTS))
    (dots,) = vega.layers(spec, "point")
    assert vega.levels(spec, dots, "y") == [0.97, 0.96, 0.98, 0.975]


@pytest.mark.parametrize("draw", ["best so far", "plane", "curves"])
def test_an_axis_says_where_it_starts(draw: str) -> None:
    spec = vega.spec(CHARTS[draw]())
    assert vega.title(spec, "y") == f"validation accuracy (axis starts at {vega.scale(spec, 'y')['domain'][0]:.1%})"


def test_a_poor_trial_among_many_does_not_flatten_the_others_and_is_counted() -> None:
    accuracies = [0.1, *[0.97 + number / 1_000 for number in range(20)]]
    spec = vega.spec(search.best_so_far([Dot(number, 100, one) for number, one in enumerate(accuracies)]))
    low, high = vega.scale(spec, "y")["domain"]
    assert 0.9 < low < 0.97 < max(accuracies) <= high
    assert search.below(accuracies) == 1


def test_the_axis_holds_the_nets_of_the_gallery_and_every_trial_of_a_few() -> None:
    low, high = vega.scale(vega.spec(search.plane(DOTS, FRONT, NETS, BUDGET)), "y")["domain"]
    assert low <= 0.96
    assert 0.9949 <= high <= 1.001


def test_the_front_is_a_line_of_steps_by_parameters() -> None:
    spec = vega.spec(search.plane(DOTS, FRONT, NETS, BUDGET))
    (line,) = vega.layers(spec, "line")
    assert [vega.levels(spec, line, channel) for channel in ("x", "y")] == [
        [6_000, 7_000, 7_500],
        [0.96, 0.97, 0.98],
    ]
    assert line["mark"]["interpolate"] == "step-after"


def test_the_budget_is_a_dashed_line() -> None:
    spec = vega.spec(search.plane(DOTS, FRONT, NETS, BUDGET))
    (rule,) = vega.layers(spec, "rule")
    assert vega.levels(spec, rule, "x") == [BUDGET]
    assert rule["mark"]["strokeDash"]


def test_nets_of_the_gallery_far_over_the_budget_are_left_out() -> None:
    spec = vega.spec(search.plane(DOTS, FRONT, NETS, BUDGET))
    (names,) = vega.layers(spec, "text")
    assert vega.levels(spec, names, "text") == ["mnistnet-8k"]


def test_a_data_set_without_a_gallery_has_no_empty_layer() -> None:
    spec = vega.spec(search.plane(DOTS, FRONT, [], BUDGET))
    assert [layer for layer in spec["layer"] if not vega.rows(spec, layer)] == []


def test_the_gallerys_figure_is_said_to_be_of_the_test_set() -> None:
    spec = vega.spec(search.plane(DOTS, FRONT, NETS, BUDGET))
    squares = next(layer for layer in vega.layers(spec, "point") if layer["mark"].get("shape") == "square")
    assert "test" in [hint.get("title") for hint in squares["encoding"]["tooltip"]]


def test_parallel_coordinates_draw_a_line_a_trial_the_best_in_front() -> None:
    spec = vega.spec(choices.parallel(AXES, LINES))
    (lines,) = vega.layers(spec, "line")
    rows = [(row["trial"], row["axis"], row["at"]) for row in vega.rows(spec, lines)]
    assert rows == [(1, "width of layer 1", 0.0), (1, "rate", 0.25), (0, "width of layer 1", 0.5), (0, "rate", 1.0)]
    assert lines["encoding"]["detail"]["field"] == "trial"


def test_each_axis_says_what_stands_at_its_ends() -> None:
    spec = vega.spec(choices.parallel(AXES, LINES))
    (ticks,) = vega.layers(spec, "text")
    assert vega.levels(spec, ticks, "text") == ["8", "16", "0.01", "0.1"]


def test_trials_of_one_accuracy_still_have_a_range_of_colours() -> None:
    same = [Line(number, 0.5, (0.0, 0.0), ("8", "0.01")) for number in range(3)]
    low, high = vega.scale(vega.spec(choices.parallel(AXES, same)), "color")["domain"]
    assert low < high


def test_importance_is_drawn_from_zero_the_largest_first() -> None:
    spec = vega.spec(choices.importance({"rate": 0.25, "width": 0.75}))
    (bars,) = vega.layers(spec, "bar")
    assert [(row["choice"], row["share"]) for row in vega.rows(spec, bars)] == [("width", 0.75), ("rate", 0.25)]
    assert vega.scale(spec, "x")["domain"] == [0, 1]


def test_curves_have_one_line_a_trial_pruned_ones_faint_and_behind() -> None:
    spec = vega.spec(search.curves(CURVES, 2))
    (lines,) = vega.layers(spec, "line")
    trials = [row["trial"] for row in vega.rows(spec, lines)]
    assert (trials[0], trials[-1]) == (1, 0)  # pruned first, the best last
    assert [row["epoch"] for row in vega.rows(spec, lines) if row["trial"] == 0] == [1, 2]
    opacity = lines["encoding"]["opacity"]["scale"]
    assert dict(zip(opacity["domain"], opacity["range"], strict=True))["pruned"] < 0.5


def test_a_form_that_is_kept_takes_other_trials() -> None:
    first = search.best_so_far(DOTS)
    second = search.best_so_far([*DOTS, Dot(6, 100, 0.9781)])
    assert len(first["datasets"]["rows"]) == 4
    assert len(second["datasets"]["rows"]) == 5
