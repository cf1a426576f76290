"""Receptive fields along depth: a bar a layer, its figure, and the image's side to hold it against."""

import pytest

from mnistnet.charts.fields import along_depth
from mnistnet.nets.geometry import Row, walk
from tests import vega
from tests.contrast import GRAPHICS, weakest
from tests.samples import conv, design

# 3, then 4 after pooling, 4 + 2 · 2 and 8 + 6 · 2 at a jump of 2, and 20 + 4 · 2 where the map is pooled whole.
ROWS = walk(
    design(conv(4), {"type": "maxpool", "size": 2}, conv(10), conv(10, 7), {"type": "globalavgpool"}, name="deep")
).rows
NAMES = ["1 convolution", "2 max pool", "10 convolution", "4 convolution", "5 global average pool"]
NAMED: list[tuple[str, Row]] = list(zip(NAMES, ROWS, strict=True))


def drawn(named: list[tuple[str, Row]]) -> vega.Spec:
    return vega.spec(along_depth(named))


def bars(spec: vega.Spec) -> vega.Spec:
    (found,) = vega.layers(spec, "bar")
    return found


def test_a_bar_is_as_high_as_its_layers_receptive_field() -> None:
    spec = drawn(NAMED)
    assert vega.levels(spec, bars(spec), "y") == [3, 4, 8, 20, 28]


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
    assert [row["sees"] for row in vega.rows(spec, bars(spec))] == ["sees a part"] * 4 + ["covers the whole image"]


def test_every_kind_of_seeing_has_a_colour_and_an_entry_in_the_legend() -> None:
    spec = drawn(NAMED)
    assert set(vega.colours(spec)) == {"sees a part", "only its middle sees the whole image", "covers the whole image"}
    assert bars(spec)["encoding"]["color"]["legend"]


@pytest.mark.parametrize("named", [[], NAMED], ids=["none", "all"])
def test_the_image_is_a_line_at_its_28_pixels(named: list[tuple[str, Row]]) -> None:
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
