"""Strokes and pictures from outside are refused or become digits as MNIST has them; what varies them does just that."""

import io
import math
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.data.handwriting import PEN, HandwritingError, Stroke, Variation, as_mnist, drawn, picture, strokes

STEADY = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

# In MNIST's 10,000 test images the centre of mass lies at 13.50 to 14.50, down and across.
MIDDLE = 14

# Two strokes that no turn, mirror or swap of axes leaves as they are; they keep away from the sheet's edge.
SEVEN: tuple[Stroke, ...] = (((0.3, 0.2), (0.7, 0.25), (0.45, 0.85)), ((0.4, 0.5), (0.62, 0.55)))
SHEET = 280

# A digit on paper for pictures: ink at 255, nothing of it at the border.
INK: Bytes = np.zeros((40, 30), np.uint8)
INK[8:30, 12:18] = 255
INK[8:12, 12:24] = 255
KINDS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")


def corners(ink: Bytes, least: int = 1) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of what has at least this much ink, the last two just beyond it."""
    places = np.argwhere(ink >= least)
    (top, left), (bottom, right) = places.min(0), places.max(0) + 1
    return int(top), int(left), int(bottom), int(right)


def centre(ink: Bytes) -> tuple[float, float]:
    """Row and column of the centre of mass, pixels counted from 0."""
    down, across = np.indices(ink.shape)
    return float((down * ink).sum() / ink.sum()), float((across * ink).sum() / ink.sum())


def difference(one: Bytes, other: Bytes) -> float:
    """Mean absolute difference, of 255."""
    return float(np.abs(one.astype(int) - other).mean())


def padded(ink: Bytes, top: int, left: int, bottom: int, right: int) -> Bytes:
    return np.pad(ink, ((top, bottom), (left, right)))


# Strokes from outside

_HUGE = st.sampled_from([10**400, -(10**400), math.nan, math.inf, -math.inf, 1 + 1e-9, -1e-9, -0.0])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _HUGE | st.text(max_size=2) | st.binary(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.sets(st.integers(0, 1))
        | st.dictionaries(st.text(max_size=1), inner, max_size=2)
    ),
    max_leaves=12,
)
_POINT = st.lists(st.floats(0, 1) | st.integers(0, 1), min_size=2, max_size=2)
_ODD_POINT = st.lists(st.floats(0, 1) | st.booleans() | _HUGE | st.just("0.5") | _VALUES, max_size=3)
NESTED: list[Any] = []
for _ in range(5_000):
    NESTED = [NESTED]


@given(_VALUES | st.lists(st.lists(_POINT | _ODD_POINT, max_size=3), max_size=3))
@STEADY
def test_whatever_comes_is_refused_or_becomes_points_on_the_sheet(value: Any) -> None:
    try:
        found = strokes(value)
    except HandwritingError:
        return
    assert all(type(one) is float and 0 <= one <= 1 for stroke in found for point in stroke for one in point)


@given(st.lists(st.lists(_POINT, max_size=5), max_size=5))
@STEADY
def test_strokes_keep_their_points_and_their_order(value: list[list[list[float]]]) -> None:
    assert strokes(value) == tuple(tuple((x, y) for x, y in stroke) for stroke in value if stroke)


@pytest.mark.parametrize("value", [None, "[]", {}, ((),), 3, [None], [()], ["ab"], [[[0, 0]], {}]], ids=repr)
def test_what_is_no_list_of_strokes_is_refused(value: Any) -> None:
    with pytest.raises(HandwritingError, match=r"^the drawing: not a list of strokes; draw it again$"):
        strokes(value)


@pytest.mark.parametrize(
    "point",
    [
        *([one, 0.5] for one in (math.nan, math.inf, -math.inf, -1e-9, 1 + 1e-9, 10**400, True, False, "0.5", None)),
        *([0.5, one] for one in (math.nan, 2, True, [0.5])),
        *([], [0.5], [0.5, 0.5, 0.5], (0.5, 0.5), "ab", {"x": 0.5, "y": 0.5}, None),
        [np.float64(0.5), 0.5],
        NESTED,
    ],
    ids=lambda point: f"{point!r:.20}" if point is not NESTED else "nested",
)
def test_what_is_no_point_on_the_sheet_is_refused(point: Any) -> None:
    with pytest.raises(HandwritingError, match=r"^the drawing: a point lies outside the sheet; draw it again$"):
        strokes([[[0.5, 0.5], point]])


@pytest.mark.parametrize("counts", [[1] * 200, [10_000], [5_000, 5_000], [50] * 200])
def test_as_much_as_allowed_is_taken(counts: list[int]) -> None:
    assert [len(one) for one in strokes([[[0.5, 0.5]] * count for count in counts])] == counts


@pytest.mark.parametrize("counts", [[1] * 201, [0] * 201, [10_001], [5_000, 5_001]])
def test_more_than_allowed_is_refused_with_both_limits(counts: list[int]) -> None:
    with pytest.raises(HandwritingError, match=r"at most 200 strokes and 10,000 points; clear it and draw again$"):
        strokes([[[0.5, 0.5]] * count for count in counts])


# Drawing


def away(pen: tuple[Stroke, ...]) -> npt.NDArray[np.float64]:
    """How far the middle of each pixel of the sheet lies from the strokes, in pixels."""
    rows, columns = np.indices((SHEET, SHEET)) + 0.5
    parts = []
    for stroke in pen:
        points = [np.array(point) * SHEET for point in stroke]
        for (x1, y1), (x2, y2) in zip(points, points[1:] or points, strict=False):
            squared = (x2 - x1) ** 2 + (y2 - y1) ** 2 or 1.0
            along = np.clip(((columns - x1) * (x2 - x1) + (rows - y1) * (y2 - y1)) / squared, 0, 1)
            parts.append(np.hypot(columns - x1 - along * (x2 - x1), rows - y1 - along * (y2 - y1)))
    nearest: npt.NDArray[np.float64] = np.min(parts, axis=0)
    return nearest


@pytest.mark.parametrize(
    "pen",
    [SEVEN, (((0.3, 0.6),),), (((0.0, 0.0),), ((1.0, 0.5),)), (((0.1, 0.9), (0.1, 0.9)),), (((0.0, 0.4), (1.0, 0.4)),)],
    ids=["bent", "dot", "dots at the edge", "twice the same point", "across"],
)
def test_ink_is_where_the_pen_went_and_nowhere_else(pen: tuple[Stroke, ...]) -> None:
    sheet, distance = drawn(pen), away(pen)
    assert sheet[distance < PEN * SHEET / 2 - 1.5].min() == 255
    assert sheet[distance > PEN * SHEET / 2 + 1.5].max() == 0


def test_no_stroke_leaves_no_ink() -> None:
    assert not drawn(()).any()


@pytest.mark.parametrize("pen", [(), SEVEN])
def test_the_sheet_has_280_pixels_a_side_of_one_byte(pen: tuple[Stroke, ...]) -> None:
    assert (drawn(pen).shape, drawn(pen).dtype.name) == ((SHEET, SHEET), "uint8")


# Pictures


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **{"lossless": True, "quality": 95, **options})
    return buffer.getvalue()


def of(values: Bytes) -> bytes:
    return file(Image.fromarray(values))


def header(width: int, height: int) -> bytes:
    """A PNG of this size that has no pixels at all."""
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0), b"IDAT"]
    packed = [struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_is_read(kind: str) -> None:
    assert difference(picture(file(Image.fromarray(INK), kind)), INK) < 1


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGB", "RGBA", "I;16"])
def test_every_way_to_write_grey_is_read(mode: str) -> None:
    wide = Image.fromarray(INK.astype(np.uint16) * 257)
    assert np.array_equal(picture(file(wide if mode == "I;16" else Image.fromarray(INK).convert(mode))), INK)


@pytest.mark.parametrize("kind", KINDS)
def test_dark_on_light_gives_the_same_ink_as_light_on_dark(kind: str) -> None:
    light, dark = (picture(file(Image.fromarray(values), kind)) for values in (INK, 255 - INK))
    assert difference(light, dark) < 0.5


@pytest.mark.parametrize(("ink", "paper"), [(60, 250), (250, 60), (0, 130), (120, 0)])
def test_pale_ink_becomes_full_ink_on_black(ink: int, paper: int) -> None:
    assert np.array_equal(picture(of(np.where(INK > 0, ink, paper).astype(np.uint8))), INK)


@pytest.mark.parametrize("shades", [(190, 250), (250, 190)], ids=str)
def test_paper_of_many_shades_is_no_ink(shades: tuple[int, int]) -> None:
    paper = np.linspace(*shades, INK.size).reshape(INK.shape).astype(np.uint8)
    assert not picture(of(np.where(INK > 0, 0, paper).astype(np.uint8)))[INK == 0].any()


def test_a_dark_corner_does_not_turn_the_picture_over() -> None:
    paper = 255 - INK
    paper[0, 0] = 0
    assert np.array_equal(picture(of(paper))[1:], INK[1:])


@pytest.mark.parametrize("ink", [0, 100])
def test_what_is_transparent_is_white_paper(ink: int) -> None:
    layers = [np.full_like(INK, ink)] * 3 + [INK]
    assert np.array_equal(picture(file(Image.fromarray(np.stack(layers, axis=2)))), INK)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("orientation", "quarters"), [(1, 0), (3, 2), (6, -1), (8, 1)])
def test_a_picture_stands_upright_however_the_camera_was_held(orientation: int, quarters: int, kind: str) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    found = picture(file(Image.fromarray(INK), kind, exif=exif))
    assert difference(found, np.rot90(INK, quarters)) < 1


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about each damage that it sees
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize(("place", "value"), [(11, 0), (11, 26), (11, 84), (13, 11)])
def test_a_picture_whose_exif_is_damaged_is_read(kind: str, place: int, value: int) -> None:
    exif = Image.Exif()
    exif[274], exif[0x010F], exif[0x8769] = 6, "maker", {0x829A: (1, 3)}
    data = bytearray(file(Image.fromarray(INK), kind, exif=exif))
    data[data.index(b"MM\0*") + place] = value
    assert difference(picture(bytes(data)), np.rot90(INK, -1)) < 1  # what lies beside the damage still counts


# Of the process itself: what getrusage tells counts from before the program was loaded.
PEAK = """
import pathlib, re, sys
from mnistnet.data import handwriting

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text("ascii"))[1]) * 1024

