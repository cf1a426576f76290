"""The verdict on each hand-in, line by line."""

from collections.abc import Sequence

import streamlit as st

from mnistnet.handins.results import Check, Checked
from mnistnet.ui import widgets

_MET, _NOT_MET = ":green-badge[:material/check: holds]", ":red-badge[:material/close: fails]"
_OPEN = 3  # hand-ins, up to which each is unfolded


def verdicts(several: Sequence[Checked]) -> None:
    """A part that unfolds for each hand-in: checks that fail first."""
    for place, one in enumerate(several):
        icon = ":material/check:" if one.passed else ":material/close:"
        title = f"{widgets.plain(one.name)}: {widgets.plain(one.verdict)}"
        with st.expander(title, icon=icon, expanded=len(several) <= _OPEN, key=f"check-verdict-{place}"):
            if one.author:
                st.caption(f"Author, as the hand-in says: {widgets.plain(one.author)}")
            st.markdown("  \n".join(map(_line, sorted(one.checks, key=lambda check: check.passed))))


def _line(check: Check) -> str:
    badge = _MET if check.passed else _NOT_MET
    return f"{badge} **{widgets.plain(check.check)}**: {widgets.plain(check.detail)}"
