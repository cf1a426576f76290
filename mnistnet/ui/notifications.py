"""What was just done where it may be out of sight: short messages that go away by themselves, and the newest layer."""

import streamlit as st

from mnistnet.ui import session

_NOTES, _ADDED = "_notes", "_added"


def note(text: str) -> None:
    """Leave a short message for the next page, once."""
    st.session_state.setdefault(_NOTES, []).append(text)


def notes() -> list[str]:
    """The short messages left since the last page was drawn."""
    found: list[str] = st.session_state.pop(_NOTES, [])
    return found


def mark_added(layer_id: str) -> None:
    """Mark a layer of the current design as the newest, until the design changes."""
    st.session_state[_ADDED] = (layer_id, session.design())


def added() -> str | None:
    """The id of the layer that was just added; None after another change."""
    layer_id, design = st.session_state.get(_ADDED, (None, None))
    return layer_id if design == session.design() else None
