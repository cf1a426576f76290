"""Receptive fields along depth: a bar a layer, its figure, and the image's side to hold it against."""

from collections.abc import Callable

import pytest

from mnistnet.charts.palette import HIGHLIGHT, LIMIT, NEUTRAL
from mnistnet.charts.receptive_fields import along_depth, extent, small, unseen
from mnistnet.nets.summary import LayerSummary, summarize
from tests.support import vega
from tests.support.contrast import GRAPHICS, contrast, weakest
from tests.support.samples import conv, design

# 3, then 4 after pooling, 4 + 2 · 2 and 8 + 6 · 2 at a jump of 2, and 20 + 4 · 2 where the map is pooled whole.
ROWS = summarize(
    design(conv(4), {"type": "maxpool", "size": 2}, conv(10), conv(10, 7), {"type": "globalavgpool"}, name="deep")
).rows
NAMES = ["1 convolution", "2 max pool", "10 convolution", "4 convolution", "5 global average pool"]
NAMED: list[tuple[str, LayerSummary]] = list(zip(NAMES, ROWS, strict=True))

# One size a layer; the first has a digit more than is shown.
SIZES = {"untrained": [2.54, 3.0, 5.5, 9.0, 20.0], "trained": [2.0, 3.5, 6.0, 12.0, 22.0]}
SHARES = [0.0, 0.25, 1.0, 0.5, 0.125]
# A jump of 2 from the second layer on: 3, 4, 8, 12 and so on up to 44.
DEEP = summarize(design(conv(2, padding=1), {"type": "maxpool", "size": 2}, *[conv(2, padding=1)] * 10)).rows
LONG: list[tuple[str, LayerSummary]] = [(f"{row.layer + 1} {row.type}", row) for row in DEEP]


def drawn(named: list[tuple[str, LayerSummary]]) -> vega.Spec:
    return vega.spec(along_depth(named))


def bars(spec: vega.Spec) -> vega.Spec:
    (found,) = vega.layers(spec, "bar")
    return found


def test_a_bar_is_as_high_as_its_layers_receptive_field() -> None:
    spec = drawn(NAMED)
    assert vega.levels(spec, bars(spec), "y") == [3, 4, 8, 20, 28]


def test_a_field_larger_than_the_image_is_said_to_be_clipped() -> None:
    assert [extent(row) for _, row in [LONG[0], LONG[-1]]] == ["3×3", "44×44, clipped to 28×28"]


@pytest.mark.parametrize("chart", [lambda: drawn(NAMED), lambda: ink()])
def test_labels_are_left_out_only_where_the_chart_is_too_narrow_for_all(chart: Callable[[], vega.Spec]) -> None:
    overlap = bars(chart())["encoding"]["x"]["axis"]["labelOverlap"]
    assert overlap == {"expr": f"width < {15 * len(NAMED)} ? 'parity' : false"}


def test_layers_stand_in_the_order_given_not_in_that_of_the_alphabet() -> None:
    assert bars(drawn(NAMED))["encoding"]["x"]["sort"] == NAMES


def test_numbers_stand_over_the_bars_they_belong_to() -> None:
    spec = drawn(NAMED)
    numbers = vega.layers(spec, "text")[0]
    assert [vega.levels(spec, numbers, channel) for channel in ("x", "y")] == [
        vega.levels(spec, bars(spec), channel) for channel in ("x", "y")
    ]


def test_every_receptive_field_is_printed() -> None:
    spec = drawn(NAMED)
    assert vega.levels(spec, vega.layers(spec, "text")[0], "text") == [row.field for row in ROWS]


def test_a_layer_that_sees_the_whole_image_says_so_in_words() -> None:
    spec = drawn(NAMED)
    assert [row["sees"] for row in vega.rows(spec, bars(spec))] == ["part of the image"] * 4 + [
        "whole image, every unit"
    ]


def test_every_kind_of_seeing_has_a_colour_and_an_entry_in_the_legend() -> None:
    spec = drawn(NAMED)
    assert set(vega.colours(spec)) == {"part of the image", "whole image, middle unit only", "whole image, every unit"}
    assert bars(spec)["encoding"]["color"]["legend"]


@pytest.mark.parametrize("named", [[], NAMED], ids=["none", "all"])
def test_the_image_is_a_line_at_its_28_pixels(named: list[tuple[str, LayerSummary]]) -> None:
    spec = drawn(named)
    (line,) = vega.layers(spec, "rule")
    assert vega.levels(spec, line, "y") == [28]


def test_the_line_is_named() -> None:
    spec = drawn(NAMED)
    assert vega.levels(spec, vega.layers(spec, "text")[1], "text") == ["the image: 28 px"]


