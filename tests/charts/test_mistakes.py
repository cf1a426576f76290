"""The confusion matrix, the gallery and one digit's probabilities: what stands where, and that it can be read."""

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnistnet.charts import mistakes as charts
from mnistnet.charts.mistakes import ALL, CELL, COLUMNS, DIGIT, confusion, gallery, probabilities
from mnistnet.charts.palette import HIGHLIGHT
from mnistnet.data.datasets import SOURCES, Bytes
from mnistnet.insight.predictions.evaluation import Mistake
from tests.support import vega
from tests.support.contrast import GRAPHICS, TEXT, blend, contrast, weakest

DIGITS = SOURCES["mnist"].classes
GARMENTS = SOURCES["fashion"].classes

# 4 is taken for 9 seven times, 9 for 4 once; nothing else is wrong. There is no 0 at all.
COUNTS = np.diag([0, 1135, 1032, 1010, 975, 892, 958, 1028, 974, 1008]).astype(np.int64)
COUNTS[4, 9], COUNTS[9, 4] = 7, 1
NONE = np.zeros((10, 10), np.int64)

# The first is sure of a 9 where the truth is a 4; the second is right; the third has two guesses alike.
WRONG = np.array([0.01, 0, 0, 0, 0.24, 0, 0, 0, 0, 0.75], np.float32)
RIGHT = np.array([0, 0, 0.5, 0.3, 0.2, 0, 0, 0, 0, 0], np.float32)

CHARTS = {
    "confusion": lambda: confusion(COUNTS, DIGITS),
    "confusion of none": lambda: confusion(NONE, DIGITS),
    "gallery": lambda: gallery(images(11), mistakes(11), DIGITS),
    "gallery of none": lambda: gallery([], [], DIGITS),
    "gallery of one chosen": lambda: gallery(images(2), mistakes(2), DIGITS, chosen=101),
    "changed": lambda: charts.changed(images(11), mistakes(11), DIGITS, new=3),
    "probabilities": lambda: probabilities(WRONG, 4, DIGITS),
    "probabilities of who knows what": lambda: probabilities(WRONG, None, DIGITS),
}


def images(count: int) -> list[Bytes]:
    """Random pictures, the same at each call."""
    return list(np.random.default_rng(3).integers(0, 256, (count, 28, 28), np.uint8))


def mistakes(count: int) -> list[Mistake]:
    return [Mistake(100 + place, 4, 9, 0.996) for place in range(count)]


def cells(counts: Any = COUNTS, classes: tuple[str, ...] = DIGITS) -> list[vega.Row]:
    spec = vega.spec(confusion(counts, classes))
    return vega.rows(spec, vega.layers(spec, "rect")[0])


def placed(count: int) -> list[vega.Row]:
    spec = vega.spec(gallery(images(count), mistakes(count), DIGITS))
    return vega.rows(spec, vega.layers(spec, "image")[0])


def margin(counts: Any = COUNTS, classes: tuple[str, ...] = DIGITS) -> list[vega.Row]:
    spec = vega.spec(confusion(counts, classes))
    return vega.rows(spec, vega.layers(spec, "rect")[-1])


def bars(row: Any, truth: int | None, classes: tuple[str, ...] = DIGITS) -> list[vega.Row]:
    spec = vega.spec(probabilities(row, truth, classes))
    return vega.rows(spec, vega.layers(spec, "bar")[0])


@pytest.mark.parametrize(
    ("chart", "names"),
    [
        ("confusion", [CELL]),
        ("confusion of none", [CELL]),
        ("gallery", [DIGIT]),
        ("gallery of none", [DIGIT]),
        ("gallery of one chosen", [DIGIT]),
        ("probabilities", []),
        ("probabilities of who knows what", []),
    ],
)
def test_every_selection_has_its_own_name_and_there_is_no_other_parameter(chart: str, names: list[str]) -> None:
    assert vega.names(vega.spec(CHARTS[chart]())) == names


@pytest.mark.parametrize("chart", CHARTS)
def test_the_same_answers_make_the_same_chart(chart: str) -> None:
    assert vega.spec(CHARTS[chart]()) == vega.spec(CHARTS[chart]())


