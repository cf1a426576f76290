"""The table over all hand-ins: verdict, recomputed figures, and which checks fail."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from mnistnet.handins.results import Checked


def table(several: Sequence[Checked]) -> None:
    """One line a hand-in, in the order of upload; nothing for a single one."""
    passed = sum(one.passed for one in several)
    if len(several) == 1:
        st.subheader(verdict(several[0]).capitalize(), anchor=False)
        return
    st.subheader(f"{passed} of {len(several)} passed", anchor=False)
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    st.dataframe(
        _frame(several),
        hide_index=True,
        key="check-table",
        placeholder="–",
        alt=f"{len(several)} hand-ins with verdict, accuracy, parameters, epochs and the checks that fail",
        column_config={
            "hand-in": text(width=170),
            "verdict": text(width=90),
            "accuracy": number(format="%.2f%%", width=80, help="Computed anew from the weights, on the test set"),
            "parameters": number(format="localized", width=85),
            "epochs": number(width=60),
            "fails": text(width=360, help="The checks that do not hold; each is explained below"),
            "design": text(width=130),
        },
    )


def _frame(several: Sequence[Checked]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "hand-in": [one.name for one in several],
            "verdict": [verdict(one) for one in several],
            "accuracy": [None if one.accuracy is None else 100 * one.accuracy for one in several],
            "parameters": [one.parameters for one in several],
            "epochs": [one.epochs for one in several],
            "fails": [", ".join(check.check for check in one.failed) for one in several],
            "design": [one.design for one in several],
        }
    )


def verdict(one: Checked) -> str:
    """The verdict in one or two words."""
    if not one.is_handin:
        return "no hand-in"
    return "passed" if one.passed else "not passed"