def test_the_axis_gives_its_unit() -> None:
    assert vega.title(drawn(NAMED), "y") == "receptive field, pixels"


def test_no_layer_makes_an_empty_chart() -> None:
    spec = drawn([])
    assert vega.rows(spec, bars(spec)) == []


def test_everything_stands_out_from_both_grounds() -> None:
    assert [found for found in vega.on_the_ground(drawn(NAMED)) if weakest(*found) < GRAPHICS] == []


def test_no_parameter_could_remount_the_chart() -> None:
    assert vega.names(drawn(NAMED)) == []


def test_the_same_layers_make_the_same_chart() -> None:
    assert drawn(NAMED) == drawn(NAMED)


# Effective receptive fields


def effective_of(effective: dict[str, list[float]]) -> vega.Spec:
    return vega.spec(along_depth(NAMED, effective))


def marks(spec: vega.Spec) -> vega.Spec:
    (layer,) = vega.layers(spec, "point")
    return layer


@pytest.mark.parametrize("who", [["trained"], ["untrained", "trained"]], ids=str)
def test_each_layer_has_a_mark_at_its_effective_size(who: list[str]) -> None:
    spec = effective_of({one: SIZES[one] for one in who})
    rows = [(row["who"], row["layer"], row["size"]) for row in vega.rows(spec, marks(spec))]
    assert rows == [
        (f"effective, {one}", name, pytest.approx(size, abs=0.05))
        for one in who
        for name, size in zip(NAMES, SIZES[one], strict=True)
    ]


def test_the_size_effective_of_is_given_to_a_tenth_of_a_pixel() -> None:
    spec = effective_of(SIZES)
    assert vega.levels(spec, marks(spec), "y")[0] == 2.5


def test_what_is_effective_of_stands_on_the_axes_of_the_bars() -> None:
    spec = effective_of(SIZES)
    assert marks(spec)["encoding"]["x"]["sort"] == NAMES
    assert ("resolve" in spec, "scale" in marks(spec)["encoding"]["y"]) == (False, False)


def test_trained_and_untrained_differ_in_shape_and_are_named() -> None:
    spec = effective_of(SIZES)
    shapes = vega.colours(spec, "shape")
    assert (list(shapes), len(set(shapes.values()))) == (["effective, untrained", "effective, trained"], 2)
    assert marks(spec)["encoding"]["shape"]["legend"]


@pytest.mark.parametrize("effective", [None, {}], ids=str)
def test_without_sizes_there_are_bars_alone(effective: dict[str, list[float]] | None) -> None:
    assert vega.layers(vega.spec(along_depth(NAMED, effective)), "point") == []


def test_the_bars_are_the_same_with_and_without_what_is_effective_of() -> None:
    assert effective_of(SIZES)["layer"][:-1] == drawn(NAMED)["layer"]


def test_a_mark_stands_out_from_both_grounds_and_on_a_bar_by_its_outline() -> None:
    mark = marks(effective_of(SIZES))["mark"]
    assert (mark["filled"], mark["opacity"]) == (True, 1)
    assert min(weakest(mark["color"]), contrast(mark["color"], mark["stroke"])) >= GRAPHICS


@pytest.mark.parametrize("sizes", [[2.0], [2.0] * 6])
def test_sizes_that_are_not_one_a_layer_are_refused(sizes: list[float]) -> None:
    with pytest.raises(ValueError, match=r"shorter than|longer than"):
        along_depth(NAMED, {"trained": sizes})


# In little


def little(named: list[tuple[str, LayerSummary]]) -> vega.Spec:
    return vega.spec(small(named))


def test_a_small_bar_stands_over_its_layers_number() -> None:
    spec = little(NAMED)
    found = list(zip(vega.levels(spec, bars(spec), "x"), vega.levels(spec, bars(spec), "y"), strict=True))
    assert found == [(1, 3), (2, 4), (3, 8), (4, 20), (5, 28)]


def test_a_small_bar_is_cut_at_the_top_and_its_figure_is_not() -> None:
    spec = little(LONG)
    (numbers,) = vega.layers(spec, "text")
    last = [vega.levels(spec, layer, channel)[-1] for layer, channel in ((bars(spec), "y"), (numbers, "text"))]
    assert last == [vega.scale(spec, "y")["domain"][1], 44]