@pytest.mark.parametrize("chart", ["gallery", "gallery of one chosen", "probabilities"])
def test_everything_stands_out_from_both_grounds(chart: str) -> None:
    assert [found for found in vega.on_the_ground(vega.spec(CHARTS[chart]())) if weakest(*found) < GRAPHICS] == []


# The confusion matrix


def test_the_matrix_has_a_cell_for_each_truth_and_guess_with_its_count() -> None:
    counted = {(row["truth"], row["guess"]): row["count"] for row in cells()}
    assert counted == {
        (truth, guess): COUNTS[row, column] for row, truth in enumerate(DIGITS) for column, guess in enumerate(DIGITS)
    }


def test_only_wrong_answers_are_coloured() -> None:
    assert {(row["truth"], row["guess"]): row["errors"] for row in cells() if row["errors"]} == {
        ("4", "9"): 7,
        ("9", "4"): 1,
    }


def test_the_diagonal_is_marked_as_right() -> None:
    assert all(row["right"] == (row["truth"] == row["guess"]) for row in cells())


def test_classes_keep_their_order_on_both_sides_of_the_matrix() -> None:
    encoding = vega.layers(vega.spec(confusion(COUNTS, GARMENTS)), "rect")[0]["encoding"]
    assert (encoding["x"]["sort"], encoding["y"]["sort"]) == ([*GARMENTS, ALL], [*GARMENTS, ALL])


def test_true_labels_go_down_and_predictions_across() -> None:
    spec = vega.spec(confusion(COUNTS, DIGITS))
    assert (vega.title(spec, "x"), vega.title(spec, "y")) == ("predicted", "true label")


@pytest.mark.parametrize("counts", [COUNTS, NONE], ids=["errors", "none"])
def test_the_ramp_contains_all_error_counts(counts: Any) -> None:
    low, high = vega.scale(vega.spec(confusion(counts, DIGITS)), "color")["domain"]
    assert low < high
    assert all(low <= row["errors"] <= high for row in cells(counts) if row["errors"])


def test_the_count_of_a_cell_can_be_read_anywhere_on_the_ramp() -> None:
    spec = vega.spec(confusion(COUNTS, DIGITS))
    pale, strong = vega.scale(spec, "color")["range"]
    ink = vega.layers(spec, "text")[0]["mark"]["color"]
    assert min(contrast(ink, blend(strong, share / 10, pale)) for share in range(11)) >= TEXT


def test_the_count_of_right_answers_can_be_read_on_its_cell() -> None:
    spec = vega.spec(confusion(COUNTS, DIGITS))
    ink = vega.layers(spec, "text")[0]["mark"]["color"]
    _, right, _ = vega.layers(spec, "rect")
    assert all(row["right"] for row in vega.rows(spec, right))
    assert contrast(ink, right["mark"]["color"]) >= TEXT


def test_every_count_is_printed_and_not_only_coloured() -> None:
    spec = vega.spec(confusion(COUNTS, DIGITS))
    numbers, _ = vega.layers(spec, "text")
    assert sorted(vega.levels(spec, numbers, "text")) == sorted(COUNTS.flatten().tolist())


def test_only_cells_that_are_filled_print_their_count() -> None:
    numbers, _ = vega.layers(vega.spec(confusion(COUNTS, DIGITS)), "text")
    opacity = numbers["encoding"]["opacity"]
    assert (opacity["condition"], opacity["value"]) == ({"test": "(datum.count > 0)", "value": 1}, 0)


def test_a_click_on_a_cell_selects_its_truth_and_guess() -> None:
    (selection,) = vega.spec(confusion(COUNTS, DIGITS))["params"]
    assert selection["select"] == {"type": "point", "fields": ["truth", "guess"]}


def test_whatever_lies_on_a_cell_knows_its_truth_and_guess() -> None:
    spec = vega.spec(confusion(COUNTS, DIGITS))
    rows = [row for layer in spec["layer"] for row in vega.rows(spec, layer)]
    assert all({"truth", "guess"} <= set(row) for row in rows)


