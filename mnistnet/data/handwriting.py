"""Digits from outside brought to MNIST's form, and the variations that a hand makes. Knows no network.

MNIST's form, after LeCun, Cortes and Burges (yann.lecun.com/exdb/mnist): scaled to fit a box of 20x20 pixels with
its proportions kept, grey at the edges from anti-aliasing, and laid into 28x28 with its centre of mass in the middle.
"""

import io
import math
import struct
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageDraw, ImageFilter

from mnistnet.data.datasets import Bytes
from mnistnet.errors import BadInput

Point: TypeAlias = tuple[float, float]
Stroke: TypeAlias = tuple[Point, ...]

SIDE = 28
_BOX = 20
_SHEET = 280  # pixels a side on which strokes are drawn
_FINE = 4  # times finer while drawing and thickening: what anti-aliases
PEN = 0.085  # of the sheet's side: scaled to MNIST, some two pixels
_INKED = 20  # of 255: fainter than this is paper
_MOST_STROKES, _MOST_POINTS = 200, 10_000
_MOST_BYTES, _MOST_SIDE = 5_000_000, 4_000
_ENOUGH = 1_000  # pixels a side to which a picture is brought first
_NOISE, _FAINTEST = 12, 40  # of 255: as near to the paper's shade is paper; fainter than this is no ink at all
_STRIP = 250  # rows that are brought to grey at once
_KINDS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
# EXIF's orientations but the first, and what brings each upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class HandwritingError(BadInput):
    """Strokes or a picture that cannot be taken."""


def strokes(value: object) -> tuple[Stroke, ...]:
    """Strokes from outside: lists of points [x, y], each 0 to 1 from the upper left.

    Raises HandwritingError for anything else, and for more than 200 strokes or 10,000 points.
    """
    if not isinstance(value, list) or not all(isinstance(one, list) for one in value):
        raise HandwritingError("the drawing: not a list of strokes; draw it again")
    if len(value) > _MOST_STROKES or sum(map(len, value)) > _MOST_POINTS:
        raise HandwritingError(
            f"the drawing: at most {_MOST_STROKES} strokes and {_MOST_POINTS:,} points; clear it and draw again"
        )
    return tuple(tuple(_point(point) for point in one) for one in value if one)


def _point(value: object) -> Point:
    if isinstance(value, list) and len(value) == 2:
        x, y = value
        if all(type(one) in (int, float) and 0 <= one <= 1 for one in (x, y)):
            return float(x), float(y)
    raise HandwritingError("the drawing: a point lies outside the sheet; draw it again")


def drawn(pen: Sequence[Stroke]) -> Bytes:
    """Strokes as a picture (280, 280) uint8, ink bright on black."""
    side = _SHEET * _FINE // 2
    sheet = Image.new("L", (side, side))
    draw = ImageDraw.Draw(sheet)
    width = round(PEN * side)
    for stroke in filter(None, pen):
        points = [(x * side, y * side) for x, y in stroke]
        draw.line(points, fill=255, width=width, joint="curve")
        for x, y in points:
            draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=255)
    return np.array(sheet.resize((_SHEET, _SHEET), Image.Resampling.BOX))


