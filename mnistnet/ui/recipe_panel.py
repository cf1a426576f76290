"""The recipe's controls. Every one shows the recipe on the table and lays a changed one back."""

from typing import Any, get_args

import streamlit as st

from mnistnet.data import datasets
from mnistnet.data.splits import PROTOCOLS, describe
from mnistnet.errors import MnistnetError
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import MAX_EPOCHS, USUAL_RATE, OptimizerName, Recipe, ScheduleName
from mnistnet.ui import state

_NAMED = "recipe-named"
_OPTIMIZER_TITLES = {"sgd": "SGD, Nesterov momentum", "adam": "Adam", "adamw": "AdamW", "muon": "Muon"}
_SCHEDULE_TITLES = {"onecycle": "one cycle, to 0", "cosine": "cosine, to 0", "constant": "constant"}


def recipe_panel() -> None:
    """All of the recipe, the common choices first."""
    recipe = state.recipe()
    st.menu_button(
        "Take a recipe that comes with it",
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
        key = state.control("recipe-protocol", recipe.protocol)
        st.segmented_control(
            "Protocol",
            list(PROTOCOLS),
            help="Which images train, which validate, and when the test set is looked at.",
            default=recipe.protocol,
            key=key,
            on_change=_take,
            args=("protocol", key),
            required=True,
        )
        st.caption(f"{describe(datasets.source(recipe.dataset), recipe.protocol)}.")
        if recipe.protocol == "course":
            st.caption(
                ":orange-badge[:material/info: choosing an epoch by its test accuracy flatters by up to 0.1 points]"
            )
        _number("seed", "Seed", 0, 2**31 - 1, 1)
    st.markdown("**Optimizer**")
    left, right = st.columns(2)
    with left:
        _select("optimizer", "Optimizer", list(get_args(OptimizerName)), _OPTIMIZER_TITLES)
        _number("learning_rate", "Peak learning rate", 1e-6, 10.0, 0.01, "%.4g")
        _select("schedule", "Schedule", list(get_args(ScheduleName)), _SCHEDULE_TITLES)
    with right:
        _number("weight_decay", "Weight decay", 0.0, 1.0, 1e-4, "%.5g")
        _slider("momentum", "Momentum (SGD, Muon)", 0.0, 0.99, 0.01)
        _slider("label_smoothing", "Label smoothing", 0.0, 0.5, 0.01)
    st.markdown("**Augmentation**, each image by its own random amount")
    with st.container(horizontal=True):
        _slider("rotation_degrees", "Rotation, degrees each way", 0.0, 45.0, 1.0)
        _slider("shift", "Shift, share of the side", 0.0, 0.5, 0.01)
        _slider("scale", "Scale, share each way", 0.0, 0.5, 0.01)
        _slider("bend", "Bend, pixels", 0.0, 5.0, 0.1)
    _slider("calm_epochs", "Without augmentation at the end", 0, max(10, recipe.calm_epochs), 1)
    with st.expander("Averaging and hardware"):
        _number(
            "averaging",
            "Weight averaging (decay a step; 0 is off)",
            0.0,
            0.9999,
            0.001,
            "%.4f",
            why="Validation and the final score are those of an exponential moving average of the weights.",
        )
        _number("threads", "Threads (0: all cores)", 0, 64, 1)
        _select("device", "Device", ["auto", "cpu", "cuda"], {})
        _select("precision", "Precision", ["auto", "fp32", "bf16"], {})
    st.button("Back to the defaults", icon=":material/restart_alt:", on_click=state.put_recipe, args=(Recipe(),))


def _take_named() -> None:
    """A recipe that comes with it, on the data set at hand."""
    fields = RECIPES[st.session_state[_NAMED]].fields
    state.put_recipe(Recipe().changed(**fields, dataset=state.recipe().dataset))


def _select(field: str, label: str, options: list[str], titles: dict[str, str]) -> None:
    value = getattr(state.recipe(), field)
    key = state.control(f"recipe-{field}", value)
    st.selectbox(
        label,
        options,
        index=options.index(value),
        format_func=lambda option: titles.get(option, option),
        key=key,
        on_change=_take,
        args=(field, key),
    )


def _slider(field: str, label: str, low: float, high: float, step: float) -> None:
    value = getattr(state.recipe(), field)
    high = max(high, value)
    key = state.control(f"recipe-{field}-{high}", value)  # another scale is another widget
    st.slider(label, low, high, value, step=step, key=key, on_change=_take, args=(field, key))


def _number(
    field: str,
    label: str,
    low: float,
    high: float,
    step: float,
    form: str | None = None,
    why: str | None = None,
) -> None:
    value = getattr(state.recipe(), field)
    key = state.control(f"recipe-{field}", value)
    low, high = min(low, value), max(high, value)  # a recipe from a file or link may lie outside
    st.number_input(
        label, low, high, value, step=step, format=form, help=why, key=key, on_change=_take, args=(field, key)
    )


def _take(field: str, key: str) -> None:
    value = st.session_state[key]
    fields: dict[str, Any] = {field: value}
    if field == "optimizer":
        fields["learning_rate"] = USUAL_RATE[value]
    try:
        state.put_recipe(state.recipe().changed(**fields))
    except MnistnetError as error:
        state.tell(f"That change was not made: {error}")
