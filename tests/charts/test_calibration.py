"""Reliability and accuracy class by class: what stands where, with its interval, inside the axes."""

import pytest

from mnistnet.charts.calibration import by_class, reliability
from mnistnet.insight.predictions.calibration import Bin
from mnistnet.insight.predictions.evaluation import Score
from tests.support import vega
from tests.support.contrast import GRAPHICS, weakest

# 8 of 10 are right where it says 0.65, 999 of 1,000 where it says 0.998; mended it says 0.75 and 0.95.
AS_SAID = [Bin(0.6, 0.7, 10, 0.65, 8), Bin(0.9, 1.0, 1000, 0.998, 999)]
MENDED = [Bin(0.7, 0.8, 10, 0.75, 8), Bin(0.9, 1.0, 1000, 0.95, 999)]
EXTREMES = [Bin(0.1, 0.2, 1, 0.11, 0), Bin(0.9, 1.0, 1, 1.0, 1)]
NAMES = ["as trained", "at temperature 1.53"]

CLASSES = ("zero", "one", "two", "alike")  # not in the alphabet's order
SCORES = [Score(2, 10), Score(0, 1135), Score(0, 0), Score(10, 1000)]
PERFECT = [Score(0, 1000)] * 4
HOPELESS = [Score(3, 3)] * 4

CHARTS = {
    "reliability": lambda: vega.spec(reliability(AS_SAID, MENDED, 1.53)),
    "reliability of extremes": lambda: vega.spec(reliability(EXTREMES, EXTREMES, 0.05)),
    "reliability of none": lambda: vega.spec(reliability([], [], 1.0)),
    "classes": lambda: vega.spec(by_class(SCORES, CLASSES)),
    "perfect classes": lambda: vega.spec(by_class(PERFECT, CLASSES)),
    "hopeless classes": lambda: vega.spec(by_class(HOPELESS, CLASSES)),
    "classes without images": lambda: vega.spec(by_class([Score(0, 0)] * 4, CLASSES)),
    "no classes": lambda: vega.spec(by_class([], ())),
}


def points(spec: vega.Spec) -> list[vega.Row]:
    (layer,) = vega.layers(spec, "point")
    return vega.rows(spec, layer)


def classes(scores: list[Score]) -> vega.Spec:
    return vega.spec(by_class(scores, CLASSES))


@pytest.mark.parametrize("chart", CHARTS)
def test_everything_stands_out_from_both_grounds(chart: str) -> None:
    assert [found for found in vega.on_the_ground(CHARTS[chart]()) if weakest(*found) < GRAPHICS] == []


@pytest.mark.parametrize("chart", CHARTS)
def test_no_parameter_could_remount_the_chart(chart: str) -> None:
    assert vega.names(CHARTS[chart]()) == []


@pytest.mark.parametrize("chart", CHARTS)
def test_the_same_answers_make_the_same_chart(chart: str) -> None:
    assert CHARTS[chart]() == CHARTS[chart]()


@pytest.mark.parametrize("chart", ["reliability of none", "classes without images", "no classes"])
def test_without_answers_nothing_is_drawn(chart: str) -> None:
    assert points(CHARTS[chart]()) == []


# Reliability


def test_a_point_stands_at_what_was_said_and_what_was_right() -> None:
    rows = points(CHARTS["reliability"]())
    assert [(row["who"], row["confidence"], row["accuracy"]) for row in rows] == [
        (NAMES[0], 0.65, 0.8),
        (NAMES[0], 0.998, 0.999),
        (NAMES[1], 0.75, 0.8),
        (NAMES[1], 0.95, 0.999),
    ]


def test_a_point_says_of_how_many_answers_it_speaks() -> None:
    row = points(CHARTS["reliability"]())[0]
    assert (row["right"], row["answers"]) == (8, 10)


def test_a_line_reaches_over_the_95_percent_interval() -> None:
    # 8 of 10 by Wilson's formula: 49.0 % to 94.3 %.
    spec = CHARTS["reliability"]()
    (line,) = vega.layers(spec, "rule")
    ends = [vega.levels(spec, line, channel)[0] for channel in ("y", "y2")]
    assert ends == [pytest.approx(0.4902, abs=5e-5), pytest.approx(0.9433, abs=5e-5)]


def test_a_line_stands_at_its_point() -> None:
    spec = CHARTS["reliability"]()
    (line,), (point,) = vega.layers(spec, "rule"), vega.layers(spec, "point")
    assert vega.levels(spec, line, "x") == vega.levels(spec, point, "x")


