"""A canvas to draw a digit on by mouse, pen or finger; Streamlit has no element for that."""

from pathlib import Path
from typing import Any

import streamlit as st

from mnistnet.data.handwriting import Stroke, strokes
from mnistnet.errors import MnistnetError
from mnistnet.ui import notifications


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_component = st.components.v2.component(
    "mnistnet_canvas", html=_file("canvas.html"), css=_file("canvas.css"), js=_file("canvas.js")
)
_KEY, _KEPT = "canvas", "_strokes"


def canvas(pen: float) -> tuple[Stroke, ...]:
    """The strokes drawn so far; `pen` is the width of the line as a fraction of the canvas."""
    kept: list[Any] = st.session_state.setdefault(_KEPT, [])
    _component(key=_KEY, data={"strokes": kept, "pen": pen}, on_strokes_change=_drawn)
    return strokes(st.session_state[_KEPT])


def _drawn() -> None:
    given = st.session_state[_KEY].get("strokes")
    try:
        strokes(given)
    except MnistnetError as error:
        notifications.notify(str(error))
        return
    st.session_state[_KEPT] = given
