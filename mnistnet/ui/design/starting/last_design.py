"""The last design and recipe, kept by the browser: they return when a page is opened without a design in the address.

What the browser returns is untrusted input; the strict decoder of links reads it.
"""

import json
from pathlib import Path

import streamlit as st

from mnistnet import links, strict_json
from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import FIRST
from mnistnet.training import presets as recipe_presets
from mnistnet.training.recipe import Recipe
from mnistnet.ui import cache, notifications, session, url

_DESIGN, _RECIPE = "design", "recipe"  # fields of what the browser keeps
_KEY, _RESTORED, _ANSWERED = "memory", "_restored", "_memory_answered"
_MOST = 2 * links.MAX_CHARACTERS + 100
_component = st.components.v2.component(
    "mnistnet_memory", js=Path(__file__).with_name("last_design.js").read_text(encoding="utf-8")
)


def remember() -> None:
    """Have the browser keep the changed design and recipe, or return those that it kept before."""
    is_first = session.design.value == FIRST.architecture and session.recipe.value == recipe_presets.first()
    changed = session.is_changed()
    keep = {_DESIGN: links.encode_design(session.design.value), _RECIPE: links.encode_recipe(session.recipe.value)}
    data = {
        "ask": _is_untouched() and _ANSWERED not in st.session_state,
        "keep": json.dumps(keep) if changed and not is_first else None,
        "forget": changed and is_first,
        "most": _MOST,
    }
    _component(key=_KEY, data=data, on_kept_change=_restore)


def notice() -> None:
    """One line where the last design was restored, until it is changed."""
    restored = st.session_state.get(_RESTORED)
    if restored is None or restored != (session.design.value, session.recipe.value):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        params = cache.summary(session.design.value).params
        st.text(f"Your last design is back: {session.design.value.name}, {params:,} parameters.", width="content")
        st.button("Start over", key="start-afresh", icon=":material/restart_alt:", on_click=_start_afresh)


def _is_untouched() -> bool:
    """True where nothing was changed in this session and no address named a design or a recipe."""
    return not session.is_changed() and not url.is_given()


def _restore() -> None:
    kept = st.session_state[_KEY].get("kept")
    if kept is None or not _is_untouched():  # there was a link, or a change was made first
        return
    st.session_state[_ANSWERED] = True
    try:
        design, recipe = read(kept)
    except MnistnetError as error:
        notifications.notify(f"The last design of this browser was left out: {error}")
        return
    session.design.set(design)
    session.recipe.set(recipe)
    st.session_state[_RESTORED] = (design, recipe)


def read(kept: object) -> tuple[Architecture, Recipe]:
    """Design and recipe from what a browser kept. Raises LinkError, which says what is wrong."""
    try:
        codes = strict_json.parse(kept) if isinstance(kept, str) else None
    except ValueError as error:
        raise links.LinkError(str(error)) from None
    if not isinstance(codes, dict) or not all(isinstance(codes.get(name), str) for name in (_DESIGN, _RECIPE)):
        raise links.LinkError(f"{strict_json.shown(kept)}: not a design and a recipe; start from one of the list")
    return links.decode_design(codes[_DESIGN]), links.decode_recipe(codes[_RECIPE])


def _start_afresh() -> None:
    session.design.set(FIRST.architecture)
    session.recipe.set(recipe_presets.first())