data = sys.stdin.buffer.read()
before = peak()
handwriting.picture(data)
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak like this")
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_a_large_picture_takes_no_multiple_of_its_own_memory(mode: str) -> None:
    """4,000 pixels a side are 64 MB in Pillow with colours; 200 to 455 MB were taken."""
    data = file(Image.new(mode, (4_000, 4_000)))
    ended = subprocess.run([sys.executable, "-c", PEAK], input=data, capture_output=True, check=True)
    assert int(ended.stdout) < 120 * 1024**2


@pytest.mark.parametrize("shade", [0, 100, 127, 128, 243, 255])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (30, 20)])
def test_empty_paper_has_no_ink(shade: int, size: tuple[int, int]) -> None:
    assert not picture(of(np.full(size, shade, np.uint8))).any()


@pytest.mark.parametrize("thick", [2, 8])
def test_a_stroke_that_leaves_the_picture_keeps_its_ink(thick: int) -> None:
    cropped = np.zeros((40, 30), np.uint8)
    cropped[:25, 10 : 10 + thick] = 255
    assert np.array_equal(picture(of(cropped)), cropped)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b"%PDF-1.4",
        of(INK)[:60],
        of(INK)[:-30],
        file(Image.fromarray(INK), "JPEG")[:-100],
        file(Image.fromarray(INK), "TIFF"),
        header(0, 0),
        header(5, 5),
        b"\0" * 5_000_000,
    ],
    ids=["nothing", "text", "a document", "the beginning", "most", "half", "a TIFF", "no size", "no pixels", "zeros"],
)
def test_what_cannot_be_read_is_refused_with_what_can(data: bytes) -> None:
    with pytest.raises(HandwritingError, match=r"^the picture: cannot be read; give one of PNG, JPEG, GIF, BMP, WEBP$"):
        picture(data)


