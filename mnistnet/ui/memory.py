"""The last design, remembered by the browser: it comes back when the page is opened without a design in the address.

What a browser gives back is data from outside; it goes through the links' strict codec.
"""

import json
from pathlib import Path

import streamlit as st

from mnistnet import links, strict
from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import FIRST
from mnistnet.training.recipe import Recipe
from mnistnet.ui import readers, state
from mnistnet.ui.address import DESIGN, RECIPE

_KEY, _RESTORED, _ANSWERED = "memory", "_restored", "_memory_answered"
_MOST = 2 * links.MAX_CHARACTERS + 100
_component = st.components.v2.component(
    "mnistnet_memory", js=Path(__file__).with_name("memory.js").read_text(encoding="utf-8")
)


def remember() -> None:
    """Have the browser keep what was changed in this session, or give back what it kept before."""
    is_first = state.design() == FIRST.architecture and state.recipe() == Recipe()
    changed = state.is_changed()
    keep = {DESIGN: links.encode_design(state.design()), RECIPE: links.encode_recipe(state.recipe())}
    data = {
        "ask": state.is_untouched() and _ANSWERED not in st.session_state,
        "keep": json.dumps(keep) if changed and not is_first else None,
        "forget": changed and is_first,
        "most": _MOST,
    }
    _component(key=_KEY, data=data, on_kept_change=_restore)


def notice() -> None:
    """One line where the last design came back, until it is changed."""
    restored = st.session_state.get(_RESTORED)
    if restored is None or restored != (state.design(), state.recipe()):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        params = readers.walk(state.design()).params
        st.text(f"Your last design is back: {state.design().name}, {params:,} parameters.", width="content")
        st.button("Start over", key="start-afresh", icon=":material/restart_alt:", on_click=_start_afresh)


def _restore() -> None:
    kept = st.session_state[_KEY].get("kept")
    if kept is None or not state.is_untouched():  # a link, or a change that was quicker
        return
    st.session_state[_ANSWERED] = True
    try:
        design, recipe = read(kept)
    except MnistnetError as error:
        state.tell(f"The last design of this browser was left out: {error}")
        return
    state.put_design(design)
    state.put_recipe(recipe)
    st.session_state[_RESTORED] = (design, recipe)


def read(kept: object) -> tuple[Architecture, Recipe]:
    """Design and recipe from what a browser kept; LinkError names what is wrong."""
    try:
        codes = strict.parse(kept) if isinstance(kept, str) else None
    except ValueError as error:
        raise links.LinkError(str(error)) from None
    if not isinstance(codes, dict) or not all(isinstance(codes.get(name), str) for name in (DESIGN, RECIPE)):
        raise links.LinkError(f"{strict.shown(kept)}: not a design and a recipe; start from one of the list")
    return links.decode_design(codes[DESIGN]), links.decode_recipe(codes[RECIPE])


def _start_afresh() -> None:
    state.put_design(FIRST.architecture)
    state.put_recipe(Recipe())
