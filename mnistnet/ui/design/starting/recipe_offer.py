"""The offer of the recipe that belongs to a preset: what it would change, and two buttons."""

import streamlit as st

from mnistnet.nets.presets import PRESETS
from mnistnet.training.presets import for_design
from mnistnet.training.recipe import changes
from mnistnet.ui import session
from mnistnet.ui.design import recipe_editor

_OFFERED = "_offered_recipe"


def offer(design: str) -> None:
    """Offer the recipe of this preset, a design's name, where it differs from the current recipe."""
    st.session_state[_OFFERED] = design


def recipe_offer() -> None:
    """One line with the recipe of the preset chosen last, until it is used, refused or the design changes."""
    design: str = st.session_state.get(_OFFERED, "")
    preset = for_design(design)
    if preset is None or session.design.value != PRESETS[design].architecture:
        return
    differences = changes(session.recipe.value, recipe_editor.built_in(preset))
    if not differences:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/menu_book: {design} has its own recipe: {', '.join(differences)}.", width="stretch")
        st.button("Use its recipe", key="use-offered", type="primary", on_click=_use_offered)
        st.button("Keep mine", key="keep-mine", on_click=_refuse_offered)


def _use_offered() -> None:
    if preset := for_design(st.session_state.pop(_OFFERED, "")):
        session.recipe.set(recipe_editor.built_in(preset))


def _refuse_offered() -> None:
    st.session_state.pop(_OFFERED, None)
