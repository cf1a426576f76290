"""A new search: what it starts from, the ready-made ones, and one whose space is ticked together."""

import streamlit as st

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import PRESETS
from mnistnet.search.executors import address
from mnistnet.search.executors.address import BadAddress
from mnistnet.training.recipe import TITLES, Recipe, described
from mnistnet.ui import auth, cache, session, widgets
from mnistnet.ui.search.new import custom, ready_made
from mnistnet.ui.search.new.starting import Target

_FROM, _CLUSTER, _INSECURE = "search-from", "search-cluster", "search-insecure"


def form() -> None:
    """The form; nothing that is typed into it is lost by a search that cannot be started."""
    st.caption(
        "A search trains many designs or recipes for a short time each, under a budget of parameters. What exceeds the "
        "budget is refused before it is trained. The best are trained again with new seeds, beside the start; only the "
        "winner is scored on the test set."
    )
    design, recipe = _design(), session.recipe.value
    _about(design, recipe)
    target = _target()
    if fault := cache.summary(design).fault:
        widgets.empty(widgets.plain(f"The design has an error: {fault}."), "pages/design.py", "Correct the design")
        return
    st.subheader("Ready-made", anchor=False)
    ready_made.ready_made(design, recipe, target)
    st.subheader("A space of your own", anchor=False)
    custom.custom(design, recipe, target)


def _design() -> Architecture:
    titles = {session.CURRENT_DESIGN: f"Current design: {session.design.value.name}"}
    titles |= {name: f"{name} · {preset.params:,} parameters" for name, preset in PRESETS.items()}
    chosen = st.selectbox(
        "Start from", list(titles), format_func=lambda name: titles[name], key=_FROM, persist_state="session"
    )
    return PRESETS[chosen].architecture if chosen in PRESETS else session.design.value


def _about(design: Architecture, recipe: Recipe) -> None:
    words, summary = described(recipe), cache.summary(design)
    fields = ("dataset", "optimizer", "learning_rate", "batch_size")
    said = ", ".join(f"{TITLES[field]} {words[TITLES[field]]}" for field in fields)
    held_out = "" if recipe.protocol == "holdout" else " A search is validated on held-out images."
    st.caption(
        f"{summary.params:,} parameters. Recipe of the Design page: {widgets.plain(said)}; one thread each.{held_out}"
    )


def _target() -> Target:
    """Where the search is trained. Whoever answers at an address runs code in this dashboard's name, so that where
    people log in, only administrators may give one."""
    who = auth.user()
    may = who is None or who.is_administrator
    with st.expander("On a cluster", icon=":material/hub:"):
        typed = st.text_input(
            "Address of the scheduler",
            key=_CLUSTER,
            placeholder="empty: this machine",
            help="As in tcp://10.0.0.5:8786. Needs `requirements-cluster.txt`."
            if may
            else "Only an administrator may have searches trained elsewhere.",
            disabled=not may,
            persist_state="session",
        )
        cluster = typed.strip() if may and typed else ""
        return Target(cluster, insecure=_is_exposed(cluster) and _may_be_exposed())


def _is_exposed(cluster: str) -> bool:
    try:
        return address.parsed(cluster).is_exposed
    except BadAddress:  # Start says so
        return False


def _may_be_exposed() -> bool:
    return st.checkbox(
        "Allow it without TLS",
        key=_INSECURE,
        help="Not encrypted, and not on this machine: whoever reaches it can run code there and here.",
        persist_state="session",
    )
