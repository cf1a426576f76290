"""The last design, remembered by the browser: it comes back when the page is opened without a design in the address.

What a browser gives back is data from outside; it goes through the links' strict codec.
"""

import json
from pathlib import Path

import streamlit as st

from mnistnet import links, strict_json
from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import FIRST
from mnistnet.training.recipe import Recipe
from mnistnet.ui import cache, session
from mnistnet.ui.url import DESIGN, RECIPE

_KEY, _RESTORED, _ANSWERED = "memory", "_restored", "_memory_answered"
_MOST = 2 * links.MAX_CHARACTERS + 100
_component = st.components.v2.component(
    "mnistnet_memory", js=Path(__file__).with_name("last_design.js").read_text(encoding="utf-8")
)


def remember() -> None:
    """Have the browser keep what was changed in this session, or give back what it kept before."""
    is_first = session.design() == FIRST.architecture and session.recipe() == Recipe()
    changed = session.is_changed()
    keep = {DESIGN: links.encode_design(session.design()), RECIPE: links.encode_recipe(session.recipe())}
    data = {
        "ask": session.is_untouched() and _ANSWERED not in st.session_state,
        "keep": json.dumps(keep) if changed and not is_first else None,
        "forget": changed and is_first,
        "most": _MOST,
    }
    _component(key=_KEY, data=data, on_kept_change=_restore)


def notice() -> None:
    """One line where the last design came back, until it is changed."""
    restored = st.session_state.get(_RESTORED)
    if restored is None or restored != (session.design(), session.recipe()):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        params = cache.summary(session.design()).params
        st.text(f"Your last design is back: {session.design().name}, {params:,} parameters.", width="content")
        st.button("Start over", key="start-afresh", icon=":material/restart_alt:", on_click=_start_afresh)


def _restore() -> None:
    kept = st.session_state[_KEY].get("kept")
    if kept is None or not session.is_untouched():  # a link, or a change that was quicker
        return
    st.session_state[_ANSWERED] = True
    try:
        design, recipe = read(kept)
    except MnistnetError as error:
        session.notify(f"The last design of this browser was left out: {error}")
        return
    session.set_design(design)
    session.set_recipe(recipe)
    st.session_state[_RESTORED] = (design, recipe)


def read(kept: object) -> tuple[Architecture, Recipe]:
    """Design and recipe from what a browser kept; LinkError names what is wrong."""
    try:
        codes = strict_json.parse(kept) if isinstance(kept, str) else None
    except ValueError as error:
        raise links.LinkError(str(error)) from None
    if not isinstance(codes, dict) or not all(isinstance(codes.get(name), str) for name in (DESIGN, RECIPE)):
        raise links.LinkError(f"{strict_json.shown(kept)}: not a design and a recipe; start from one of the list")
    return links.decode_design(codes[DESIGN]), links.decode_recipe(codes[RECIPE])


def _start_afresh() -> None:
    session.set_design(FIRST.architecture)
    session.set_recipe(Recipe())
