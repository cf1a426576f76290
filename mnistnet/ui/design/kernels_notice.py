"""One line while kernels are compiled in the background, which begins where the page is first opened."""

import streamlit as st

from mnistnet.runs.worker import compilation

_ASKED, _SECONDS = "_asked_for_kernels", 2.0


def kernels_notice() -> None:
    """Have missing kernels compiled, once a session, and say how far that is until it has ended."""
    if _ASKED not in st.session_state:
        st.session_state[_ASKED] = True
        compilation.ensure()
    if compilation.progress():
        st.fragment(_progress, run_every=_SECONDS)()


def _progress() -> None:
    if now := compilation.progress():
        st.caption(
            f":material/build: Preparing fast training on this machine, once: {now.done} of {now.total}. "
            "You need not wait for it."
        )
    else:
        st.rerun()  # ends the ticks
