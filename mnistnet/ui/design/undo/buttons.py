"""The buttons Undo and Redo, which say what they would change. The keys press them."""

import streamlit as st

from mnistnet.ui import notifications, widgets
from mnistnet.ui.design.undo import history, step


def undo_buttons() -> None:
    """Undo and Redo, each disabled where there is nothing."""
    _button("Undo", "undo", -1, "Ctrl+Z")
    _button("Redo", "redo", 1, "Ctrl+Shift+Z")


def _button(label: str, key: str, by: int, keys: str) -> None:
    what = _what(by)
    st.button(
        label,
        icon=f":material/{key}:",
        key=key,
        disabled=what is None,
        help=f"{label}: {widgets.plain(what)} ({keys})" if what else f"Nothing to {key} ({keys})",
        on_click=_go,
        args=(by, what),
    )


def _what(by: int) -> str | None:
    """What undo (-1) or redo (1) would change; None where there is nothing."""
    found = history.history()
    other = found.neighbour(by)
    if other is None:
        return None
    return step.in_words(found.current, other) if by > 0 else step.in_words(other, found.current)


def _go(by: int, what: str) -> None:
    if history.go(by):
        notifications.toast(f"{'Undone' if by < 0 else 'Done again'}: {what}.")