def test_too_many_bytes_are_refused_unread() -> None:
    with pytest.raises(HandwritingError, match=r"^the picture: 5,000,001 bytes; at most 5,000,000 are taken"):
        picture(of(INK).ljust(5_000_001))


@pytest.mark.parametrize(("width", "height"), [(4_000, 1), (1, 4_000)])
def test_a_picture_of_4000_pixels_a_side_is_read_as_a_smaller_one(width: int, height: int) -> None:
    assert max(picture(file(Image.new("L", (width, height)))).shape) == 1_000


def test_paper_that_is_only_grainy_has_no_ink() -> None:
    grain = np.random.default_rng(0).normal(240, 2, (200, 200)).round().astype(np.uint8)
    assert not picture(file(Image.fromarray(grain))).any()


@pytest.mark.parametrize(("width", "height"), [(4_001, 1), (1, 4_001), (9_000, 9_000)])
def test_too_many_pixels_a_side_are_refused_by_the_header_alone(width: int, height: int) -> None:
    with pytest.raises(HandwritingError, match=f"^the picture: {width}×{height} pixels; at most 4,000 a side"):
        picture(header(width, height))


@pytest.mark.parametrize("side", [10_000, 20_000, 2**31 - 1])
def test_a_header_that_promises_a_bomb_is_refused(side: int) -> None:
    with pytest.raises(HandwritingError, match=r"^the picture: "):
        picture(header(side, side))


