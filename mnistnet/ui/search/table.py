"""The table of a search's trials: a row that is chosen opens its trial below."""

from typing import Any

import pandas as pd
import streamlit as st

from mnistnet.search.reports import coordinates
from mnistnet.search.reports.now import SearchNow, Version
from mnistnet.search.search import SearchError
from mnistnet.search.trials import Trial
from mnistnet.ui import app, controls, notifications, session
from mnistnet.ui.search import reading, trial

_PICK, _OPENED = "pick-trial", "_trial_opened"
_OFFERED = 100
_HEIGHT, _FEW = 320, 8  # pixels, and the rows that fit
_NONE = "–"


def trials_panel(search_id: str) -> None:
    """The table, the choice of a trial for the keyboard, and the trial that is open."""
    if st.session_state.pop(_OPENED, False) or app.is_leaving() or notifications.has_messages():
        st.rerun()  # the address names the trial as well; the destination is another page
    try:
        shown = reading.now(search_id)
    except SearchError:
        return  # the panel says it
    if not shown.trials.by_number:
        return
    st.subheader("Trials", anchor=False)
    key = f"trials-{shown.id}"
    st.dataframe(
        _frame(shown.version, shown),
        hide_index=True,
        key=key,
        height=_HEIGHT if len(shown.trials.by_number) > _FEW else "content",
        placeholder=_NONE,
        alt=f"{len(shown.trials.by_number)} trials with state, parameters, accuracy and values",
        on_select=lambda: _row_picked(shown.id, key),
        selection_mode="single-row",
        column_config=_columns(),
    )
    _pick(shown)
    opened = shown.trials.by_number.get(session.trial.value) if session.trial.value is not None else None
    if opened:
        trial.trial_panel(shown, opened)


def _row_picked(search_id: str, key: str) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    _open(search_id, rows[0] if rows else None)  # a trial's number is its place: none is left out of the table


def _open(search_id: str, number: int | None) -> None:
    if session.search.value != search_id:  # the newest was shown, which another one may soon be
        session.search.set(search_id)
    session.trial.set(number)
    st.session_state[_OPENED] = True


def _pick(shown: SearchNow) -> None:
    ranked = sorted(shown.trials.by_number.values(), key=lambda one: (-(one.accuracy or 0.0), -one.number))
    offered = [one.number for one in ranked[:_OFFERED]]
    current = session.trial.value if session.trial.value in shown.trials.by_number else None
    if current is not None and current not in offered:
        offered.append(current)
    st.selectbox(
        "Open a trial, the best first",
        offered,
        index=None if current is None else offered.index(current),
        placeholder="or choose a row above",
        format_func=lambda number: _title(shown.trials.by_number[number]),
        key=controls.control(_PICK, current),
        on_change=lambda: _open(shown.id, st.session_state[_PICK]),
    )


def _title(one: Trial) -> str:
    accuracy = f" · {one.accuracy:.2%}" if one.accuracy is not None else ""
    return f"{one.number} · {_phase(one)}{accuracy} · {one.params:,} parameters"


def _phase(one: Trial) -> str:
    return "trial" if one.phase == "search" else one.phase


@st.cache_resource(max_entries=64, show_spinner=False)
def _frame(version: Version, _shown: SearchNow) -> pd.DataFrame:
    trials, space = list(_shown.trials.by_number.values()), _shown.search.space
    columns: dict[str, list[Any]] = {
        "trial": [one.number for one in trials],
        "state": [str(one.state) for one in trials],
        "accuracy": [None if one.accuracy is None else 100 * one.accuracy for one in trials],
        "parameters": [one.params for one in trials],
    }
    if any(one.phase != "search" for one in trials):
        columns["what"] = [_what(_shown, one) for one in trials]
    for choice in space:
        columns[choice.name] = [
            coordinates.text(choice, one.values[choice.name])
            if choice.vary == "pooling"
            else one.values.get(choice.name)
            for one in trials
        ]
    columns["seconds"] = [round(one.seconds, 1) or None for one in trials]
    columns["why"] = [one.message for one in trials]
    return pd.DataFrame(columns)


def _what(shown: SearchNow, one: Trial) -> str:
    return "trial" if one.phase == "search" else f"{one.phase}: {trial.repeated(shown, one)}"


def _columns() -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "trial": number(width=60, pinned=True),
        "state": text(width=80),
        "accuracy": number(format="%.2f%%", width=80, help="Validation accuracy, mean over the trial's seeds"),
        "parameters": number(format="localized", width=90),
        "what": text(width=130),
        "seconds": number(width=70, help="Seconds of training, all seeds together"),
        "why": text(help="Why it was not trained, or failed"),
    }
