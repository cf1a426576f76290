"""The card on the Train page with the verdict on a run that has ended: a line for each rule."""

from collections.abc import Sequence

import streamlit as st

from mnistnet.insight.predictions.verdict import RunVerdict, verdict_of
from mnistnet.nets.rules import epochs_text
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.ui import session, widgets

_BADGES = {
    True: "green-badge[:material/check: met]",
    False: "red-badge[:material/close: not met]",
    None: "gray-badge[not judged]",
}
_HEADS = {True: ":green[:material/check_circle:]", False: ":red[:material/cancel:]", None: ":gray[:material/info:]"}


def verdict_card(run: Run, rows: Sequence[EpochMetrics]) -> None:
    """The headline and the rules of the chosen profile, each met or not met, with the run's figure."""
    found = verdict_of(run, rows, session.profile.value)
    with st.container(border=True, key="verdict", gap="small"):
        st.markdown(f"#### {_HEADS[found.met]} {widgets.plain(found.headline)}")
        lines = [
            *(_line(rule.passed, rule.rule, rule.detail) for rule in found.rules),
        ]
        st.markdown("  \n".join(lines))
        st.caption(f"{_consistency(found)}{found.counted}")


def _line(passed: bool | None, rule: str, figure: str) -> str:
    return f":{_BADGES[passed]} **{rule}**: {widgets.plain(figure)}"


def _consistency(found: RunVerdict) -> str:
    reached = found.consistency
    if reached.first is None:
        return ""
    return (
        f"First epoch at the goal: {reached.first}. Of the last {epochs_text(reached.of)}, {reached.at_goal} at the "
        f"goal; latest epochs in a row at the goal: {reached.in_a_row}; all by validation accuracy. "
    )
