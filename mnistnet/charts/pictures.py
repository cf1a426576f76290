"""Images of digits, enlarged: with windows, fields and patches drawn on them, or small enough to travel in a chart."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from mnistnet.charts.palette import HIGHLIGHT, LIMIT, VALIDATION
from mnistnet.data.datasets import Bytes, Floats
from mnistnet.nets.summary import Span

_DIMMED = 0.45
_VEIL = 70  # what dimming adds, so that even black shows where the window ends
_FAINT = 0.55  # of the digit's brightness, where colours are laid over it
_GAP = 3  # pixels between the maps of a sheet, at least; half a pixel of a map where that is more
_AROUND = 96  # the shade beside a part that was cut out at the image's edge


def enlarged(image: Bytes, times: int) -> Image.Image:
    """image (28, 28) uint8 with each pixel as a block of times x times, edges kept hard."""
    picture = Image.fromarray(image)
    side = (image.shape[1] * times, image.shape[0] * times)
    return picture.resize(side, Image.Resampling.NEAREST) if times > 1 else picture


def png(image: Bytes, times: int = 1) -> str:
    """The enlarged image as a `data:` address."""
    buffer = io.BytesIO()
    enlarged(image, times).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def with_window(image: Bytes, rows: Span, columns: Span, times: int) -> Image.Image:
    """The enlarged digit, dimmed where a unit cannot see, with a frame around what it can."""
    picture = enlarged(_dimmed(image, rows, columns), times).convert("RGB")
    _frame(picture, rows, columns, times, HIGHLIGHT)
    return picture


def with_field(
    image: Bytes, strength: Floats, rows: Span, columns: Span, times: int, colour: str = HIGHLIGHT
) -> Image.Image:
    """The digit faintly, a unit's field over it in `colour`, a frame around what it could see at most.

    `strength` (28, 28), never negative: its largest value is the full colour, a quarter of it half the colour.
    """
    share = np.sqrt(strength / strength.max()) if strength.max() > 0 else strength
    picture = enlarged(_blended(image, [(colour, share)]), times)
    _frame(picture, rows, columns, times, colour)
    return picture


def with_heat(image: Bytes, heat: Floats, times: int, most: float | None = None) -> Image.Image:
    """The digit faintly under a map (28, 28) of both signs: above 0 orange, below 0 blue.

    `most` is what the full colour stands for, the largest magnitude unless given.
    """
    most = most or float(np.abs(heat).max()) or 1.0
    share = np.clip(heat / most, -1, 1)
    return enlarged(_blended(image, [(HIGHLIGHT, np.maximum(share, 0)), (VALIDATION, np.maximum(-share, 0))]), times)


def left_out(image: Bytes, mask: npt.NDArray[np.bool_], times: int) -> Image.Image:
    """The digit with the pixels of `mask` (28, 28) in the colour of limits, as bright as they are."""
    return enlarged(_blended(image, [(LIMIT, np.where(mask, 0.35 + 0.65 * image / 255, 0).astype(np.float32))]), times)


def with_patches(image: Bytes, patches: Sequence[tuple[Span, Span, str]], times: int) -> Image.Image:
    """The enlarged digit with a frame of its colour around each patch of (rows, columns, colour)."""
    picture = enlarged(image, times).convert("RGB")
    for rows, columns, colour in patches:
        _frame(picture, rows, columns, times, colour)
    return picture


def sheet(maps: Floats, columns: int, times: int, *, grey_is_zero: bool = False) -> Image.Image:
    """Maps (n, h, w) side by side in rows of `columns`, on one scale: black is the least value, white the largest.

    With `grey_is_zero` black is the negative of white.
    """
    count, height, width = maps.shape
    low, high = float(maps.min()), float(maps.max())
    if grey_is_zero:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    shades = ((maps - low) / (high - low or 1) * 255).astype(np.uint8)
    columns = min(columns, count)
    rows = -(-count // columns)
    gap = max(_GAP, times // 2)
    step_down, step_across = height * times + gap, width * times + gap
    whole = np.zeros((rows * step_down - gap, columns * step_across - gap, 2), np.uint8)  # gaps show the page
    for place, shade in enumerate(shades):
        top, left = place // columns * step_down, place % columns * step_across
        block = whole[top : top + height * times, left : left + width * times]
        block[..., 0], block[..., 1] = shade.repeat(times, 0).repeat(times, 1), 255
    return Image.fromarray(whole, "LA")


def cut(image: Bytes, rows: Span, columns: Span, side: int) -> Bytes:
    """The part of an image (28, 28) that lies in a window, in the middle of a square of `side` pixels; grey around."""
    square = np.full((side, side), _AROUND, np.uint8)
    part = image[rows.start : rows.stop, columns.start : columns.stop]
    top, left = (side - part.shape[0]) // 2, (side - part.shape[1]) // 2
    square[top : top + part.shape[0], left : left + part.shape[1]] = part
    return square


def _dimmed(image: Bytes, rows: Span, columns: Span) -> Bytes:
    seen = np.zeros(image.shape, bool)
    seen[rows.start : rows.stop, columns.start : columns.stop] = True
    return np.where(seen, image, image * _DIMMED + _VEIL).astype(np.uint8)


def _blended(image: Bytes, layers: Sequence[tuple[str, Floats]]) -> Bytes:
    """The digit as (28, 28, 3), each colour laid over it with its share (28, 28), 0 to 1."""
    canvas = np.repeat(image[..., None] * _FAINT, 3, axis=2)
    for colour, share in layers:
        tone = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])
        canvas = canvas * (1 - share[..., None]) + tone * share[..., None]
    return canvas.astype(np.uint8)


def _frame(picture: Image.Image, rows: Span, columns: Span, times: int, colour: str) -> None:
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    box = [columns.start * times, rows.start * times, columns.stop * times - 1, rows.stop * times - 1]
    ImageDraw.Draw(picture).rectangle(box, outline=colour, width=max(2, times // 4))
