"""The table of the gallery: the presets as trained with all seeds, final weights."""

from statistics import mean
from typing import Any

import pandas as pd
import streamlit as st

from mnistnet.gallery import Entry, entries
from mnistnet.insight.predictions.evaluation import Interval, at_mean
from mnistnet.nets.presets import PRESETS


def gallery_table() -> None:
    """The table, its heading and its conditions; nothing without a gallery."""
    if not entries():
        return
    st.subheader("Gallery: the presets, trained", anchor=False)
    st.dataframe(
        pd.DataFrame([_row(entry) for entry in entries().values()]),
        hide_index=True,
        height="content",
        key="gallery-table",
        alt=f"{len(entries())} presets with parameters, seeds, mean, worst and interval of their test accuracy",
        column_config=_columns(),
    )
    st.caption(
        f"{next(iter(entries().values())).conditions}. The curve and the mistakes of the first seed of each preset are "
        "available on this page and on Mistakes, those of the final fits on all 60,000 images are not."
    )


def _row(entry: Entry) -> dict[str, Any]:
    interval = interval_at_mean(entry)
    return {
        "preset": entry.preset,
        "parameters": PRESETS[entry.preset].params,
        "protocol": entry.recipe.protocol,
        "epochs": entry.recipe.epochs,
        "seeds": len(entry.outcomes),
        "mean test": f"{entry.mean:.3%}",
        "worst seed": f"{entry.worst:.2%}",
        "95% interval": f"{interval.low:.2%} to {interval.high:.2%}",
        "best epoch": f"{entry.best_validation:.2%}",
        "seconds": mean(outcome.train_seconds for outcome in entry.outcomes),
    }


def _columns() -> dict[str, Any]:
    return {
        "parameters": st.column_config.NumberColumn(format="localized"),
        "mean test": st.column_config.TextColumn(help="Mean over the seeds, final weights, 10,000 test images"),
        "95% interval": st.column_config.TextColumn(
            help="Wilson interval at the mean for 10,000 images; more seeds do not make it narrower"
        ),
        "best epoch": st.column_config.TextColumn(
            help="Mean validation accuracy of each seed's best epoch. Under the course protocol it was "
            "picked on the test set, so it is slightly optimistic."
        ),
        "seconds": st.column_config.NumberColumn(format="%.0f", help="Mean training time without validation"),
    }


def interval_at_mean(entry: Entry) -> Interval:
    """The 95 % interval of the mean test accuracy over the entry's seeds."""
    outcomes = entry.outcomes
    return at_mean([outcome.test_errors for outcome in outcomes], outcomes[0].test_total).interval
