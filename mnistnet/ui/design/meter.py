"""The meter: parameters against the budget, layer by layer, the rules with their verdicts, and the goal."""

import streamlit as st

from mnistnet.lessons.controls import RULES
from mnistnet.nets import rules
from mnistnet.nets.rules import Profile
from mnistnet.nets.rules.verdicts import AFTER_TRAINING, NOT_COUNTED, parameters_rule, sentence
from mnistnet.nets.summary import Summary
from mnistnet.ui import session
from mnistnet.ui.design.network_editor import live
from mnistnet.ui.lessons import held
from mnistnet.ui.rules import own_profile
from mnistnet.ui.rules.card import rule_lines
from mnistnet.ui.rules.profile_picker import profile_picker


def heading() -> None:
    """The page's title and the goal in one sentence."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Design", anchor=False, width="content")
        st.caption(f"The goal: {sentence(session.profile.value)}.", width="stretch")


def meter(summary: Summary) -> None:
    """The rules for the current design, and their verdicts."""
    profile = session.profile.value
    if not held.is_hidden(RULES):
        profile_picker()
    with st.container(border=True, key="rules", gap="small"):
        known = rules.card(session.design.value, summary, session.recipe.value.epochs, profile)
        with st.container(gap=None):
            _parameters_rule(summary, profile)
            rule_lines(known[1:], AFTER_TRAINING)
        if not held.is_held(RULES):
            own_profile.popover(profile)
    uses = ", ".join(f"{note.technique} ×{note.uses}" for note in rules.notes(session.design.value))
    st.caption(f"Layers that use: {uses}.")


def _parameters_rule(summary: Summary, profile: Profile) -> None:
    """The first line of the card, which follows under the hand."""
    current, numbers = live.states(summary, profile.params), live.design_numbers(summary, profile.params)
    judged: live.Words = {"fits": "✓ met", "over": "✗ not met", "broken": "✗ not met"}
    counted = "{params}; must be under {budget}"
    figures: live.Words = {"fits": counted, "over": counted, "broken": NOT_COUNTED}
    verdict = live.text(live.DESIGN, current, numbers, judged, look="chip")
    live.write(
        f"<span>{verdict} <b>{parameters_rule(profile)}</b>: {live.text(live.DESIGN, current, numbers, figures)}</span>"
    )


def count(summary: Summary) -> None:
    """The parameters against the budget, multiply-accumulates and receptive field, as they follow under the hand."""
    profile = session.profile.value
    current, numbers = live.states(summary, profile.params), live.design_numbers(summary, profile.params)
    total: live.Words = {"fits": "{params}", "over": "{params}", "broken": "{params} so far"}
    room: live.Words = {"fits": "{left} left", "over": "{over} too many", "broken": "a layer does not fit"}
    rest = live.always("{macs} multiply-accumulates · receptive field {field}×{field}")
    live.write(
        live.text(live.DESIGN, current, numbers, total, look="count"),
        live.text(live.DESIGN, current, numbers, live.always("of fewer than {budget} parameters")),
        live.text(live.DESIGN, current, numbers, room, look="chip"),
        live.text(live.DESIGN, current, numbers, rest, look="small"),
    )
