"""Marks on layers of this session, by the ids of the layers: they stay with a layer when it moves or comes back."""

from collections.abc import Iterable

import streamlit as st

from mnistnet.nets.widths import free_widths
from mnistnet.ui import controls, session
from mnistnet.ui.lessons import held

_LOCKED, _OPENED = "_locked", "_opened"


def locked() -> frozenset[str]:
    """The layers whose width is kept when the budget is fitted."""
    found: frozenset[str] = st.session_state.get(_LOCKED, frozenset())
    return found


def opened() -> frozenset[str]:
    """The depthwise convolutions that have a card of their own, although a 1×1 convolution is behind them."""
    found: frozenset[str] = st.session_state.get(_OPENED, frozenset())
    return found


def add(locked_ids: Iterable[str] = (), opened_ids: Iterable[str] = ()) -> None:
    """Lock and open these layers, besides those that are already."""
    st.session_state[_LOCKED] = locked() | frozenset(locked_ids)
    st.session_state[_OPENED] = opened() | frozenset(opened_ids)


def toggle_opened(layer_id: str) -> None:
    """Give the depthwise convolution a card of its own, or one with the 1×1 convolution behind it."""
    st.session_state[_OPENED] = opened() ^ {layer_id}


def locked_places() -> list[int]:
    """The places of the locked layers in the current design."""
    return [place for place, layer_id in enumerate(session.layer_ids()) if layer_id in locked()]


def lock(layer_id: str, place: int) -> None:
    """The control that locks the layer at `place`; nothing where its width is not free."""
    if place not in free_widths(session.design.value) or held.is_held("width"):
        return
    key = controls.control(f"lock-{layer_id}", layer_id in locked())
    st.toggle(
        "Locked: “Fit the budget” keeps this width",
        layer_id in locked(),
        key=key,
        on_change=_toggle,
        args=(layer_id,),
    )


def _toggle(layer_id: str) -> None:
    st.session_state[_LOCKED] = locked() ^ {layer_id}


def badge(layer_id: str) -> str:
    """The mark of a locked layer on its card; empty for any other."""
    return " :gray-badge[:material/lock: locked]" if layer_id in locked() else ""
