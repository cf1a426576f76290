"""The card on the Train page with the verdict on a run that has ended: a line for each rule, and what identifies it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from mnistnet import links
from mnistnet.insight.predictions.verdict import RunVerdict, verdict_of
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.ui import session, widgets
from mnistnet.ui.rules.card import rule_lines

_HEADS = {True: ":green[:material/check_circle:]", False: ":red[:material/cancel:]", None: ":gray[:material/info:]"}


def verdict_card(run: Run, rows: Sequence[EpochMetrics]) -> None:
    """The headline and the rules of the chosen profile, each met or not met, with the run's figure."""
    profile = session.profile.value
    found = verdict_of(run, rows, profile)
    with st.container(border=True, key="verdict", gap="small"):
        st.markdown(f"#### {_HEADS[found.met]} {widgets.plain(found.headline)}")
        rule_lines(found.rules, "not judged")
        st.caption(f"{_consistency(found)}{found.counted}")
        if run.weights_sha256:
            st.caption(
                f"Judged by the rules “{widgets.plain(profile.name)}”; others can be chosen on the Design page. "
                "The weights that were judged, when their training ended, and the rules:"
            )
            st.code(_seal(run, links.encode_profile(profile)), language=None, wrap_lines=True)


def _seal(run: Run, rules: str) -> str:
    ended = f"{datetime.fromtimestamp(run.ended, UTC):%Y-%m-%d %H:%M} UTC" if run.ended else "unknown"
    return f"weights sha256 {run.weights_sha256}\nended {ended}\nrules {rules}"


def _consistency(found: RunVerdict) -> str:
    reached = found.consistency
    if reached.first is None:
        return ""
    return (
        f"First epoch at the goal: {reached.first}. Epochs at the goal: {reached.at_goal} of the last {reached.of}, "
        f"{reached.in_a_row} in a row up to the last. All by validation accuracy. "
    )
