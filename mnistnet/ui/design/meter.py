"""The meter: parameters against the budget, layer by layer, the rules with their verdicts, and the goal."""

import streamlit as st

from mnistnet.charts import design as charts
from mnistnet.lessons.controls import RULES
from mnistnet.nets import rules
from mnistnet.nets.rules import Profile, parameters_text
from mnistnet.nets.rules.verdicts import AFTER_TRAINING, sentence
from mnistnet.nets.summary import Summary
from mnistnet.ui import session, widgets
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
