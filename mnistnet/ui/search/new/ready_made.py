"""The ready-made searches of a design, a card and a button each."""

import streamlit as st

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.rules import epochs_text
from mnistnet.search.ready import READY, Ready
from mnistnet.search.search import Search, SearchError
from mnistnet.search.studies import OPTUNA
from mnistnet.training.recipe import Recipe
from mnistnet.ui import session, widgets
from mnistnet.ui.search.new import starting
from mnistnet.ui.search.new.starting import Target

_COLUMNS = 3


def ready_made(design: Architecture, recipe: Recipe, target: Target) -> None:
    """The cards, several side by side where there is room."""
    if not OPTUNA.is_installed:
        st.caption(f":material/info: Without Optuna these draw values at random. {starting.INSTALL} installs it.")
    names = list(READY)
    for first in range(0, len(names), _COLUMNS):
        for column, name in zip(st.columns(_COLUMNS), names[first : first + _COLUMNS], strict=False):
            with column, st.container(border=True, height="stretch", gap="xsmall", key=f"ready-{name}"):
                _card(name, READY[name], design, recipe, target)


def _card(name: str, ready: Ready, design: Architecture, recipe: Recipe, target: Target) -> None:
    st.markdown(f"**{ready.title.capitalize()}**")
    st.caption(ready.help)
    try:
        search = _searched(ready.make(design, recipe, session.profile.value.params))
    except SearchError as error:
        st.caption(f":material/block: {widgets.plain(str(error))}")
        return
    cost = starting.cost(search)
    finals = ", finalists included" if search.finalists else ""
    st.caption(
        f"{cost.trainings} trainings of {epochs_text(search.recipe.epochs)} at most{finals}: about "
        f"{cost.time}{' (a guess)' if cost.is_guess else ''}."
    )
    starting.button(name, search, target, "Start", help=f"Starts “{ready.title}”")


def _searched(search: Search) -> Search:
    """The search, with a sampler that is installed."""
    return search if OPTUNA.is_installed or not search.space else search.changed(sampler="random")
