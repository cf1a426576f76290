"""The choices of a design on the Search page: a line a layer, with what may vary in it to be ticked."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from mnistnet.nets.architecture import MAX_CHANNELS, Architecture, Conv, Depthwise, Layer, MaxPool
from mnistnet.nets.layer_types import LAYER_TYPES, caption, dropout_rate, own_width
from mnistnet.nets.widths import free_widths
from mnistnet.search import ready
from mnistnet.search.choices import Choice, Pooling, Repeat, Setting, Width
from mnistnet.ui.search.new.choice import choice

_RATES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
_KERNELS = (1, 3, 5, 7)
_WIDEST_SHOWN = 64
_SPREAD = 1.5
_MOST_REPEATS = 4
_ALL = "search-all-widths"

Made = Callable[[], Choice]


def layer_choices(design: Architecture) -> Callable[[], list[Choice]]:
    """The controls; what is returned makes the choices, and raises SearchError for one that is wrong."""
    st.caption(
        "Count: the layer several times in a row; 0 leaves it out. Kernel: its padding keeps the map's size where the "
        "layer's own does. Place: behind which layer the pooling stands."
    )
    st.checkbox(
        "All widths", key=_ALL, on_change=_tick_all, args=(design,), persist_state="session", help="Ticks them all"
    )
    made: list[Made] = []
    for place, layer in enumerate(design.layers):
        made += _layer(design, place, layer)
    return lambda: [make() for make in made]


def _key(kind: str, place: int, layer: Layer) -> str:
    """A layer of another type or width has ticks and values of its own."""
    return f"search-{kind}-{place}-{layer.type}-{own_width(layer)}"


def _tick_all(design: Architecture) -> None:
    for place in free_widths(design):
        st.session_state[_key("width", place, design.layers[place])] = st.session_state[_ALL]


def _layer(design: Architecture, place: int, layer: Layer) -> list[Made]:
    kinds = _kinds(design, place, layer)
    if not kinds:
        return []
    width = own_width(layer)
    named = f"**{place + 1}** {caption(layer)}{f', {width} wide' if width else ''}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(named, width=190)
        ticked = [
            kind
            for kind, label in kinds.items()
            if st.checkbox(label, key=_key(kind, place, layer), persist_state="session")
        ]
    return [_CONTROLS[kind](design, place, layer) for kind in ticked]


def _kinds(design: Architecture, place: int, layer: Layer) -> dict[str, str]:
    """What may vary in the layer, with the labels of the boxes."""
    number = place + 1
    found: dict[str, str] = {}
    if place in free_widths(design):
        found["width"] = f"width of {number}"
        found["repeat"] = f"count of {number}"
    elif LAYER_TYPES[layer.type].filters == "one":
        found["repeat"] = f"count of {number}"
    if isinstance(layer, MaxPool) and len(ready.places(design, place)) > 1:
        found["place"] = f"place of {number}"
    if "repeat" in found and isinstance(layer, Conv | Depthwise):
        found["kernel"] = f"kernel of {number}"
    if dropout_rate(layer) is not None:
        found["dropout"] = f"dropout of {number}"
    return found


def _width(design: Architecture, place: int, layer: Layer) -> Made:
    width = own_width(layer) or 1
    most = min(MAX_CHANNELS, max(_WIDEST_SHOWN, 2 * width))
    key = _key("width", place, layer)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        low, high = st.slider(
            f"Width of layer {place + 1}",
            1,
            most,
            (max(1, round(width / _SPREAD)), max(width + 2, min(most, round(width * _SPREAD)))),
            key=f"{key}-range",
            persist_state="session",
        )
        step = st.number_input(
            f"Step of layer {place + 1}", 1, most, 1, key=f"{key}-step", width=120, persist_state="session"
        )
    title = f"width of layer {place + 1}"
    return partial(choice, Width, title, layer=place, low=low, high=high, step=step)


def _repeat(design: Architecture, place: int, layer: Layer) -> Made:
    low, high = st.slider(
        f"How often layer {place + 1} stands in a row",
        0,
        _MOST_REPEATS,
        (1, 2),
        key=f"{_key('repeat', place, layer)}-range",
        persist_state="session",
    )
    return partial(choice, Repeat, f"count of layer {place + 1}", layer=place, low=low, high=high)


def _place(design: Architecture, place: int, layer: Layer) -> Made:
    offered = ready.places(design, place)
    behind = st.multiselect(
        f"Layer {place + 1} stands behind one of the layers",
        offered,
        offered,
        format_func=lambda one: str(one + 1),
        key=f"{_key('place', place, layer)}-behind-{len(offered)}",
        persist_state="session",
    )
    return partial(choice, Pooling, f"place of layer {place + 1}", layer=place, behind=tuple(sorted(behind)))


def _kernel(design: Architecture, place: int, layer: Layer) -> Made:
    now = layer.kernel if isinstance(layer, Conv | Depthwise) else 1
    return _options("kernel", place, layer, _KERNELS, sorted({now, 3, 5}), "kernel")


def _dropout(design: Architecture, place: int, layer: Layer) -> Made:
    now = dropout_rate(layer) or 0.0
    field = "dropout" if hasattr(layer, "dropout") else "rate"
    return _options("dropout", place, layer, sorted({*_RATES, now}), sorted({0.0, now, 0.05, 0.1}), field)


def _options(kind: str, place: int, layer: Layer, offered: Sequence[float], usual: Sequence[float], field: str) -> Made:
    """A setting of the layer among some of the values that are offered."""
    options = st.multiselect(
        f"{kind.capitalize()} of layer {place + 1}, one of",
        offered,
        usual,
        key=f"{_key(kind, place, layer)}-{getattr(layer, field)}",
        persist_state="session",
    )
    title = f"{kind} of layer {place + 1}"
    return partial(choice, Setting, title, layer=place, field=field, options=tuple(sorted(options)))


_CONTROLS = {"width": _width, "repeat": _repeat, "kernel": _kernel, "place": _place, "dropout": _dropout}