def test_the_margin_has_the_errors_of_each_row_and_column_and_of_all() -> None:
    # Two kinds of mistakes in one row, so that a row's sum is not a column's.
    counts = COUNTS.copy()
    counts[4, 6] = 2
    summed = {(row["truth"], row["guess"]): row["errors"] for row in margin(counts)}
    assert {place: errors for place, errors in summed.items() if errors} == {
        ("4", "errors"): 9,
        ("9", "errors"): 1,
        ("errors", "4"): 1,
        ("errors", "6"): 2,
        ("errors", "9"): 7,
        ("errors", "errors"): 10,
    }


@pytest.mark.parametrize("counts", [COUNTS, NONE], ids=["errors", "none"])
def test_every_row_and_column_has_one_place_in_the_margin(counts: Any) -> None:
    places = [(row["truth"], row["guess"]) for row in margin(counts, GARMENTS)]
    assert sorted(places) == sorted([*((name, ALL) for name in GARMENTS), *((ALL, name) for name in (*GARMENTS, ALL))])


def test_no_place_of_the_margin_is_a_cell_of_the_matrix() -> None:
    assert not {(row["truth"], row["guess"]) for row in margin()} & {(row["truth"], row["guess"]) for row in cells()}


def test_every_sum_of_the_margin_is_printed() -> None:
    spec = vega.spec(confusion(COUNTS, DIGITS))
    _, totals = vega.layers(spec, "text")
    assert vega.levels(spec, totals, "text") == [row["errors"] for row in margin()]


def test_the_margin_is_an_outline_that_stands_out_from_both_grounds() -> None:
    sums = vega.layers(vega.spec(confusion(COUNTS, DIGITS)), "rect")[-1]["mark"]
    assert (sums["color"], weakest(sums["stroke"]) >= GRAPHICS) == ("#00000000", True)


# The gallery


def test_the_gallery_stands_in_rows_of_eight_in_the_order_given() -> None:
    assert [(row["index"], row["column"], row["row"]) for row in placed(COLUMNS + 2)] == [
        *((100 + column, column, 0) for column in range(COLUMNS)),
        (100 + COLUMNS, 0, 1),
        (101 + COLUMNS, 1, 1),
    ]


def test_a_digit_of_the_gallery_says_label_prediction_and_confidence() -> None:
    (row,) = placed(1)
    assert (row["answer"], row["probability"]) == ("4 → 9", "100%")


def test_the_gallery_names_classes_as_the_data_set_does() -> None:
    spec = vega.spec(gallery(images(1), [Mistake(0, 5, 7, 0.9)], GARMENTS))
    assert vega.rows(spec, vega.layers(spec, "image")[0])[0]["answer"] == "Sandal → Sneaker"


def test_a_doubtful_truth_has_a_question_mark() -> None:
    spec = vega.spec(gallery(images(3), mistakes(3), DIGITS, doubtful={101}))
    answers = [row["answer"] for row in vega.rows(spec, vega.layers(spec, "image")[0])]
    assert answers == ["4 → 9", "4? → 9", "4 → 9"]


def test_probabilities_of_the_gallery_can_be_left_out() -> None:
    spec = vega.spec(gallery(images(2), mistakes(2), DIGITS, how_sure=False))
    rows = vega.rows(spec, vega.layers(spec, "image")[0])
    assert [(row["answer"], row["probability"]) for row in rows] == [("4 → 9", "")] * 2


@pytest.mark.parametrize(("chosen", "framed"), [(None, []), (101, [101]), (7, [])])
def test_only_the_chosen_digit_is_framed(chosen: int | None, framed: list[int]) -> None:
    spec = vega.spec(gallery(images(3), mistakes(3), DIGITS, chosen))
    (frames,) = vega.layers(spec, "square")
    colour = frames["encoding"]["color"]
    assert (colour["condition"], colour["value"]) == ({"test": "datum.chosen", "value": HIGHLIGHT}, "#00000000")
    assert [row["index"] for row in vega.rows(spec, frames) if row["chosen"]] == framed


def test_a_picture_of_the_gallery_is_the_image_itself() -> None:
    form, _, data = placed(1)[0]["picture"].partition(",")
    assert form == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), images(1)[0])


