"""Digits enlarged, embedded, dimmed, coloured and cut, pixel by pixel."""

import base64
import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from mnistnet.charts.palette import HIGHLIGHT, LIMIT, VALIDATION
from mnistnet.charts.pictures import (
    cut,
    enlarged,
    left_out,
    png,
    sheet,
    with_field,
    with_heat,
    with_patches,
    with_window,
)
from mnistnet.data.datasets import Bytes, Floats
from mnistnet.nets.summary import Span

DIGIT: Bytes = np.random.default_rng(7).integers(0, 256, (28, 28), np.uint8)
NOTHING = Span(0, 0)

# Two rows of two: black and white on top, two greys below.
FOUR: Bytes = np.array([[0, 255], [100, 201]], np.uint8)
ORANGE = (0xD9, 0x73, 0x0D)


def pixels(picture: Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray(picture)


@pytest.mark.parametrize("times", [1, 2, 14])
def test_every_pixel_becomes_a_block_with_hard_edges(times: int) -> None:
    assert np.array_equal(pixels(enlarged(DIGIT, times)), np.kron(DIGIT, np.ones((times, times), np.uint8)))


@pytest.mark.parametrize("times", [1, 3])
def test_an_embedded_picture_is_the_enlarged_one_without_loss(times: int) -> None:
    form, _, data = png(DIGIT, times).partition(",")
    assert form == "data:image/png;base64"
    assert np.array_equal(pixels(Image.open(io.BytesIO(base64.b64decode(data)))), pixels(enlarged(DIGIT, times)))


def test_a_window_is_framed_and_the_rest_dimmed_pixel_by_pixel() -> None:
    # Seen: the white pixel at the top right. Outside it 0 becomes 70, 100 becomes 0.45 · 100 + 70 = 115 and 201
    # becomes 160.45, cut to 160. The frame is 2 pixels wide, inside the window's block of 6 by 6.
    dark, middle, bright = (np.full((6, 6, 3), shade, np.uint8) for shade in (70, 115, 160))
    framed = np.full((6, 6, 3), ORANGE, np.uint8)
    framed[2:4, 2:4] = 255
    expected = np.block([[[dark], [framed]], [[middle], [bright]]])
    assert np.array_equal(pixels(with_window(FOUR, Span(0, 1), Span(1, 2), times=6)), expected)


def test_the_frame_has_the_colour_of_highlights() -> None:
    assert f"#{bytes(ORANGE).hex()}" == HIGHLIGHT


def test_rows_go_down_and_columns_across() -> None:
    picture = pixels(with_window(FOUR, Span(1, 2), Span(0, 1), times=6))
    framed = np.argwhere((picture == ORANGE).all(axis=2))
    assert (framed.min(axis=0).tolist(), framed.max(axis=0).tolist()) == ([6, 0], [11, 5])


def test_a_window_over_the_whole_image_dims_nothing() -> None:
    whole = Span(0, 28)
    picture = pixels(with_window(DIGIT, whole, whole, times=8))
    inside = np.s_[2:-2, 2:-2]
    assert np.array_equal(picture[inside], np.stack([pixels(enlarged(DIGIT, 8))] * 3, axis=2)[inside])


@pytest.mark.parametrize("nothing", [(NOTHING, NOTHING), (NOTHING, Span(3, 9)), (Span(3, 9), NOTHING)])
def test_a_unit_that_sees_nothing_has_no_frame_and_no_light(nothing: tuple[Span, Span]) -> None:
    dimmed = (0.45 * DIGIT + 70).astype(np.uint8)
    picture = pixels(with_window(DIGIT, *nothing, times=3))
    assert np.array_equal(picture, np.stack([np.kron(dimmed, np.ones((3, 3), np.uint8))] * 3, axis=2))


@pytest.mark.parametrize("times", [3, 5, 14])
@pytest.mark.parametrize("span", [Span(0, 1), Span(27, 28), Span(13, 15), Span(0, 28)])
def test_the_frame_stays_inside_the_window(span: Span, times: int) -> None:
    picture = pixels(with_window(np.zeros((28, 28), np.uint8), span, span, times))
    framed = np.argwhere((picture == ORANGE).all(axis=2))
    assert framed.min() == span.start * times
    assert framed.max() == span.stop * times - 1


@pytest.mark.parametrize("shade", [0, 255])
def test_the_window_ends_visibly_on_black_as_on_white(shade: int) -> None:
    flat = np.full((28, 28), shade, np.uint8)
    picture = pixels(with_window(flat, Span(5, 20), Span(5, 20), times=8)).astype(int)
    inside, outside = picture[12 * 8, 12 * 8, 0], picture[0, 0, 0]
    assert abs(inside - outside) >= 70


def test_a_window_leaves_the_digit_as_it_was() -> None:
    before = DIGIT.copy()
    with_window(DIGIT, Span(1, 4), Span(1, 4), times=2)
    assert np.array_equal(DIGIT, before)


# Fields, maps and masks over a digit. A pixel under no colour keeps 0.55 of its brightness: 0, 140, 55 and 110.

BLUE, RED = (0x3B, 0x7D, 0xDD), (0xC0, 0x39, 0x2B)
FAINT = [[0, 140], [55, 110]]


def colours(picture: Image.Image) -> list[list[tuple[int, ...]]]:
    """Red, green and blue, pixel by pixel."""
    return [[tuple(int(part) for part in pixel) for pixel in row] for row in pixels(picture)]


def grey(shade: int) -> tuple[int, ...]:
    return (shade,) * 3


def floats(values: list[list[float]]) -> Floats:
    return np.array(values, np.float32)


def framed(picture: Image.Image, colour: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """First and last (row, column) that has exactly this colour."""
    found = np.argwhere((pixels(picture) == colour).all(axis=2))
    return found.min(axis=0).tolist(), found.max(axis=0).tolist()


def test_the_colours_are_those_of_the_palette() -> None:
    assert [f"#{bytes(colour).hex()}" for colour in (BLUE, RED)] == [VALIDATION, LIMIT]


def test_a_field_is_in_full_colour_where_it_is_strongest_and_in_half_at_a_quarter() -> None:
    # Half of 140.25 and half of orange.
    picture = with_field(FOUR, floats([[4, 1], [0, 0]]), NOTHING, NOTHING, times=1)
    assert colours(picture) == [[ORANGE, (178, 127, 76)], [grey(55), grey(110)]]


@pytest.mark.parametrize("times", [0.001, 1, 1e6])
def test_a_field_looks_the_same_whatever_its_unit(times: float) -> None:
    strength = np.random.default_rng(5).random((28, 28)).astype(np.float32)
    one, other = (with_field(DIGIT, field, NOTHING, NOTHING, 1) for field in (strength, strength * np.float32(times)))
    assert np.abs(pixels(one).astype(int) - pixels(other)).max() <= 1


def test_a_field_of_nothing_leaves_the_faint_digit() -> None:
    picture = with_field(FOUR, floats([[0, 0], [0, 0]]), NOTHING, NOTHING, times=1)
    assert colours(picture) == [[grey(shade) for shade in row] for row in FAINT]


def test_field_and_frame_have_the_colour_given() -> None:
    picture = with_field(FOUR, floats([[0, 0], [1, 0]]), Span(0, 1), Span(0, 2), times=8, colour=VALIDATION)
    assert colours(picture)[12][4] == BLUE
    assert colours(picture)[0] == [BLUE] * 16


def test_a_field_is_framed_by_what_the_unit_could_see_at_most() -> None:
    picture = with_field(DIGIT, np.zeros((28, 28), np.float32), Span(3, 9), Span(10, 20), times=8)
    assert framed(picture, ORANGE) == ([24, 80], [71, 159])


def test_heat_is_orange_above_zero_and_blue_below() -> None:
    # Half of 55 and half of orange.
    picture = with_heat(FOUR, floats([[2, -2], [1, 0]]), times=1)
    assert colours(picture) == [[ORANGE, BLUE], [(136, 85, 34), grey(110)]]


@pytest.mark.parametrize(("most", "first"), [(None, ORANGE), (2, ORANGE), (1, ORANGE), (4, (108, 57, 6))])
def test_the_full_colour_of_heat_stands_for_the_most_given(most: float | None, first: tuple[int, ...]) -> None:
    assert colours(with_heat(FOUR, floats([[2, 0], [0, 0]]), 1, most))[0][0] == first


def test_heat_of_nothing_leaves_the_faint_digit() -> None:
    picture = with_heat(FOUR, np.zeros((2, 2), np.float32), times=1)
    assert colours(picture) == [[grey(shade) for shade in row] for row in FAINT]


def test_what_is_left_out_is_red_and_as_bright_as_it_is() -> None:
    # White becomes the full colour; black, of which 0.35 is left, 67, 19 and 15.
    picture = left_out(FOUR, np.array([[True, True], [False, False]]), times=1)
    assert colours(picture) == [[(67, 19, 15), RED], [grey(55), grey(110)]]


@pytest.mark.parametrize("times", [2, 5])
@pytest.mark.parametrize(
    "draw",
    [
        lambda times: with_field(FOUR, floats([[4, 1], [0, 0]]), NOTHING, NOTHING, times),
        lambda times: with_heat(FOUR, floats([[2, -2], [1, 0]]), times),
        lambda times: left_out(FOUR, np.array([[True, False], [False, True]]), times),
    ],
    ids=["field", "heat", "left out"],
)
def test_colours_keep_the_hard_edges_of_their_pixels(draw: Callable[[int], Image.Image], times: int) -> None:
    assert np.array_equal(pixels(draw(times)), pixels(draw(1)).repeat(times, 0).repeat(times, 1))


# Patches


def test_each_patch_is_framed_in_its_colour_and_nothing_else_changes() -> None:
    patches = [(Span(2, 5), Span(3, 9), HIGHLIGHT), (Span(10, 14), Span(20, 28), VALIDATION)]
    picture = with_patches(DIGIT, patches, times=8)
    assert framed(picture, ORANGE) == ([16, 24], [39, 71])
    assert framed(picture, BLUE) == ([80, 160], [111, 223])
    changed = (pixels(picture) != pixels(with_patches(DIGIT, [], times=8))).any(axis=2)
    assert changed.sum() <= 2 * 2 * ((24 + 48) + (32 + 64))


def test_without_a_patch_the_digit_is_enlarged_alone() -> None:
    assert np.array_equal(pixels(with_patches(DIGIT, [], 3)), np.stack([pixels(enlarged(DIGIT, 3))] * 3, axis=2))


def test_a_patch_of_nothing_has_no_frame() -> None:
    nothing = [(NOTHING, Span(3, 9), HIGHLIGHT)]
    assert np.array_equal(pixels(with_patches(DIGIT, nothing, 4)), pixels(with_patches(DIGIT, [], 4)))


# Sheets

# Three maps of two pixels each.
MAPS: Floats = np.array([[[0, 1]], [[2, 3]], [[4, -1]]], np.float32)


def test_maps_stand_row_by_row_on_one_scale() -> None:
    # From -1 to 4 in steps of 51, three pixels of gap on either axis.
    shades = pixels(sheet(MAPS, columns=2, times=1))[..., 0]
    assert shades.shape == (1 + 3 + 1, 2 + 3 + 2)
    assert [shades[0, :2].tolist(), shades[0, 5:].tolist(), shades[4, :2].tolist()] == [[51, 102], [153, 204], [255, 0]]


@pytest.mark.parametrize("times", [1, 4])
def test_the_page_shows_between_maps_and_where_none_is_left(times: int) -> None:
    side = 2 * times
    seen = np.zeros((times + 3 + times, side + 3 + side), np.uint8)
    seen[:times, :side] = seen[:times, -side:] = seen[-times:, :side] = 255
    assert np.array_equal(pixels(sheet(MAPS, 2, times))[..., 1], seen)


def test_a_pixel_of_a_map_becomes_a_block() -> None:
    large, small = (pixels(sheet(MAPS[:1], 1, times)) for times in (5, 1))
    assert np.array_equal(large, small.repeat(5, 0).repeat(5, 1))


@pytest.mark.parametrize(("columns", "size"), [(1, (2, 9)), (2, (7, 5)), (3, (12, 1)), (8, (12, 1))])
def test_a_sheet_is_no_wider_than_its_maps(columns: int, size: tuple[int, int]) -> None:
    assert sheet(MAPS, columns, times=1).size == size


@pytest.mark.parametrize("maps", [MAPS, -MAPS, 0 * MAPS], ids=["more above", "more below", "all zero"])
def test_zero_can_be_made_middle_grey(maps: Floats) -> None:
    assert pixels(sheet(maps, 3, 1, grey_is_zero=True))[0, 0, 0] in (127, 128)


@pytest.mark.parametrize(
    ("maps", "shades"),
    [(MAPS, [127, 159, 191, 223, 255, 95]), (-MAPS, [127, 95, 63, 31, 0, 159])],
    ids=["more above", "more below"],
)
def test_around_grey_both_signs_are_on_one_scale(maps: Floats, shades: list[int]) -> None:
    row = pixels(sheet(maps, 3, 1, grey_is_zero=True))[0]
    assert row[row[:, 1] > 0][:, 0].tolist() == shades


@pytest.mark.parametrize("value", [-2, 0, 7])
def test_maps_of_one_value_are_a_sheet_of_one_shade(value: float) -> None:
    picture = pixels(sheet(np.full((2, 3, 3), value, np.float32), 1, 1))
    assert len(set(picture[picture[..., 1] > 0][:, 0].tolist())) == 1


# Parts cut out


def test_a_part_lies_in_the_middle_with_grey_around() -> None:
    square = np.full((6, 6), 96, np.uint8)
    square[2:4, 1:5] = DIGIT[5:7, 10:14]
    assert np.array_equal(cut(DIGIT, Span(5, 7), Span(10, 14), 6), square)


def test_a_part_as_large_as_the_square_fills_it() -> None:
    assert np.array_equal(cut(DIGIT, Span(3, 10), Span(21, 28), 7), DIGIT[3:10, 21:28])


def test_a_part_of_nothing_is_grey_alone() -> None:
    assert np.array_equal(cut(DIGIT, NOTHING, NOTHING, 5), np.full((5, 5), 96, np.uint8))


@pytest.mark.parametrize(
    "draw",
    [
        lambda image: with_field(image, np.ones((28, 28), np.float32), Span(0, 5), Span(0, 5), 2),
        lambda image: with_heat(image, np.ones((28, 28), np.float32), 2),
        lambda image: left_out(image, np.ones((28, 28), bool), 2),
        lambda image: with_patches(image, [(Span(0, 5), Span(0, 5), LIMIT)], 1),
        lambda image: cut(image, Span(0, 28), Span(0, 28), 28).fill(0),
    ],
    ids=["field", "heat", "left out", "patches", "cut"],
)
def test_the_digit_that_is_drawn_upon_stays_as_it_was(draw: Callable[[Bytes], object]) -> None:
    before = DIGIT.copy()
    draw(DIGIT)
    assert np.array_equal(DIGIT, before)
