"""A search of one's own on the Search page: what varies, its budget and settings, what it costs, and Start."""

import streamlit as st

from mnistnet.nets.architecture import Architecture
from mnistnet.search import search as searches
from mnistnet.search.search import Search, SearchError, grid_size
from mnistnet.training.recipe import Recipe
from mnistnet.ui import widgets
from mnistnet.ui.search.new import layer_choices, recipe_choices, settings, starting
from mnistnet.ui.search.new.starting import Target


def custom(design: Architecture, recipe: Recipe, target: Target) -> None:
    """The choices of design and recipe side by side, the settings, the cost, and Start."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**What may vary in the design**")
        with st.container(border=True, key="search-layers"):
            of_layers = layer_choices.layer_choices(design)
    with right:
        st.markdown("**What may vary in the recipe**")
        with st.container(border=True, key="search-recipe"):
            of_recipe = recipe_choices.recipe_choices(recipe)
    chosen = settings.settings(design, recipe)
    try:
        space = (*of_layers(), *of_recipe(is_grid=chosen.sampler == "grid"))
        if not space and chosen.trials > 1:
            raise SearchError("Nothing varies yet: tick something above, or choose 1 trial with several seeds.")
        search = chosen.search(design, recipe, space)
        searches.require_usable(search)
    except SearchError as error:
        st.caption(f":material/block: {widgets.plain(str(error))}")
        st.button("Start the search", key="start-search", icon=":material/play_arrow:", disabled=True)
        return
    _said(search)
    starting.button("search", search, target, "Start the search", type="primary")


def _said(search: Search) -> None:
    size, count = grid_size(search.space), len(search.space)
    choices = f"{count} {'choice' if count == 1 else 'choices'}"
    many = f"{size:,} combinations" if size else "no end of combinations (a range of real numbers)"
    cost = starting.cost(search)
    guess = " (a guess: nothing was trained here yet)" if cost.is_guess else ""
    finals = ", finalists and winner included" if search.finalists else ""
    st.markdown(
        f"{f'**{choices}**, {many}' if count else 'Nothing varies: one design, several seeds'}. "
        f"At most **{cost.trainings:,} trainings**{finals}: about **{cost.time}** on this machine{guess}."
    )