@pytest.mark.parametrize("count", [0, 1, 8, 9, 48])
def test_the_gallery_contains_all_its_digits(count: int) -> None:
    spec = vega.spec(gallery(images(count), mistakes(count), DIGITS))
    (left, right), (bottom, top) = (vega.scale(spec, channel)["domain"] for channel in ("x", "y"))
    assert all(left < row["column"] < right and top < row["row"] < bottom for row in placed(count))


@pytest.mark.parametrize(("count", "rows"), [(0, 1), (1, 1), (8, 1), (9, 2), (48, 6)])
def test_the_gallery_is_as_high_as_its_rows(count: int, rows: int) -> None:
    heights = [vega.spec(gallery(images(n), mistakes(n), DIGITS))["height"] for n in (1, count)]
    assert heights[1] == rows * heights[0]


def test_a_click_on_a_digit_selects_its_index() -> None:
    (selection,) = vega.spec(gallery(images(2), mistakes(2), DIGITS))["params"]
    assert selection["select"] == {"type": "point", "fields": ["index"]}


def test_more_images_than_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        gallery(images(2), mistakes(1), DIGITS)


# One digit


def test_each_class_has_a_bar_of_its_probability() -> None:
    assert [(row["class"], row["probability"]) for row in bars(WRONG, 4)] == [
        (name, pytest.approx(float(value))) for name, value in zip(DIGITS, WRONG, strict=True)
    ]


def test_truth_and_guess_are_named_beside_their_bars() -> None:
    labels = {row["class"]: row["label"] for row in bars(WRONG, 4) if re.search("[a-z]", row["label"])}
    assert labels == {"4": "24.0% true label", "9": "75.0% predicted"}


def test_a_right_answer_is_truth_and_guess_in_one() -> None:
    labels = {row["class"]: row["label"] for row in bars(RIGHT, 2) if re.search("[a-z]", row["label"])}
    assert labels == {"2": "50.0% predicted, true label"}


def test_without_a_known_truth_only_the_guess_stands_out() -> None:
    assert [row["class"] for row in bars(WRONG, None) if row["role"]] == ["9"]


def test_without_a_known_truth_bars_have_their_figures_alone() -> None:
    assert [row["label"] for row in bars(WRONG, None)] == [f"{value:.1%}" for value in WRONG]


def test_every_probability_is_printed() -> None:
    assert [row["label"] for row in bars(RIGHT, 2)][3:6] == ["30.0%", "20.0%", "0.0%"]


def test_every_role_has_a_colour() -> None:
    roles = {row["role"] for row in bars(WRONG, 4) + bars(RIGHT, 2) + bars(WRONG, None)}
    assert roles == set(vega.colours(vega.spec(probabilities(WRONG, 4, DIGITS))))


@pytest.mark.parametrize(("truth", "label"), [(4, "99.5% predicted"), (2, "100.0% predicted, true label")])
def test_a_sure_answer_leaves_room_for_its_label(truth: int, label: str) -> None:
    sure = np.full(10, 0.0005, np.float32)
    sure[2] = float(label[: label.index("%")]) / 100
    scale = vega.scale(vega.spec(probabilities(sure, truth, DIGITS)), "x")
    assert scale["domain"] == [0, 1]
    begin, end = scale["range"]
    assert begin == 0
    room = float(end["expr"].removeprefix("max(20, width - ").removesuffix(")"))
    assert room >= 6 * len(label)


def test_bars_keep_the_order_of_the_classes() -> None:
    spec = vega.spec(probabilities(WRONG, 4, GARMENTS))
    assert vega.layers(spec, "bar")[0]["encoding"]["y"]["sort"] == list(GARMENTS)


def test_the_ramp_is_told_apart_by_lightness_alone() -> None:
    pale, strong = charts._RAMP
    assert contrast(pale, strong) > 1.5


def test_the_new_ones_among_wrong_digits_are_framed_and_called_new() -> None:
    spec = vega.spec(charts.changed(images(3), mistakes(3), DIGITS, new=1))
    rows = vega.rows(spec, vega.layers(spec, "image")[0])
    assert [(row["chosen"], row["probability"]) for row in rows] == [(True, "new"), (False, ""), (False, "")]
