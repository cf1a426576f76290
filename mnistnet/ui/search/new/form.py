"""A new search: what it starts from, the ready-made ones, and one whose space is ticked together."""

from dataclasses import dataclass

import streamlit as st

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import PRESETS
from mnistnet.training.recipe import TITLES, Recipe, described
from mnistnet.ui import auth, cache, session, widgets
from mnistnet.ui.search.new import custom, ready_made

_FROM, _CLUSTER = "search-from", "search-cluster"


@dataclass(frozen=True)
class Start:
    """What a search starts from, and the address of the cluster that trains it; empty for this machine."""

    design: Architecture
    recipe: Recipe
    cluster: str


def form() -> None:
    """The form; nothing that is typed into it is lost by a search that cannot be started."""
    st.caption(
        "A search trains many designs or recipes for a short time each, under a budget of parameters. What exceeds the "
        "budget is refused before it is trained. The best are trained again with new seeds, beside the start; only the "
        "winner is scored on the test set."
    )
    left, right = st.columns([0.6, 0.4], vertical_alignment="bottom")
    with left:
        design = _design()
    with right:
        cluster = _cluster()
    start = Start(design, session.recipe.value, cluster)
    _about(start)
    if fault := cache.summary(start.design).fault:
        widgets.empty(widgets.plain(f"The design has an error: {fault}."), "pages/design.py", "Correct the design")
        return
    st.subheader("Ready-made", anchor=False)
    ready_made.ready_made(start.design, start.recipe, start.cluster)
    st.subheader("A space of your own", anchor=False)
    custom.custom(start.design, start.recipe, start.cluster)


def _design() -> Architecture:
    titles = {session.CURRENT_DESIGN: f"Current design: {session.design.value.name}"}
    titles |= {name: f"{name} · {preset.params:,} parameters" for name, preset in PRESETS.items()}
    chosen = st.selectbox(
        "Start from", list(titles), format_func=lambda name: titles[name], key=_FROM, persist_state="session"
    )
    return PRESETS[chosen].architecture if chosen in PRESETS else session.design.value


def _about(start: Start) -> None:
    words, summary = described(start.recipe), cache.summary(start.design)
    fields = ("dataset", "optimizer", "learning_rate", "batch_size")
    said = ", ".join(f"{TITLES[field]} {words[TITLES[field]]}" for field in fields)
    held_out = "" if start.recipe.protocol == "holdout" else " A search is validated on held-out images."
    st.caption(
        f"{summary.params:,} parameters. Recipe of the Design page: {widgets.plain(said)}; one thread each.{held_out}"
    )


def _cluster() -> str:
    """The address of a cluster's scheduler. Whoever answers there runs code in this dashboard's name, so that where
    people log in, only administrators may give one."""
    who = auth.user()
    may = who is None or who.is_administrator
    with st.expander("On a cluster", icon=":material/hub:"):
        address = st.text_input(
            "Address of the scheduler",
            key=_CLUSTER,
            placeholder="empty: this machine",
            help="As in tcp://10.0.0.5:8786. Needs `requirements-cluster.txt`."
            if may
            else "Only an administrator may have searches trained elsewhere.",
            disabled=not may,
            persist_state="session",
        )
    return address.strip() if may and address else ""