def test_right_as_often_as_said_is_the_dashed_diagonal() -> None:
    spec = CHARTS["reliability"]()
    (line,) = vega.layers(spec, "line")
    assert [vega.levels(spec, line, channel) for channel in ("x", "y")] == [[0, 1], [0, 1]]
    assert line["mark"]["strokeDash"]


@pytest.mark.parametrize("channel", ["color", "shape"])
def test_what_is_said_and_what_is_mended_differ_in_colour_and_in_shape(channel: str) -> None:
    looks = vega.colours(CHARTS["reliability"](), channel)
    assert list(looks) == NAMES
    assert len(set(looks.values())) == 2


@pytest.mark.parametrize("chart", ["reliability", "reliability of extremes", "reliability of none"])
@pytest.mark.parametrize("channel", ["x", "y"])
def test_both_axes_go_from_never_to_always(chart: str, channel: str) -> None:
    assert vega.scale(CHARTS[chart](), channel)["domain"] == [0, 1]


@pytest.mark.parametrize("chart", ["reliability", "reliability of extremes"])
def test_every_interval_lies_on_the_axis(chart: str) -> None:
    assert all(0 <= row["low"] <= row["accuracy"] <= row["high"] <= 1 for row in points(CHARTS[chart]()))


def test_the_axes_say_what_they_show() -> None:
    spec = CHARTS["reliability"]()
    titles = [vega.title(spec, channel) for channel in ("x", "y")]
    assert titles == ["confidence", "accuracy"]


# Class by class


def test_each_class_that_has_images_has_a_point_at_its_accuracy() -> None:
    assert [(row["class"], row["accuracy"]) for row in points(classes(SCORES))] == [
        ("zero", 0.8),
        ("one", 1.0),
        ("alike", 0.99),
    ]


def test_a_label_says_the_accuracy_and_counts_the_errors() -> None:
    assert [row["label"] for row in points(classes(SCORES))] == [
        "80.00%, 2 of 10 wrong",
        "100.00%, 0 of 1,135 wrong",
        "99.00%, 10 of 1,000 wrong",
    ]


def test_a_class_has_its_95_percent_interval() -> None:
    spec = classes(SCORES)
    (line,) = vega.layers(spec, "rule")
    ends = [vega.levels(spec, line, channel)[0] for channel in ("x", "x2")]
    assert ends == [pytest.approx(0.4902, abs=5e-5), pytest.approx(0.9433, abs=5e-5)]


def test_labels_stand_beyond_the_intervals_they_belong_to() -> None:
    spec = classes(SCORES)
    (line,), (text,) = vega.layers(spec, "rule"), vega.layers(spec, "text")
    assert vega.levels(spec, text, "x") == vega.levels(spec, line, "x2")
    assert (text["mark"]["align"], text["mark"]["dx"] > 0) == ("left", True)


@pytest.mark.parametrize("mark", ["rule", "point", "text"])
def test_classes_keep_their_order(mark: str) -> None:
    (layer,) = vega.layers(classes(SCORES), mark)
    assert layer["encoding"]["y"]["sort"] == list(CLASSES)


@pytest.mark.parametrize("scores", [SCORES, PERFECT, HOPELESS], ids=["mixed", "perfect", "hopeless"])
def test_the_axis_contains_every_interval_and_leaves_room_for_labels(scores: list[Score]) -> None:
    spec = classes(scores)
    scale = vega.scale(spec, "x")
    begin, end = scale["domain"]
    assert all(0 <= begin <= row["low"] <= row["high"] <= end == 1 for row in points(spec))
    room = float(scale["range"][1]["expr"].removeprefix("max(60, width - ").removesuffix(")"))
    assert room >= 6 * max(len(row["label"]) for row in points(spec))


def test_the_axis_begins_a_little_below_the_lowest_interval() -> None:
    begin, _ = vega.scale(classes(SCORES), "x")["domain"]
    assert begin == pytest.approx(0.4902 - 0.002, abs=5e-5)


def test_the_axis_says_where_it_begins() -> None:
    assert vega.title(classes(SCORES), "x") == "accuracy (axis starts at 48.8%)"


@pytest.mark.parametrize("scores", [SCORES, PERFECT, HOPELESS], ids=["mixed", "perfect", "hopeless"])
def test_no_tick_promises_more_than_100_percent(scores: list[Score]) -> None:
    ticks = vega.layers(classes(scores), "rule")[0]["encoding"]["x"]["axis"]["values"]
    assert max(ticks) == pytest.approx(1)


@pytest.mark.parametrize("count", [3, 5])
def test_a_score_too_many_or_too_few_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=r"shorter than|longer than"):
        by_class([Score(1, 10)] * count, CLASSES)
