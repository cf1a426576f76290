"""The tables of the Compare page: all runs with the verdict on each, the best first, and what differs."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from mnistnet.insight.predictions.differences import differences
from mnistnet.insight.predictions.evaluation import Score
from mnistnet.insight.predictions.verdict import rules_of
from mnistnet.nets.rules import COURSE, Profile, Verdict, epochs_text, parameters_text
from mnistnet.nets.rules.verdicts import sentence
from mnistnet.runs.run import Run
from mnistnet.ui import cache, session, widgets

_TABLE = "compare-table"
_UNKNOWN = "–"


def runs_table(runs: list[Run]) -> None:
    """All runs with their verdicts and figures: first those that meet the rules, then by test accuracy."""
    profile = session.profile.value
    judged = {run.id: rules_of(run, profile, cache.metrics) for run in runs}
    ranked = sorted(runs, key=lambda run: _rank(run, judged[run.id]))
    st.markdown(_sentence(ranked[0], judged[ranked[0].id], profile))
    column = f"meets {_name(profile)}"
    st.dataframe(
        _frame(ranked, judged, column),
        hide_index=True,
        key=_TABLE,
        placeholder=_UNKNOWN,
        alt=f"{len(runs)} runs with the verdict on each, accuracies, parameters, epochs and training times",
        column_config=_columns(column, profile),
    )


def best(runs: Sequence[Run]) -> Run | None:
    """The first run of the table; None without runs."""
    profile = session.profile.value
    return min(runs, key=lambda run: _rank(run, rules_of(run, profile, cache.metrics)), default=None)


def _frame(runs: Sequence[Run], judged: dict[str, list[Verdict]], column: str) -> pd.DataFrame:
    scores = [_score(run) for run in runs]
    return pd.DataFrame(
        {
            "run": [run.id for run in runs],
            "name": [run.name for run in runs],
            column: [_verdict(run, judged[run.id]) for run in runs],
            "test accuracy": [score and 100 * score.accuracy for score in scores],
            "errors": [score and score.errors for score in scores],
            "95% interval": [_interval(score) for score in scores],
            "parameters": [run.params for run in runs],
            "epochs": [_epochs(run) for run in runs],
            "protocol": [run.recipe.protocol for run in runs],
            "validation": [_percent(run.validation_accuracy) for run in runs],
            "best epoch": [_percent(run.best_validation_accuracy) for run in runs],
            "data": [run.recipe.dataset for run in runs],
            "state": [str(run.state) for run in runs],
            "seconds": [run.train_seconds for run in runs],
        }
    )


def _epochs(run: Run) -> str:
    return f"{run.epochs_done} of {run.recipe.epochs}{f' + {run.epochs_before}' if run.epochs_before else ''}"


def _columns(column: str, profile: Profile) -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "run": text(width=75),
        "name": text(width=120),
        column: text(
            width=235,
            help=f"{widgets.plain(profile.title)}: {sentence(profile)}. Other rules can be chosen on the Design page.",
        ),
        "test accuracy": number(format="%.2f%%", width=90, help="Final weights on the test set"),
        "errors": number(width=60, help="Wrong test images; MNIST has 10,000, the offline sample 297"),
        "95% interval": text(width=130, help="Wilson interval of the test accuracy"),
        "parameters": number(format="localized", width=85),
        "epochs": text(
            width=70, help="Epochs finished, of the epochs in the recipe; + those of the run that it starts from"
        ),
        "protocol": text(width=75),
        "validation": number(format="%.2f%%", width=80, help="Validation accuracy after the last finished epoch"),
        "best epoch": number(
            format="%.2f%%",
            width=80,
            help="Highest validation accuracy of an epoch. Under the course protocol the best epoch is picked on the "
            "test set, so it is slightly optimistic.",
        ),
        "seconds": number(format="%.0f", width=65, help="Training time without validation"),
    }


def _name(profile: Profile) -> str:
    return "assignment" if profile is COURSE else profile.name


def _rank(run: Run, verdicts: Sequence[Verdict]) -> tuple[bool, float, float]:
    """Sorts those that pass before all others, then by test accuracy, then by validation accuracy."""
    return (
        not all(verdict.passed for verdict in verdicts),
        -(run.test_accuracy or 0.0),
        -(run.validation_accuracy or 0.0),
    )


def _sentence(run: Run, verdicts: Sequence[Verdict], profile: Profile) -> str:
    name = "the assignment" if profile is COURSE else f"“{widgets.plain(profile.title)}”"
    score = _score(run)
    if not score or not all(verdict.passed for verdict in verdicts):
        return f"No run meets {name} yet."
    return (
        f"**Best run that meets {name}: {widgets.plain(run.title)}.** {score.accuracy:.2%} on the test set "
        f"({score.errors_text}; {score.interval_text}), {parameters_text(run.params)}, "
        f"{epochs_text(run.epochs_in_all)}."
    )


def _verdict(run: Run, verdicts: Sequence[Verdict]) -> str:
    failed = ", ".join(verdict.figure for verdict in verdicts if not verdict.passed)
    if not failed:
        return "yes"
    return f"not yet: {failed}" if run.state.is_active else f"no: {failed}"


def _score(run: Run) -> Score | None:
    if run.test_errors is None or not run.test_total:
        return None
    return Score(run.test_errors, run.test_total)


def _interval(score: Score | None) -> str:
    return f"{score.interval.low:.2%} to {score.interval.high:.2%}" if score else _UNKNOWN


def _percent(accuracy: float | None) -> float | None:
    return None if accuracy is None else 100 * accuracy


def differences_table(runs: Sequence[Run]) -> None:
    """The fields of design and recipe that are not equal in all of these runs."""
    st.subheader("Differences in design and recipe", anchor=False)
    if len(runs) < 2:
        st.caption("Choose at least two runs to see what differs.")
        return
    found = differences(runs)
    if not found:
        st.caption("These runs have the same design and the same recipe.")
        return
    columns = {"field": [one.field for one in found]}
    columns |= {run.title: [one.values[place] for one in found] for place, run in enumerate(runs)}
    st.dataframe(
        pd.DataFrame(columns),
        hide_index=True,
        key="compare-differences",
        alt=f"{len(found)} fields of design and recipe in which {len(runs)} runs differ",
        column_config={
            "field": st.column_config.TextColumn(width=215, pinned=True),
            **{run.title: st.column_config.TextColumn(width=285) for run in runs},
        },
    )
