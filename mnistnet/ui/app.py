"""The frame around every page: login, navigation, address, messages.

Where a folder `pages/` exists, Streamlit runs the page of a link by itself until a session has called
`st.navigation`. Such a page would lack the frame, so `require` starts it again inside.
"""

from collections.abc import Callable
from functools import cache as once
from pathlib import Path
from typing import Literal

import streamlit as st

from mnistnet import system
from mnistnet.errors import MnistnetError
from mnistnet.lessons.lesson import Lesson
from mnistnet.runs.run import Run
from mnistnet.ui import announcements, auth, cache, notifications, run_states, session, url, widgets
from mnistnet.ui.design.undo import history
from mnistnet.ui.lessons import panel
from mnistnet.ui.theme import styles

_INSIDE = "_inside_frame"
_DESTINATION = "_destination"
_WATCHES = "train"  # the page that looks for itself
# Streamlit 1.67 makes its socket without a protocol number, and asyncio spares only those with one the waits of
# Nagle's algorithm (https://github.com/Kludex/uvicorn/issues/3149): each small file came 40 ms late.
_send_at_once = once(system.send_at_once)
_ICON = str(Path(__file__).with_name("icon.png"))


def run() -> None:
    """Draw the frame and run the page that is asked for, for those who may see it."""
    _send_at_once()
    # First of all: only a navigation, here an invisible one, keeps Streamlit from listing the pages itself.
    page = _navigation("top" if auth.is_open() else "hidden")
    styles.apply()
    auth.require()
    if destination := st.session_state.pop(_DESTINATION, None):
        st.switch_page(destination)
    url.synchronize()
    history.record()
    with widgets.place():
        widgets.messages(run_states.refresh())
    if cache.snapshot().problem and page.url_path:  # the first page needs no runs; the others would call it empty
        st.stop()
    if page.url_path != _WATCHES:
        announcements.announce()
    with widgets.place():
        panel.running(begin_lesson)
    st.session_state[_INSIDE] = True
    page.run()


def require() -> None:
    """First line of every page: draw it where `run` has started it; otherwise draw the whole dashboard again."""
    if not st.session_state.pop(_INSIDE, False):
        _navigation()
        st.rerun()


def go_to(page: str) -> None:
    """Show another page next. A callback cannot switch by itself: a server that just started knows no page yet."""
    st.session_state[_DESTINATION] = page


def is_leaving() -> bool:
    """True where another page was asked for and is not shown yet."""
    return _DESTINATION in st.session_state


def show_receptive_fields(run_id: str, index: int | None = None) -> None:
    """Show the receptive fields of a run's network next, on the image `index` where one is given."""
    session.network.set(run_id)
    if index is not None:
        session.digit.set(index)
    go_to("pages/receptive_fields.py")


def show_export(subject: str) -> None:
    """Show the Export page next, for a run's id or `session.CURRENT_DESIGN`."""
    session.exported.set(subject)
    go_to("pages/export.py")


def show_started(submit: Callable[[], Run]) -> None:
    """Show the run that `submit` queues on the Train page next; where it is refused, say why and stay."""
    try:
        run = submit()
    except MnistnetError as error:
        notifications.notify(f"Not started: {error}")
        return
    cache.forget()
    session.run_id.set(run.id)
    go_to("pages/train.py")


def begin_lesson(lesson: Lesson) -> None:
    """Begin a lesson, on the Design page."""
    session.begin(lesson)
    go_to("pages/design.py")


def _navigation(position: Literal["top", "hidden"] = "top") -> st.Page:
    # Without an icon of our own the browser would fetch the page's from the network.
    st.set_page_config(page_title=widgets.TITLE, page_icon=_ICON, layout="wide")
    return st.navigation(
        [
            st.Page("pages/design.py", title="Design", icon=":material/architecture:", default=True),
            st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
            st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
            st.Page("pages/mistakes.py", title="Mistakes", icon=":material/search:"),
            st.Page("pages/receptive_fields.py", title="Receptive fields", icon=":material/center_focus_strong:"),
            st.Page("pages/try_a_digit.py", title="Try a digit", icon=":material/draw:"),
            st.Page("pages/review.py", title="Review", icon=":material/checklist:"),
            st.Page("pages/search.py", title="Search", icon=":material/query_stats:"),
            st.Page("pages/export.py", title="Export", icon=":material/download:"),
            st.Page("pages/check.py", title="Check a hand-in", icon=":material/fact_check:"),
            st.Page("pages/lessons.py", title="Lessons", icon=":material/school:"),
        ],
        position=position,
    )
