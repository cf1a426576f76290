"""The meter: parameters against the budget, layer by layer, the rules with their verdicts, and the goal."""

import streamlit as st

from mnistnet.charts import design as charts
from mnistnet.lessons.controls import RULES
from mnistnet.nets import rules
from mnistnet.nets.architecture import Conv
from mnistnet.nets.rules import Profile, parameters_text
from mnistnet.nets.rules.verdicts import AFTER_TRAINING, sentence
from mnistnet.nets.summary import Summary
from mnistnet.nets.widths import shrunk
from mnistnet.ui import cache, session, widgets
from mnistnet.ui.design import edits
from mnistnet.ui.lessons import held
from mnistnet.ui.rules import own_profile
from mnistnet.ui.rules.card import rule_lines
from mnistnet.ui.rules.profile_picker import profile_picker


def goal() -> None:
    """The goal, in one sentence."""
    st.caption(f"The goal: {sentence(session.profile.value)}.")


def meter(summary: Summary) -> None:
    """Parameters against the budget and the card of rules, for the current design."""
    profile = session.profile.value
    count, choice = st.columns([0.34, 0.66])
    with count:
        _parameters(summary, profile)
    if not held.is_hidden(RULES):
        with choice:
            profile_picker()
    with st.container(border=True, key="rules", gap="small"):
        rule_lines(rules.card(session.design.value, summary, session.recipe.value.epochs, profile), AFTER_TRAINING)
        if not held.is_held(RULES):
            own_profile.popover(profile)
    widgets.draw(
        charts.budget(summary, profile),
        "budget",
        f"{summary.params:,} parameters, layer by layer; must be under {profile.params:,}",
    )
    if summary.is_whole and summary.params >= profile.params and not held.is_held("width"):
        _shrink(profile.params)
    uses = ", ".join(f"{note.technique} ×{note.uses}" for note in rules.notes(session.design.value))
    st.caption(f"Layers that use: {uses}.")


def _parameters(summary: Summary, profile: Profile) -> None:
    left = profile.params - 1 - summary.params
    room = f"{parameters_text(left)} left" if left >= 0 else f"{-left:,} too many"
    st.metric(
        "Parameters" if summary.is_whole else "Parameters so far",
        f"{summary.params:,}",
        room if summary.is_whole else "a layer does not fit",
        delta_color="green" if left >= 0 and summary.is_whole else "red",
        delta_arrow="off",
        help="Trainable parameters: weights and biases, and two for each channel that batch norm normalises.",
    )


def _shrink(budget: int) -> None:
    """A button that shrinks all layers, after a preview of their widths."""
    preview = st.popover(
        "Shrink all layers to fit the budget", icon=":material/compress:", key="shrink-preview", on_change="rerun"
    )
    if not preview.open:
        return
    with preview:
        before, after = session.design.value, shrunk(session.design.value, budget)
        if after == before:
            st.markdown("Even with one channel in each layer the design is over the budget: remove a layer.")
            return
        left = budget - 1 - cache.summary(after).params
        widths = [
            f"layer {number}: {old.channels} → {new.channels}"
            for number, (old, new) in enumerate(zip(before.layers, after.layers, strict=True), 1)
            if isinstance(old, Conv) and isinstance(new, Conv) and old != new
        ]
        st.markdown("Channels, before → after:  \n" + "  \n".join(widths))
        st.caption(f"{parameters_text(left)} left. To narrow one layer only, use its “max” button.")
        st.button("Shrink the layers", type="primary", key="shrink", on_click=edits.shrink, args=(budget,))
