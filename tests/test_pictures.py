"""Digits enlarged, embedded and dimmed outside a unit's window, pixel by pixel."""

import base64
import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from mnistnet.charts.palette import HIGHLIGHT
from mnistnet.charts.pictures import enlarged, png, with_window
from mnistnet.data.datasets import Bytes
from mnistnet.nets.geometry import Span

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
