"""The layer editor: a card for each layer, with a slider for its main setting and a menu for the others."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from mnistnet.lessons import controls as named
from mnistnet.nets import widths
from mnistnet.nets.architecture import MAX_CHANNELS, MAX_LAYERS, Conv, Layer
from mnistnet.nets.layer_types import SHORT_TITLES, caption
from mnistnet.nets.summary import Summary
from mnistnet.ui import session
from mnistnet.ui.design import edits, marks
from mnistnet.ui.design.layer_settings import layer_settings, slider
from mnistnet.ui.lessons import held
from mnistnet.ui.network_editor import live

_newest = st.components.v2.component(
    "mnistnet_newest", js=Path(__file__).with_name("newest.js").read_text(encoding="utf-8")
)
_SLIDER_ENDS = (64, 128, 256, MAX_CHANNELS)


def layer_editor(summary: Summary) -> None:
    """The cards of all layers of the current design."""
    for index, (layer_id, layer) in enumerate(zip(session.layer_ids(), session.design.value.layers, strict=True)):
        with st.container(border=True, key=f"layer-{layer_id}", gap="xsmall"):
            _card(index, layer_id, layer, summary)
    if newest := edits.newest():
        _newest(key="newest", data={"card": f"layer-{newest}"})


def _card(index: int, layer_id: str, layer: Layer, summary: Summary) -> None:
    title, control, actions = st.columns([0.345, 0.395, 0.26], vertical_alignment="center", gap="small")
    mark = marks.badge(layer_id) + (" :blue-badge[new]" if layer_id == edits.newest() else "")
    with title.container(gap=None):
        st.markdown(f"**{index + 1} · {_headline(layer)}{mark}")
        _facts(index, layer_id, summary)
    with control:
        _main_control(index, layer_id, layer)
    with actions.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        _fit_button(index, layer_id, layer)
        _more(index, layer_id, layer)
    if summary.fault and summary.fault.layer == index:
        st.error(f"Layer {index + 1}: {summary.fault.message}.", icon=":material/error:")


def _headline(layer: Layer) -> str:
    steps = "".join(f" → {SHORT_TITLES[step]}" for step in layer.steps)
    return f"{caption(layer)}**" + (f" :gray[:small[{steps}]]" if steps else "")


def _facts(index: int, layer_id: str, summary: Summary) -> None:
    numbers = live.layer_numbers(summary, index)
    words = live.always("{size}×{size} · {params} params · receptive field {field}×{field}")
    if not numbers:
        words = {"broken": "cannot be built yet"}
    live.write(live.text(layer_id, live.states(summary, session.profile.value.params), numbers, words, look="small"))


def _main_control(index: int, layer_id: str, layer: Layer) -> None:
    fields, place = held.shown(layer.model_dump()), f"layer {index + 1}"
    if width := fields.get("channels"):
        _width_slider(index, layer_id, width)
    elif width := fields.get("features"):
        slider(layer_id, "features", width, f"Outputs of {place}", 1, _slider_end(width))
    elif size := fields.get("size"):
        slider(layer_id, "size", size, f"Pooling window of {place}", 2, max(8, size))
    elif (rate := fields.get("rate")) is not None:
        slider(layer_id, "rate", rate, f"Dropout rate of {place}", 0.0, max(0.6, rate))


def _width_slider(index: int, layer_id: str, width: int) -> None:
    """The slider of a convolution's channels, with a mark at the most that fit."""
    widest = widths.largest_width(session.design.value, index, session.profile.value.params)
    high = _slider_end(max(width, widest or 1))
    slider(layer_id, "channels", width, f"Width of layer {index + 1} (channels)", 1, high)
    if widest and not held.is_held("width"):
        live.mark(layer_id, widest, high)


def _slider_end(width: int) -> int:
    """The upper end of a slider: fine steps for narrow layers, a wide range for wide ones."""
    return next(end for end in _SLIDER_ENDS if width <= end)


def _fit_button(index: int, layer_id: str, layer: Layer) -> None:
    if not isinstance(layer, Conv) or held.is_held("width"):
        return
    budget = session.profile.value.params
    widest = widths.largest_width(session.design.value, index, budget)
    if widest is None or widest == layer.channels:
        return
    st.button(
        f"max {widest}",
        key=f"fit-{layer_id}",
        help=f"Give layer {index + 1} {widest} channels, the most that stays under {budget:,} parameters.",
        on_click=edits.change,
        args=(layer_id, "channels", widest),
    )


def _more(index: int, layer_id: str, layer: Layer) -> None:
    menu = st.popover(
        f"Edit {index + 1}",
        help=f"Settings of layer {index + 1}; move, duplicate, remove it; insert a layer below it",
        key=edits.menu(layer_id),
        on_change="rerun",
    )
    if not menu.open:
        return
    with menu:
        count = len(session.design.value.layers)
        with st.container(horizontal=True, gap="xsmall"):
            _act("Up", "arrow_upward", layer_id, edits.move_up, named.MOVE, disabled=index == 0)
            _act("Down", "arrow_downward", layer_id, edits.move_down, named.MOVE, disabled=index == count - 1)
            _act("Duplicate", "content_copy", layer_id, edits.duplicate, named.ADD, disabled=count == MAX_LAYERS)
            _act("Remove", "delete", layer_id, edits.remove, named.REMOVE, disabled=count == 1)
        _insert_below(layer_id, full=count == MAX_LAYERS)
        marks.lock(layer_id, index)
        layer_settings(layer_id, layer)


def _insert_below(layer_id: str, *, full: bool) -> None:
    if held.is_hidden(named.ADD):
        return
    key = f"insert-below-{layer_id}"
    st.selectbox(
        "Insert below",
        list(edits.NEW),
        index=None,
        placeholder="Choose a layer type",
        key=key,
        on_change=edits.insert_below,
        args=(layer_id, key),
        **held.options(named.ADD, disabled=full),
    )


def _act(label: str, icon: str, layer_id: str, action: Callable[[str], None], control: str, *, disabled: bool) -> None:
    if held.is_hidden(control):
        return
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{label.lower()}-{layer_id}",
        on_click=action,
        args=(layer_id,),
        **held.options(control, disabled=disabled),
    )