@pytest.mark.parametrize("named", [NAMED, LONG], ids=["within the image", "beyond it"])
def test_every_small_bar_lies_on_its_axis_with_its_figure_on_top(named: list[tuple[str, LayerSummary]]) -> None:
    spec = little(named)
    (numbers,) = vega.layers(spec, "text")
    low, high = vega.scale(spec, "y")["domain"]
    assert all(low < level <= high for level in vega.levels(spec, bars(spec), "y"))
    assert vega.levels(spec, numbers, "y") == vega.levels(spec, bars(spec), "y")


def test_a_small_bar_has_the_colour_that_the_large_one_has() -> None:
    assert vega.colours(little(NAMED)) == vega.colours(drawn(NAMED))
    assert [row["sees"] for row in vega.rows(little(NAMED), bars(little(NAMED)))] == [
        row["sees"] for row in vega.rows(drawn(NAMED), bars(drawn(NAMED)))
    ]


@pytest.mark.parametrize("named", [[], NAMED], ids=["none", "all"])
def test_the_image_is_a_line_in_little_too(named: list[tuple[str, LayerSummary]]) -> None:
    spec = little(named)
    (line,) = vega.layers(spec, "rule")
    assert (vega.levels(spec, line, "y"), line["mark"]["color"]) == ([28], LIMIT)


def test_a_small_chart_is_of_the_layers_given_last() -> None:
    first, second = little(NAMED), little(NAMED[:2])
    assert [len(vega.rows(spec, bars(spec))) for spec in (first, second)] == [5, 2]


def test_no_layer_makes_an_empty_small_chart() -> None:
    assert vega.rows(little([]), bars(little([]))) == []


# What two units cannot see


def ink(chosen: str = NAMES[2]) -> vega.Spec:
    return vega.spec(unseen(NAMES, SHARES, chosen))


def test_a_bar_is_as_high_as_the_share_of_ink_unseen() -> None:
    assert vega.levels(ink(), bars(ink()), "y") == SHARES


def test_shares_stand_in_the_order_of_the_layers() -> None:
    assert vega.levels(ink(), bars(ink()), "x") == bars(ink())["encoding"]["x"]["sort"] == NAMES


def test_every_share_is_printed_over_its_bar() -> None:
    spec = ink()
    (labels,) = vega.layers(spec, "text")
    assert vega.levels(spec, labels, "text") == ["0%", "25%", "100%", "50%", "12%"]
    assert vega.levels(spec, labels, "y") == SHARES


def test_where_shares_have_no_room_only_that_of_the_chosen_layer_is_printed() -> None:
    (labels,) = vega.layers(ink(), "text")
    size = labels["encoding"]["size"]
    assert size["condition"] == {"test": "datum.chosen", "value": 11}
    assert size["value"]["expr"] == "width < 150 ? 0 : 11"


def test_the_axis_of_shares_has_room_over_a_whole() -> None:
    low, high = vega.scale(ink(), "y")["domain"]
    assert (low, high > 1.1) == (0, True)


@pytest.mark.parametrize("chosen", NAMES)
def test_only_the_chosen_layer_stands_out(chosen: str) -> None:
    spec = ink(chosen)
    colour = bars(spec)["encoding"]["color"]
    assert (colour["condition"], colour["value"]) == ({"test": "datum.chosen", "value": HIGHLIGHT}, NEUTRAL)
    assert [row["layer"] for row in vega.rows(spec, bars(spec)) if row["chosen"]] == [chosen]


def test_shares_of_no_layer_are_an_empty_chart() -> None:
    spec = vega.spec(unseen([], [], ""))
    assert vega.rows(spec, bars(spec)) == []


@pytest.mark.parametrize("shares", [SHARES[1:], [*SHARES, 0.5]])
def test_shares_that_are_not_one_a_layer_are_refused(shares: list[float]) -> None:
    with pytest.raises(ValueError, match=r"shorter than|longer than"):
        unseen(NAMES, shares, NAMES[0])


# All of them

OTHERS: dict[str, Callable[[], vega.Spec]] = {
    "effective": lambda: effective_of(SIZES),
    "small": lambda: little(NAMED),
    "unseen": ink,
}


@pytest.mark.parametrize("chart", ["small", "unseen"])
def test_everything_else_stands_out_from_both_grounds(chart: str) -> None:
    assert [found for found in vega.on_the_ground(OTHERS[chart]()) if weakest(*found) < GRAPHICS] == []


@pytest.mark.parametrize("chart", OTHERS)
def test_no_parameter_could_remount_any_chart(chart: str) -> None:
    assert vega.names(OTHERS[chart]()) == []


@pytest.mark.parametrize("chart", OTHERS)
def test_what_is_the_same_makes_the_same_chart(chart: str) -> None:
    assert OTHERS[chart]() == OTHERS[chart]()