@given(
    st.sampled_from([file(Image.fromarray(INK), kind) for kind in KINDS]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6),
    st.integers(0, 2_000),
)
@STEADY
def test_a_damaged_file_is_refused_or_read(data: bytes, changes: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    try:
        found = picture(bytes(damaged[:length]))
    except HandwritingError:
        return
    assert found.dtype == np.uint8


# MNIST's form


@pytest.mark.parametrize("ink", [np.zeros((40, 30), np.uint8), np.full((9, 9), 19, np.uint8)], ids=["none", "faint"])
def test_what_has_no_ink_stays_empty(ink: Bytes) -> None:
    assert not as_mnist(ink).any()


@pytest.mark.parametrize("ink", [INK, drawn(SEVEN), drawn(()), np.full((1, 1), 20, np.uint8)])
def test_a_digit_has_28_pixels_a_side_of_one_byte(ink: Bytes) -> None:
    assert (as_mnist(ink).shape, as_mnist(ink).dtype.name) == ((28, 28), "uint8")


@pytest.mark.parametrize(
    ("size", "becomes"),
    [
        ((100, 50), (20, 10)),
        ((40, 120), (7, 20)),
        ((5, 5), (20, 20)),
        ((1, 1), (20, 20)),
        ((4, 1), (20, 5)),
        ((1, 6_000), (1, 20)),
        ((6_000, 1), (20, 1)),
    ],
)
def test_ink_fills_a_box_of_20_with_its_proportions_kept(size: tuple[int, int], becomes: tuple[int, int]) -> None:
    top, left, bottom, right = corners(as_mnist(padded(np.full(size, 255, np.uint8), 3, 4, 5, 6)))
    assert (bottom - top, right - left) == becomes


def test_a_long_thin_slanting_stroke_is_still_there() -> None:
    assert as_mnist(np.diag(np.full(2_000, 255, np.uint8))).any()


@pytest.mark.parametrize("seed", range(20))
def test_the_centre_of_mass_is_in_the_middle_wherever_the_sheet_has_room(seed: int) -> None:
    digit = as_mnist(drawn(strokes(np.random.default_rng(seed).random((2, 3, 2)).tolist())))
    top, left, bottom, right = corners(digit)
    for place, first, last in zip(centre(digit), (top, left), (bottom, right), strict=True):
        held = (first == 0 and place > MIDDLE) or (last == 28 and place < MIDDLE)
        assert abs(place - MIDDLE) <= 0.501 or held


def test_a_digit_heavier_than_the_sheet_can_balance_ends_at_its_edge() -> None:
    lopsided = np.zeros((200, 200), np.uint8)
    lopsided[:60, :60] = 255
    np.fill_diagonal(lopsided, 255)
    lopsided[-4:, -4:] = 255
    assert corners(as_mnist(lopsided)) == (8, 8, 28, 28)


@pytest.mark.parametrize("around", [(0, 0, 0, 0), (50, 0, 0, 3), (0, 500, 1, 0), (7, 11, 13, 17)])
def test_it_does_not_matter_where_on_the_sheet_a_digit_stands(around: tuple[int, int, int, int]) -> None:
    top, left, bottom, right = corners(drawn(SEVEN), 20)
    alone = drawn(SEVEN)[top:bottom, left:right]
    assert np.array_equal(as_mnist(padded(alone, *around)), as_mnist(drawn(SEVEN)))


@pytest.mark.parametrize("times", [0.25, 0.4, 0.7, 1.5, 3])
def test_it_hardly_matters_how_large_a_digit_is(times: float) -> None:
    # Moved by a pixel the same digit differs by 17 of 255.
    side = round(SHEET * times)
    scaled = np.asarray(Image.fromarray(drawn(SEVEN)).resize((side, side), Image.Resampling.LANCZOS))
    assert difference(as_mnist(scaled), as_mnist(drawn(SEVEN))) < 3


def test_the_picture_that_is_brought_to_the_form_stays_as_it_was() -> None:
    before = INK.copy()
    as_mnist(INK)
    assert np.array_equal(INK, before)


@pytest.mark.mnist
def test_real_digits_enlarged_come_back_close_to_themselves() -> None:
    # Measured on the first 600: 2.3 of 255 on average; moved by one pixel a digit differs from itself by 16.
    images = datasets.load_test("mnist")[0][:200]
    back = [as_mnist(image.repeat(10, 0).repeat(10, 1)) for image in images]
    assert np.mean([difference(one, other) for one, other in zip(back, images, strict=True)]) < 3


# Variations

SEVEN_AS_MNIST = as_mnist(drawn(SEVEN))
BAR: Bytes = np.zeros((28, 28), np.uint8)
BAR[6:22, 12:16] = 255


def dot(row: int, column: int) -> Bytes:
    image = np.zeros((28, 28), np.uint8)
    image[row, column] = 255
    return image


def bright(image: Bytes) -> list[tuple[int, int]]:
    """(row, column) of what is brighter than half."""
    return [(int(row), int(column)) for row, column in np.argwhere(image > 127)]


def shifted(image: Bytes, right: int, down: int) -> Bytes:
    """Moved by whole pixels, black coming in."""
    wide = np.pad(image, 28)
    return wide[28 - down : 56 - down, 28 - right : 56 - right]


def test_no_variation_returns_the_very_image() -> None:
    assert Variation().of(SEVEN_AS_MNIST) is SEVEN_AS_MNIST


@pytest.mark.parametrize(
    ("degrees", "row", "column"), [(90, 5, 25), (-90, 22, 2), (180, 25, 22), (-180, 25, 22), (360, 2, 5)]
)
def test_a_corner_goes_where_a_clockwise_turn_takes_it(degrees: float, row: int, column: int) -> None:
    assert bright(Variation(degrees=degrees).of(dot(2, 5))) == [(row, column)]


@pytest.mark.parametrize(("right", "down"), [(1, 0), (-1, 0), (0, 1), (0, -1), (5, -3), (8, 8), (-8, 8)])
def test_a_digit_moves_by_whole_pixels(right: int, down: int) -> None:
    # Going through a finer grid and back softens it by 3 of 255; a pixel too far would make it 17.
    moved = Variation(right=right, down=down).of(SEVEN_AS_MNIST)
    assert difference(moved, shifted(SEVEN_AS_MNIST, right, down)) < 5


@pytest.mark.parametrize(("right", "down"), [(1, 0), (0, -1), (5, -3)])
def test_a_dot_stays_one_dot_wherever_it_moves(right: int, down: int) -> None:
    assert bright(Variation(right=right, down=down).of(dot(10, 12))) == [(10 + down, 12 + right)]


def test_half_a_pixel_shares_the_ink_between_two() -> None:
    row = Variation(right=0.5).of(dot(10, 12))[10]
    assert row[12] == row[13] > 90


@pytest.mark.parametrize("move", [{"right": 28}, {"right": -28}, {"down": 28}, {"down": -28}], ids=str)
def test_what_leaves_the_sheet_is_lost(move: dict[str, float]) -> None:
    assert not Variation(**move).of(SEVEN_AS_MNIST).any()


@pytest.mark.parametrize(("thicker", "width"), [(-2, 2), (-1, 3), (1, 5), (2, 6)])
def test_a_stroke_grows_by_as_many_pixels(thicker: float, width: int) -> None:
    assert (Variation(thicker=thicker).of(BAR)[14] / 255).sum() == pytest.approx(width, abs=0.2)


def test_thicker_has_more_ink_step_by_step() -> None:
    inks = [Variation(thicker=step / 2).of(SEVEN_AS_MNIST).sum() for step in range(-4, 5)]
    assert inks == sorted(set(inks))


def test_a_turn_comes_before_a_move() -> None:
    assert bright(Variation(degrees=90, right=-3, down=2).of(dot(2, 5))) == [(7, 22)]


@pytest.mark.parametrize(
    "variation",
    [Variation(), Variation(degrees=13.5), Variation(right=0.3), Variation(down=-7), Variation(thicker=2)],
    ids=str,
)
def test_a_varied_digit_is_a_digit_that_can_be_written_to(variation: Variation) -> None:
    # torch warns of an array that cannot.
    found = variation.of(as_mnist(drawn(SEVEN)))
    assert (found.shape, found.dtype.name, found.flags.writeable) == ((28, 28), "uint8", True)


def test_a_variation_leaves_the_digit_as_it_was() -> None:
    before = SEVEN_AS_MNIST.copy()
    Variation(20, 1, 2, 1).of(SEVEN_AS_MNIST)
    assert np.array_equal(SEVEN_AS_MNIST, before)


@pytest.mark.parametrize("field", ["degrees", "right", "down", "thicker"])
def test_one_field_changes_and_the_others_stay(field: str) -> None:
    before = {"degrees": 1.0, "right": 2.0, "down": 3.0, "thicker": 0.5}
    assert Variation(**before).with_one(field, 7.0) == Variation(**{**before, field: 7.0})
