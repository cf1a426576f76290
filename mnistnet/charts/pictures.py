"""Images of digits, enlarged, with a unit's window drawn on them, or small enough to travel in a chart."""

import base64
import io

import numpy as np
from PIL import Image, ImageDraw

from mnistnet.charts.palette import HIGHLIGHT
from mnistnet.data.datasets import Bytes
from mnistnet.nets.geometry import Span

_DIMMED = 0.45
_VEIL = 70  # what dimming adds, so that even black shows where the window ends


def enlarged(image: Bytes, times: int) -> Image.Image:
    """image (28, 28) uint8 with each pixel as a block of times x times, edges kept hard."""
    picture = Image.fromarray(image)
    side = image.shape[0] * times
    return picture.resize((side, side), Image.Resampling.NEAREST) if times > 1 else picture


def png(image: Bytes, times: int = 1) -> str:
    """The enlarged image as a `data:` address."""
    buffer = io.BytesIO()
    enlarged(image, times).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def with_window(image: Bytes, rows: Span, columns: Span, times: int) -> Image.Image:
    """The enlarged digit, dimmed where a unit cannot see, with a frame around what it can."""
    seen = np.zeros(image.shape, bool)
    seen[rows.start : rows.stop, columns.start : columns.stop] = True
    shades = np.where(seen, image, image * _DIMMED + _VEIL).astype(np.uint8)
    picture = enlarged(shades, times).convert("RGB")
    frame = [
        columns.start * times,
        rows.start * times,
        columns.stop * times - 1,
        rows.stop * times - 1,
    ]
    if rows.start < rows.stop and columns.start < columns.stop:
        ImageDraw.Draw(picture).rectangle(frame, outline=HIGHLIGHT, width=max(2, times // 4))
    return picture
