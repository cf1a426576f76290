"""Marks on layers of this session, by the ids of the layers: they stay with a layer when it moves or comes back."""

from collections.abc import Iterable

import streamlit as st

_LOCKED = "_locked"  # layers whose width fitting the budget keeps


def locked() -> frozenset[str]:
    """The ids of the layers whose width is kept when the budget is fitted."""
    found: frozenset[str] = st.session_state.get(_LOCKED, frozenset())
    return found


def set_locked(ids: Iterable[str]) -> None:
    """Make these layers the locked ones."""
    st.session_state[_LOCKED] = frozenset(ids)


def toggle_lock(layer_id: str) -> None:
    """Lock the layer, or unlock it."""
    set_locked(locked() ^ {layer_id})
