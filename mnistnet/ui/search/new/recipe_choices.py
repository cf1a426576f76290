"""The choices of a recipe on the Search page: fields to be ticked, each with its range or options."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import streamlit as st

from mnistnet.search.choices import Choice, RecipeOptions, RecipeRange
from mnistnet.training.recipe import TITLES, Recipe
from mnistnet.ui.search.new.choice import choice

_BATCHES = (16, 32, 64, 128, 256, 512)
_OF_A_GRID = 5  # values of a range, where a grid needs options


@dataclass(frozen=True)
class _Range:
    """A real-valued field: the ends of its range as factors of the recipe's value or as they are, and of its input."""

    unit: str
    low: float
    high: float
    most: float
    form: str
    log: bool = False
    is_factor: bool = False


_RANGES = {
    "learning_rate": _Range("log scale", 1 / 8, 4, 10.0, "%.4g", log=True, is_factor=True),
    "weight_decay": _Range("log scale", 1e-5, 1e-2, 1.0, "%.2g", log=True),
    "rotation_degrees": _Range("degrees", 0.0, 20.0, 45.0, "%.3g"),
    "shift": _Range("fraction of the width", 0.0, 0.2, 0.5, "%.3g"),
    "scale": _Range("fraction", 0.0, 0.2, 0.5, "%.3g"),
    "bend": _Range("pixels", 0.0, 2.0, 5.0, "%.3g"),
}


class Making(Protocol):
    """Makes the choices; a grid gets options in place of each range. Raises SearchError for one that is wrong."""

    def __call__(self, *, is_grid: bool) -> list[Choice]: ...


def recipe_choices(recipe: Recipe) -> Making:
    """The controls of the fields, the batch size after the learning rate."""
    made: list[Callable[[bool], Choice]] = []
    for field, about in _RANGES.items():
        title = TITLES[field]
        if _is_ticked(field, f"{title} ({about.unit})"):
            made.append(_range(field, title, about, recipe))
        if field == "learning_rate" and _is_ticked("batch_size", TITLES["batch_size"]):
            made.append(_batch_sizes(recipe))

    def making(*, is_grid: bool) -> list[Choice]:
        return [make(is_grid) for make in made]

    return making


def _is_ticked(field: str, label: str) -> bool:
    return st.checkbox(label[0].upper() + label[1:], key=f"search-{field}", persist_state="session")


def _range(field: str, title: str, about: _Range, recipe: Recipe) -> Callable[[bool], Choice]:
    now = getattr(recipe, field) if about.is_factor else 1.0
    suggested = {"low": now * about.low, "high": min(about.most, now * about.high)}
    ends: dict[str, float] = {}
    for column, (end, value) in zip(st.columns(2), suggested.items(), strict=True):
        ends[end] = column.number_input(
            f"{title.capitalize()}: {end}est",
            0.0,
            about.most,
            float(value),
            step=float(value) / 10 or about.high / 10,
            format=about.form,
            key=f"search-{field}-{end}-{now:g}",
            persist_state="session",
        )
    return partial(_made, field, title, ends["low"], ends["high"], about.log)


def _made(field: str, title: str, low: float, high: float, log: bool, is_grid: bool) -> Choice:
    found = choice(RecipeRange, title, field=field, low=low, high=high, log=log)
    if not is_grid:
        return found
    values = np.geomspace(low, high, _OF_A_GRID) if log else np.linspace(low, high, _OF_A_GRID)
    return choice(RecipeOptions, title, field=field, options=tuple(float(f"{value:.4g}") for value in values))


def _batch_sizes(recipe: Recipe) -> Callable[[bool], Choice]:
    offered = sorted({*_BATCHES, recipe.batch_size})
    options = st.multiselect(
        "Batch sizes, one of",
        offered,
        sorted({recipe.batch_size, 64, 128, 256}),
        key=f"search-batches-{recipe.batch_size}",
        persist_state="session",
    )
    made = partial(choice, RecipeOptions, TITLES["batch_size"], field="batch_size", options=tuple(sorted(options)))
    return lambda _: made()
