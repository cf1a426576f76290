"""The controls of the current recipe, and the offer of the recipe that belongs to a preset."""

from typing import Any

import streamlit as st

from mnistnet.data import datasets
from mnistnet.data.splits import PROTOCOLS, describe, title
from mnistnet.errors import MnistnetError
from mnistnet.nets.presets import PRESETS
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES, RecipePreset, for_design
from mnistnet.training.recipe import (
    MAX_EPOCHS,
    OPTIMIZER_TITLES,
    SCHEDULE_TITLES,
    TITLES,
    USUAL_RATE,
    Recipe,
    described,
)
from mnistnet.ui import session

_NAMED, _OFFERED = "recipe-named", "_offered_recipe"
_OPTIMIZERS = {**OPTIMIZER_TITLES, "sgd": "SGD, Nesterov momentum"}
_KEPT = {"dataset", "seed", "threads", "device", "precision"}  # of a run or a machine, of no built-in recipe


def recipe_editor() -> None:
    """All of the recipe, the common choices first."""
    recipe = session.recipe()
    st.menu_button(
        "Use a built-in recipe",
        list(RECIPES),
        format_func=lambda name: f"{name}: {RECIPES[name].purpose}",
        icon=":material/menu_book:",
        key=_NAMED,
        on_click=_take_named,
    )
    left, right = st.columns(2)
    with left:
        _select("dataset", "Data set", list(datasets.SOURCES), {n: s.title for n, s in datasets.SOURCES.items()})
        _slider("epochs", "Epochs", 1, MAX_EPOCHS if recipe.epochs > 30 else 30, 1)
        _slider("batch_size", "Batch size", 8, max(512, recipe.batch_size), 8)
    with right:
        _protocol(recipe)
        _number("seed", "Seed", 0, 2**31 - 1, 1)
    st.markdown("**Optimizer**")
    left, right = st.columns(2)
    with left:
        _select("optimizer", "Optimizer", list(OPTIMIZER_TITLES), _OPTIMIZERS)
        _number("learning_rate", "Peak learning rate", 1e-6, 10.0, 0.01, "%.4g")
        _select("schedule", "Schedule", list(SCHEDULE_TITLES), {**SCHEDULE_TITLES})
    with right:
        _number("weight_decay", "Weight decay", 0.0, 1.0, 1e-4, "%.5g")
        _slider("momentum", "Momentum (SGD, Muon)", 0.0, 0.99, 0.01)
        _slider("label_smoothing", "Label smoothing", 0.0, 0.5, 0.01)
    st.markdown("**Augmentation**, a random amount for each image")
    with st.container(horizontal=True):
        _slider("rotation_degrees", "Rotation (degrees, left or right)", 0.0, 45.0, 1.0)
        _slider("shift", "Shift (fraction of image width)", 0.0, 0.5, 0.01)
        _slider("scale", "Scaling (fraction, larger or smaller)", 0.0, 0.5, 0.01)
        _slider("bend", "Elastic distortion (pixels)", 0.0, 5.0, 0.1)
    _slider("calm_epochs", "Final epochs without augmentation", 0, max(10, recipe.calm_epochs), 1)
    with st.expander("Averaging and hardware"):
        _number(
            "averaging",
            "Weight averaging (decay per step; 0 is off)",
            0.0,
            0.9999,
            0.001,
            "%.4f",
            why="Validation and test use an exponential moving average of the weights.",
        )
        _number("threads", "Threads (0: all cores)", 0, 64, 1)
        _select("device", "Device", ["auto", "cpu", "cuda"], {})
        _select("precision", "Precision", ["auto", "fp32", "bf16"], {})
    st.button("Use the default recipe", icon=":material/restart_alt:", on_click=session.set_recipe, args=(Recipe(),))


def _protocol(recipe: Recipe) -> None:
    source, key = datasets.source(recipe.dataset), session.control("recipe-protocol", recipe.protocol)
    st.segmented_control(
        "Validated on",
        list(PROTOCOLS),
        default=recipe.protocol,
        format_func=lambda protocol: title(source, protocol),
        key=key,
        on_change=take,
        args=("protocol", key),
        required=True,
        wrap=True,
    )
    st.caption(describe(source, recipe.protocol))
    if recipe.protocol == "course":
        st.caption(
            ":material/info: An epoch that is picked for its accuracy on the test set looks up to 0.1 points better "
            "than it is."
        )


def _take_named() -> None:
    session.set_recipe(_built_in(RECIPES[st.session_state[_NAMED]]))


def _built_in(preset: RecipePreset) -> Recipe:
    """The recipe, on the data set and the hardware of the current one."""
    kept = session.recipe().model_dump(include=_KEPT)
    return recipes.recipe({**preset.fields, **kept})


def offer(design: str) -> None:
    """Offer the recipe of this design preset, where it differs from the current one."""
    st.session_state[_OFFERED] = design


def offered() -> None:
    """One line with the recipe that belongs to the preset just chosen, until it is used, refused or out of date."""
    design: str = st.session_state.get(_OFFERED, "")
    preset = for_design(design)
    if preset is None or session.design() != PRESETS[design].architecture:
        return
    differences = _differences(session.recipe(), _built_in(preset))
    if not differences:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/menu_book: {design} has its own recipe: {', '.join(differences)}.", width="stretch")
        st.button("Use its recipe", key="use-offered", type="primary", on_click=_use_offered)
        st.button("Keep mine", key="keep-mine", on_click=_refuse_offered)


def _differences(mine: Recipe, its: Recipe) -> list[str]:
    """What would change, field by field: `epochs 18 → 19`."""
    before, after = described(mine), described(its)
    return [
        f"{title}{':' * (title == TITLES['protocol'])} {before[title]} → {after[title]}"
        for title in before
        if before[title] != after[title]
    ]


def _use_offered() -> None:
    if preset := for_design(st.session_state.pop(_OFFERED, "")):
        session.set_recipe(_built_in(preset))


def _refuse_offered() -> None:
    st.session_state.pop(_OFFERED, None)


def _select(field: str, label: str, options: list[str], titles: dict[str, str]) -> None:
    value = getattr(session.recipe(), field)
    key = session.control(f"recipe-{field}", value)
    st.selectbox(
        label,
        options,
        index=options.index(value),
        format_func=lambda option: titles.get(option, option),
        key=key,
        on_change=take,
        args=(field, key),
    )


def _slider(field: str, label: str, low: float, high: float, step: float) -> None:
    value = getattr(session.recipe(), field)
    high = max(high, value)
    key = session.control(f"recipe-{field}-{high}", value)  # another scale is another widget
    st.slider(label, low, high, value, step=step, key=key, on_change=take, args=(field, key))


def _number(
    field: str,
    label: str,
    low: float,
    high: float,
    step: float,
    form: str | None = None,
    why: str | None = None,
) -> None:
    value = getattr(session.recipe(), field)
    key = session.control(f"recipe-{field}", value)
    low, high = min(low, value), max(high, value)  # a recipe from a file or link may lie outside
    st.number_input(
        label, low, high, value, step=step, format=form, help=why, key=key, on_change=take, args=(field, key)
    )


def take(field: str, key: str) -> None:
    """Give the recipe's field the value of the widget `key`, with what usually belongs to it."""
    value = st.session_state[key]
    fields: dict[str, Any] = {field: value}
    if field == "optimizer":
        fields["learning_rate"] = USUAL_RATE[value]
    try:
        session.set_recipe(session.recipe().on(value) if field == "dataset" else session.recipe().changed(**fields))
    except MnistnetError as error:
        session.notify(f"That change was not made: {error}")
