"""What stands around every page: the navigation, the address, what the last action had to say.

Streamlit, finding a folder `pages/`, runs the page of a deep link by itself as long as no session has
called `st.navigation` yet. Such a page would lack all of this; it begins anew inside the frame.
"""

from pathlib import Path
from typing import Literal

import streamlit as st

from mnistnet.ui import auth, cache, session, widgets

_INSIDE = "_inside_frame"
_ICON = str(Path(__file__).with_name("icon.png"))


def run() -> None:
    """Draw the frame and run the page that is asked for, for those who may see it."""
    # Before anything else; only a navigation, here an invisible one, keeps Streamlit from listing the pages itself.
    page = _navigation("top" if auth.is_open() else "hidden")
    auth.require()
    if destination := session.destination():
        st.switch_page(destination)
    session.synchronize()
    widgets.messages()
    if cache.snapshot().problem and page.url_path:  # the first page needs no runs; the others would call it empty
        st.stop()
    st.session_state[_INSIDE] = True
    page.run()


def require() -> None:
    """First line of every page: go on only inside the frame."""
    if not st.session_state.pop(_INSIDE, False):
        _navigation()
        st.rerun()


def _navigation(position: Literal["top", "hidden"] = "top") -> st.Page:
    # Without an icon of our own the browser would fetch the page's from the network.
    st.set_page_config(page_title="mnistnet", page_icon=_ICON, layout="wide")
    return st.navigation(
        [
            st.Page("pages/design.py", title="Design", icon=":material/architecture:", default=True),
            st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
            st.Page("pages/compare.py", title="Compare", icon=":material/compare_arrows:"),
            st.Page("pages/mistakes.py", title="Mistakes", icon=":material/search:"),
            st.Page("pages/receptive_fields.py", title="Receptive fields", icon=":material/center_focus_strong:"),
            st.Page("pages/try_a_digit.py", title="Try a digit", icon=":material/draw:"),
        ],
        position=position,
    )
