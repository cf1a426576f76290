"""The layer editor: a card for each layer or pair, with a slider for its main setting and a menu for the others."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from mnistnet.lessons import controls as named
from mnistnet.nets import widths
from mnistnet.nets.architecture import MAX_CHANNELS, MAX_LAYERS, Conv, Layer
from mnistnet.nets.layer_types import caption, own_width
from mnistnet.nets.summary import Summary
from mnistnet.ui import session
from mnistnet.ui.design.layers import cards, edits, marks
from mnistnet.ui.design.layers.cards import Card
from mnistnet.ui.design.layers.settings import layer_settings, slider
from mnistnet.ui.design.network_editor import live
from mnistnet.ui.lessons import held

_newest = st.components.v2.component(
    "mnistnet_newest", js=Path(__file__).with_name("newest.js").read_text(encoding="utf-8")
)
_SLIDER_ENDS = (64, 128, 256, MAX_CHANNELS)


def layer_editor(summary: Summary) -> None:
    """The cards of the current design."""
    for card in cards.cards():
        with st.container(border=True, key=f"layer-{card.id}", gap="xsmall"):
            _card(card, summary)
    if newest := cards.holder(edits.newest() or ""):
        _newest(key="newest", data={"card": f"layer-{newest.id}"})


def _card(card: Card, summary: Summary) -> None:
    index, layer_id, layer = card.main
    budget = session.profile.value.params
    is_wide = isinstance(layer, Conv) and not held.is_held("width")
    widest = widths.largest_width(session.design.value, index, budget) if is_wide else None
    title, control, actions = st.columns([0.355, 0.385, 0.26], vertical_alignment="center", gap="small")
    mark = marks.badge(layer_id) + (" :blue-badge[new]" if edits.newest() in card.ids else "")
    with title.container(gap=None):
        st.markdown(f"{card.headline}{mark}")
        _facts(card, summary)
    with control:
        _main_control(index, layer_id, layer, widest)
    with actions.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if widest and widest != own_width(layer):
            _fit_button(index, layer_id, widest, budget)
        _more(card)
    if summary.fault and summary.fault.layer in card.places:
        st.error(f"Layer {summary.fault.layer + 1}: {summary.fault.message}.", icon=":material/error:")


def _facts(card: Card, summary: Summary) -> None:
    numbers = live.layer_numbers(summary, card.places)
    words = live.always("{size}×{size} · {params} params · receptive field {field}×{field}")
    if not numbers:
        words = {"broken": "cannot be built yet"}
    states = live.states(summary, session.profile.value.params)
    live.write(live.text(" ".join(card.ids), states, numbers, words, look="facts"))


def _main_control(index: int, layer_id: str, layer: Layer, widest: int | None) -> None:
    fields, place = held.shown(layer.model_dump()), f"layer {index + 1}"
    if width := fields.get("channels"):
        high = _slider_end(max(width, widest or 1))
        slider(layer_id, "channels", width, f"Width of {place} (channels)", 1, high)
        if widest:
            live.mark(layer_id, widest, high)
    elif width := fields.get("features"):
        slider(layer_id, "features", width, f"Outputs of {place}", 1, _slider_end(width))
    elif size := fields.get("size"):
        slider(layer_id, "size", size, f"Pooling window of {place}", 2, max(8, size))
    elif (rate := fields.get("rate")) is not None:
        slider(layer_id, "rate", rate, f"Dropout rate of {place}", 0.0, max(0.6, rate))


def _slider_end(width: int) -> int:
    """The upper end of a slider: fine steps for narrow layers, a wide range for wide ones."""
    return next(end for end in _SLIDER_ENDS if width <= end)


def _fit_button(index: int, layer_id: str, widest: int, budget: int) -> None:
    st.button(
        f"max {widest}",
        key=f"fit-{layer_id}",
        help=f"Give layer {index + 1} {widest} channels, the most that stays under {budget:,} parameters.",
        on_click=edits.change,
        args=(layer_id, "channels", widest),
    )


def _more(card: Card) -> None:
    menu = st.popover(
        f"Edit {card.place + 1}",
        help=f"Settings of layer {card.numbers}; move, duplicate, remove, insert a layer below",
        key=edits.menu(card.id),
        on_change="rerun",
    )
    if not menu.open:
        return
    with menu:
        count, own = len(session.design.value.layers), len(card.ids)
        first, last = card.place == 0, card.place + own == count
        with st.container(horizontal=True, gap="xsmall"):
            _act("Up", "arrow_upward", card.ids[:1], edits.move_up, named.MOVE, disabled=first)
            _act("Down", "arrow_downward", card.ids[:1], edits.move_down, named.MOVE, disabled=last)
            _act("Duplicate", "content_copy", card.ids, edits.duplicate, named.ADD, disabled=count + own > MAX_LAYERS)
            _act("Remove", "delete", card.ids, edits.remove, named.REMOVE, disabled=count == own)
        cards.open_or_close(card)
        _insert_below(card.ids[-1], full=count == MAX_LAYERS)
        for place, layer_id, layer in zip(card.places, card.ids, card.layers, strict=True):
            if card.is_pair:
                st.markdown(f"**{place + 1} · {caption(layer)}**")
            marks.lock(layer_id, place)
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


def _act(
    label: str, icon: str, ids: tuple[str, ...], action: Callable[..., None], control: str, *, disabled: bool
) -> None:
    if held.is_hidden(control):
        return
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{label.lower()}-{ids[0]}",
        on_click=action,
        args=ids,
        **held.options(control, disabled=disabled),
    )
