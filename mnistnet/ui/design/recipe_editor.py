"""The controls of the current recipe."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from mnistnet.data import datasets
from mnistnet.data.splits import PROTOCOLS, describe, title
from mnistnet.errors import MnistnetError
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES, RecipePreset
from mnistnet.training.recipe import MAX_EPOCHS, OPTIMIZER_TITLES, SCHEDULE_TITLES, TITLES, USUAL_RATE, Recipe
from mnistnet.ui import controls, notifications, session
from mnistnet.ui.lessons import held

_NAMED = "recipe-named"
_KEPT = {"dataset", "seed", "threads", "device", "precision"}  # of a run or a machine, in no built-in recipe
_OPTIMIZERS = {**OPTIMIZER_TITLES, "sgd": "SGD, Nesterov momentum"}


def recipe_editor() -> None:
    """All fields of the recipe, the common ones first."""
    recipe = session.recipe.value
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
    _optimizer()
    _augmentation(recipe)
    _averaging_and_hardware()
    first, its = (lesson.start, "lesson's") if (lesson := session.lesson.value) else (Recipe(), "default")
    st.button(f"Use the {its} recipe", icon=":material/restart_alt:", on_click=session.recipe.set, args=(first,))


def _optimizer() -> None:
    st.markdown("**Optimizer**")
    left, right = st.columns(2)
    with left:
        _select("optimizer", "Optimizer", list(OPTIMIZER_TITLES), _OPTIMIZERS)
        _number("learning_rate", "Peak learning rate", 1e-6, 10.0, 0.01, "%.4g")
        _select("schedule", "Schedule", list(SCHEDULE_TITLES), SCHEDULE_TITLES)
    with right:
        _number("weight_decay", "Weight decay", 0.0, 1.0, 1e-4, "%.5g")
        _slider("momentum", "Momentum (SGD, Muon)", 0.0, 0.99, 0.01)
        _slider("label_smoothing", "Label smoothing", 0.0, 0.5, 0.01)


def _augmentation(recipe: Recipe) -> None:
    st.markdown("**Augmentation**, a random amount for each image")
    with st.grid(2, min_column_width=240):
        _slider("rotation_degrees", "Rotation (degrees, left or right)", 0.0, 45.0, 1.0)
        _slider("shift", "Shift (fraction of image width)", 0.0, 0.5, 0.01)
        _slider("scale", "Scaling (fraction, larger or smaller)", 0.0, 0.5, 0.01)
        _slider("bend", "Elastic distortion (pixels)", 0.0, 5.0, 0.1)
    _slider("calm_epochs", "Final epochs without augmentation", 0, max(10, recipe.calm_epochs), 1)


def _averaging_and_hardware() -> None:
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


def _protocol(recipe: Recipe) -> None:
    if held.hides_field("protocol"):
        return
    source, key = datasets.source(recipe.dataset), controls.control("recipe-protocol", recipe.protocol)
    st.segmented_control(
        "Validated on",
        list(PROTOCOLS),
        default=recipe.protocol,
        format_func=lambda protocol: title(source, protocol),
        key=key,
        on_change=set_field,
        args=("protocol", key),
        required=True,
        wrap=True,
        **held.of_setting("protocol"),
    )
    st.caption(describe(source, recipe.protocol))
    if recipe.protocol == "course":
        st.caption(
            ":material/info: An epoch that is picked for its accuracy on the test set looks up to 0.1 points better "
            "than it is."
        )


def _take_named() -> None:
    session.recipe.set(built_in(RECIPES[st.session_state[_NAMED]]))


def built_in(preset: RecipePreset) -> Recipe:
    """A built-in recipe, with the data set, seed and hardware of the current one, and what a lesson holds."""
    kept = session.recipe.value.model_dump(include={*_KEPT, *filter(held.holds_field, TITLES)})
    return recipes.recipe({**preset.fields, **kept})


def _select(field: str, label: str, options: list[str], titles: Mapping[Any, str]) -> None:
    if held.hides_field(field):
        return
    value = getattr(session.recipe.value, field)
    key = controls.control(f"recipe-{field}", value)
    st.selectbox(
        label,
        options,
        index=options.index(value),
        format_func=lambda option: titles.get(option, option),
        key=key,
        on_change=set_field,
        args=(field, key),
        **held.of_setting(field),
    )


def _slider(field: str, label: str, low: float, high: float, step: float) -> None:
    if held.hides_field(field):
        return
    value = getattr(session.recipe.value, field)
    high = max(high, value)
    key = controls.control(f"recipe-{field}-{high}", value)  # another scale is another widget
    holds = held.of_setting(field)
    st.slider(label, low, high, value, step=step, key=key, on_change=set_field, args=(field, key), **holds)


def _number(
    field: str,
    label: str,
    low: float,
    high: float,
    step: float,
    form: str | None = None,
    why: str | None = None,
) -> None:
    if held.hides_field(field):
        return
    value = getattr(session.recipe.value, field)
    key, holds = controls.control(f"recipe-{field}", value), held.of_setting(field, why)
    low, high = min(low, value), max(high, value)  # a recipe from a file or a link may lie outside
    st.number_input(
        label, low, high, value, step=step, format=form, key=key, on_change=set_field, args=(field, key), **holds
    )


def set_field(field: str, key: str) -> None:
    """Set a field of the recipe to the value of the widget `key`, with what usually goes with it."""
    if controls.is_outdated(key):
        return
    value = st.session_state[key]
    fields: dict[str, Any] = {field: value}
    if field == "optimizer" and not held.holds_field("learning_rate"):
        fields["learning_rate"] = USUAL_RATE[value]
    try:
        session.recipe.set(
            session.recipe.value.on(value) if field == "dataset" else session.recipe.value.changed(**fields)
        )
    except MnistnetError as error:
        notifications.notify(f"That change was not made: {error}")
