"""The digit of the Try a digit page: drawn, chosen or uploaded, and then varied."""

from io import BytesIO

import streamlit as st

from mnistnet.charts.pictures import enlarged
from mnistnet.data import datasets, handwriting
from mnistnet.data.datasets import Bytes
from mnistnet.data.handwriting import HandwritingError, Variation
from mnistnet.errors import MnistnetError
from mnistnet.ui import cache, widgets
from mnistnet.ui.try_a_digit.canvas import canvas

_SOURCE, _FILE, _INDEX = "try-source", "try-file", "try-index"
_DRAW, _TAKE, _UPLOAD = "Draw", "Choose a test digit", "Upload a picture"

# The variations of a digit: field, title, furthest value either way, and step, in pixels or degrees.
VARIATIONS = (
    ("degrees", "Rotation, degrees clockwise", 60.0, 5.0),
    ("right", "Shift right, pixels", 8.0, 1.0),
    ("down", "Shift down, pixels", 8.0, 1.0),
    ("thicker", "Stroke width, pixels added", 2.0, 0.5),
)


def digit() -> Bytes | None:
    """The controls of the source, and its digit in MNIST's form, (28, 28) uint8; None while there is none."""
    source = st.session_state.setdefault(_SOURCE, _DRAW)
    st.segmented_control("Digit", [_DRAW, _TAKE, _UPLOAD], default=source, key=_SOURCE, required=True)
    try:
        if st.session_state[_SOURCE] == _UPLOAD:
            return _uploaded()
        if st.session_state[_SOURCE] == _TAKE:
            return _taken()
        pen = canvas(handwriting.PEN)
        return handwriting.as_mnist(handwriting.drawn(pen)) if pen else None
    except MnistnetError as error:
        st.error(widgets.plain(str(error)), icon=":material/error:")
        return None


def _taken() -> Bytes:
    try:
        images, title = cache.images("mnist", "course", "test"), "MNIST's test images"
    except MnistnetError:
        images, title = cache.images(datasets.OFFLINE.name, "course", "test"), datasets.OFFLINE.title
    current = min(st.session_state.setdefault(_INDEX, 0), len(images) - 1)
    index = st.number_input(f"Index in {title}", 0, len(images) - 1, current, key=_INDEX)
    image: Bytes = images[int(index)]
    st.image(enlarged(image, 10), width=280, alt=f"Test image {index}")
    return image


def _uploaded() -> Bytes | None:
    file = st.file_uploader("Picture of one digit", type=["png", "jpg", "jpeg", "gif", "bmp", "webp"], key=_FILE)
    if file is None:
        return None
    found = _read(file.file_id, file)
    if isinstance(found, str):
        raise HandwritingError(found)
    return found


@st.cache_resource(max_entries=64, show_spinner="Reading the picture…")
def _read(file_id: str, _file: BytesIO) -> Bytes | str:
    """An uploaded picture as a digit in MNIST's form, or why it is not one; read once, not at each rerun."""
    try:
        image = handwriting.as_mnist(handwriting.picture(_file.getvalue()))
    except HandwritingError as error:
        return str(error)
    return image if image.any() else "the picture: no ink on it; give a digit that differs from its paper"


def variation() -> Variation:
    """The controls of the variations, and their values."""
    values = {}
    with st.popover("Rotate, shift, thicken", icon=":material/tune:"):
        for field, title, furthest, step in VARIATIONS:
            key = f"try-{field}"
            current = st.session_state.setdefault(key, 0.0)
            values[field] = st.slider(title, -furthest, furthest, current, step, key=key)
        st.button("Reset", on_click=_reset, icon=":material/undo:")
    return Variation(**values)


def _reset() -> None:
    for field, *_ in VARIATIONS:
        st.session_state[f"try-{field}"] = 0.0
