"""Messages of the last action: at the top of the next page, or short ones that disappear by themselves."""

import streamlit as st

_MESSAGES, _TOASTS = "_messages", "_toasts"


def notify(message: str) -> None:
    """Leave a message for the top of the page, shown once."""
    st.session_state.setdefault(_MESSAGES, []).append(message)


def has_messages() -> bool:
    """True where a message waits to be shown."""
    return bool(st.session_state.get(_MESSAGES))


def messages() -> list[str]:
    """The messages left since the last page was drawn."""
    found: list[str] = st.session_state.pop(_MESSAGES, [])
    return found


def toast(text: str) -> None:
    """Leave a short message that appears for some seconds, shown once: for a change that may be out of sight."""
    st.session_state.setdefault(_TOASTS, []).append(text)


def toasts() -> list[str]:
    """The short messages left since the last page was drawn."""
    found: list[str] = st.session_state.pop(_TOASTS, [])
    return found
