"""The lines of the card of rules, in the same order before training, on Design, and after it, on Train."""

from collections.abc import Iterable

import streamlit as st

from mnistnet.nets.rules import Verdict
from mnistnet.nets.rules.verdicts import AFTER_TRAINING
from mnistnet.ui import widgets

_BADGES = {True: ":green-badge[:material/check: met]", False: ":red-badge[:material/close: not met]"}


def rule_lines(rules: Iterable[Verdict], unknown: str) -> None:
    """A line for each rule: met, not met or `unknown`, the rule, and the figure."""
    st.markdown("  \n".join(_line(rule, unknown) for rule in rules))


def _line(rule: Verdict, unknown: str) -> str:
    badge = f":gray-badge[{unknown}]" if rule.passed is None else _BADGES[rule.passed]
    figure = "" if rule.detail == AFTER_TRAINING else f": {widgets.plain(rule.detail)}"
    return f"{badge} **{rule.rule}**{figure}"
