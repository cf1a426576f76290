"""The offer of the recipe that belongs to a preset: what it would change, and two buttons."""

from typing import Any

import streamlit as st

from mnistnet.data import datasets
from mnistnet.data.splits import title
from mnistnet.nets.presets import PRESETS
from mnistnet.training.presets import for_design
from mnistnet.training.recipe import Recipe
from mnistnet.ui import session
from mnistnet.ui.design import recipe_editor

_OFFERED = "_offered_recipe"
_VALUE_TITLES: dict[str, dict[Any, str]] = {
    "optimizer": {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "muon": "Muon"},
    "schedule": recipe_editor.SCHEDULE_TITLES,
}
_TITLES = {
    "protocol": "validated on:",
    "epochs": "epochs",
    "batch_size": "batch size",
    "optimizer": "optimizer",
    "learning_rate": "peak learning rate",
    "schedule": "schedule",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "label_smoothing": "label smoothing",
    "rotation_degrees": "rotation",
    "shift": "shift",
    "scale": "scaling",
    "bend": "elastic distortion",
    "calm_epochs": "final epochs without augmentation",
    "averaging": "weight averaging",
}


def offer(design: str) -> None:
    """Offer the recipe of this preset, a design's name, where it differs from the current recipe."""
    st.session_state[_OFFERED] = design


def recipe_offer() -> None:
    """One line with the recipe of the preset chosen last, until it is used, refused or the design changes."""
    design: str = st.session_state.get(_OFFERED, "")
    preset = for_design(design)
    if preset is None or session.design.value != PRESETS[design].architecture:
        return
    differences = _differences(session.recipe.value, recipe_editor.built_in(preset))
    if not differences:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/menu_book: {design} has its own recipe: {', '.join(differences)}.", width="stretch")
        st.button("Use its recipe", key="use-offered", type="primary", on_click=_use_offered)
        st.button("Keep mine", key="keep-mine", on_click=_refuse_offered)


def _differences(mine: Recipe, its: Recipe) -> list[str]:
    """The fields that would change, as in `epochs 18 → 19`."""
    source = datasets.source(mine.dataset)
    found = []
    for field, name in _TITLES.items():
        before, after = getattr(mine, field), getattr(its, field)
        if field == "protocol":
            before, after = title(source, before), title(source, after)
        if before != after:
            found.append(f"{name} {_shown(field, before)} → {_shown(field, after)}")
    return found


def _shown(field: str, value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(_VALUE_TITLES.get(field, {}).get(value, value))


def _use_offered() -> None:
    if preset := for_design(st.session_state.pop(_OFFERED, "")):
        session.recipe.set(recipe_editor.built_in(preset))


def _refuse_offered() -> None:
    st.session_state.pop(_OFFERED, None)