def picture(data: bytes) -> Bytes:
    """A picture file's grey values (h, w) uint8, ink bright: turned over where its border is bright.

    Raises HandwritingError for what is no picture, over 5 MB, or over 4,000 pixels a side.
    """
    if len(data) > _MOST_BYTES:
        raise HandwritingError(f"the picture: {len(data):,} bytes; at most {_MOST_BYTES:,} are taken, make it smaller")
    try:
        opened = Image.open(io.BytesIO(data), formats=_KINDS)
        if max(opened.size) > _MOST_SIDE:
            raise _too_large(f"{opened.width}×{opened.height}")
        opened.draft(None, (_ENOUGH, _ENOUGH))  # a JPEG is decoded as much smaller as it can be
        grey = _grey(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large("too many") from None
    except HandwritingError:
        raise
    except (OSError, ValueError, SyntaxError):
        raise HandwritingError(f"the picture: cannot be read; give one of {', '.join(_KINDS)}") from None
    grey.thumbnail((_ENOUGH, _ENOUGH))
    turned = _UPRIGHT.get(_orientation(opened))
    upright = grey if turned is None else grey.transpose(turned)
    return _ink(np.asarray(upright).astype(np.float32))


def _grey(opened: Image.Image) -> Image.Image:
    """The picture in grey on white paper, strip by strip: with its colours it would be held four times over."""
    opened.load()
    grey = Image.new("L", opened.size)
    for top in range(0, opened.height, _STRIP):
        strip = opened.crop((0, top, opened.width, min(top + _STRIP, opened.height))).convert("RGBA")
        paper = Image.new("RGBA", strip.size, "white")
        grey.paste(Image.alpha_composite(paper, strip).convert("L"), (0, top))
    return grey


def _orientation(opened: Image.Image) -> int:
    """The number of the camera's orientation in EXIF; 1, upright, where that is damaged and the picture is not."""
    try:
        value = opened.getexif().get(ExifTags.Base.Orientation)
    except (OSError, ValueError, TypeError, SyntaxError, struct.error):
        return 1
    return value if isinstance(value, int) else 1


def _too_large(size: str) -> HandwritingError:
    return HandwritingError(f"the picture: {size} pixels; at most {_MOST_SIDE:,} a side, make it smaller")


def _ink(grey: npt.NDArray[np.float32]) -> Bytes:
    """What differs from the paper, whose shade is that of most of the border; nothing where all is as good as paper."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = float(np.median(border))
    noise = max(_NOISE, 6 * float(np.median(np.abs(border - paper))))  # a photographed sheet is not of one shade
    ink = (paper - grey if paper > 127 else grey - paper) - noise
    most = float(ink.max())
    if most < _FAINTEST:
        return np.zeros(grey.shape, np.uint8)
    result: Bytes = (np.clip(ink / most, 0, 1) * 255).astype(np.uint8)
    return result


def as_mnist(ink: Bytes) -> Bytes:
    """A picture (h, w) uint8, ink bright, in MNIST's form (28, 28); an empty one stays empty."""
    places = np.argwhere(ink >= _INKED)
    blank = np.zeros((SIDE, SIDE), np.uint8)
    if not len(places):
        return blank
    (top, left), (bottom, right) = places.min(0), places.max(0) + 1
    part = Image.fromarray(ink[top:bottom, left:right])
    scale = _BOX / max(part.size)
    size = tuple(max(1, round(side * scale)) for side in part.size)
    weight = np.asarray(part.resize(size, Image.Resampling.LANCZOS)).astype(np.float64)  # type: ignore[arg-type]
    if not weight.max():
        return blank
    small = (weight * (255 / weight.max())).round().astype(np.uint8)  # a thin pen's line must not fade
    rows, columns = np.indices(small.shape)
    middle = SIDE / 2  # measured: over MNIST's test images the centre of mass is pixel 13.99 down and 14.01 across
    down = round(middle - float((rows * weight).sum() / weight.sum()))
    across = round(middle - float((columns * weight).sum() / weight.sum()))
    down = min(max(0, down), SIDE - small.shape[0])
    across = min(max(0, across), SIDE - small.shape[1])
    blank[down : down + small.shape[0], across : across + small.shape[1]] = small
    return blank


@dataclass(frozen=True)
class Variation:
    """A change of a digit: turned clockwise by `degrees`, moved by pixels, its stroke thickened by pixels."""

    degrees: float = 0.0
    right: float = 0.0
    down: float = 0.0
    thicker: float = 0.0

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, astuple(self))):
            raise HandwritingError(f"{self}: give finite numbers")

    def with_one(self, field: str, value: float) -> "Variation":
        """The same but for one of its fields."""
        return replace(self, **{field: value})

    def of(self, image: Bytes) -> Bytes:
        """The varied image, (28, 28) uint8; what leaves the sheet is lost."""
        if self == Variation():
            return image
        fine = Image.fromarray(image).resize((SIDE * _FINE, SIDE * _FINE), Image.Resampling.NEAREST)
        reach = round(abs(self.thicker) * _FINE / 2)  # on either side of the stroke
        if reach:
            grow = ImageFilter.MaxFilter if self.thicker > 0 else ImageFilter.MinFilter
            fine = fine.filter(grow(2 * reach + 1))
        fine = fine.rotate(
            -self.degrees,
            Image.Resampling.BICUBIC,
            translate=(round(self.right * _FINE), round(self.down * _FINE)),
        )
        return np.array(fine.resize((SIDE, SIDE), Image.Resampling.BOX))
