"""Input controls that show what the session has, and the choices that several pages offer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from mnistnet.runs.run import Run
from mnistnet.runs.sources import GALLERY
from mnistnet.ui import cache, session, widgets
from mnistnet.ui.widgets import plain

_CLICKS = "_clicks"
_DRAWN, _REVISION, _BEFORE = "drawn", "_revision", "_before"
_RUNS_OFFERED = 200


def control(key: str, value: Any) -> str:
    """`key`, after its widget was set to `value`: a widget shows the session's value and does not own it.

    Give the widget `value` as its default as well: where a rerun is cut short, the browser may draw the widget again
    from its default and report that as a choice.
    """
    if key not in st.session_state:
        st.session_state[key] = value
    elif (shown := st.session_state[key]) != value:
        revision = st.session_state.get(_REVISION, 0) + 1
        st.session_state[_REVISION] = revision
        st.session_state.setdefault(_BEFORE, {})[key] = (revision, shown)
        st.session_state[key] = value
    return key


def drawn() -> None:
    """Let the browser say how far it has drawn: an invisible number, the last element of a page.

    With each request the browser sends the values of all widgets as it shows them. What `control` sets is numbered,
    and this widget, which comes after it, is set to the newest number.
    """
    revision, before = st.session_state.get(_REVISION, 0), st.session_state.get(_BEFORE, {})
    st.session_state[_BEFORE] = {key: set_at for key, set_at in before.items() if key in st.session_state}
    st.session_state[_DRAWN] = revision
    with st.container(key="drawn-container"):
        st.number_input("Drawn", value=revision, key=_DRAWN)


def is_outdated(key: str) -> bool:
    """True where a widget reports the value from before `control` set it, and the browser had not drawn that yet.

    Such a value is nobody's choice: the browser sent it along when another widget was used.
    """
    revision, before = st.session_state.get(_BEFORE, {}).get(key, (0, None))
    return bool(st.session_state.get(_DRAWN, revision) < revision and st.session_state[key] == before)


def clickable(key: str) -> str:
    """The key of a chart that can be clicked; it changes with each `reset_selection`."""
    return f"{key}-{st.session_state.get(_CLICKS, 0)}"


def reset_selection() -> None:
    """Clear what was clicked in charts: the browser reports a click only where it differs from the one before."""
    st.session_state[_CLICKS] = st.session_state.get(_CLICKS, 0) + 1


def run_picker(runs: Sequence[Run], else_why: str) -> Run | None:
    """The run to look at: the one chosen last, else the newest of `runs`; None without runs.

    Says so where the one chosen last is not among them: it is unknown, or the reason is `else_why`.
    """
    if not runs:
        return None
    by_id = {run.id: run for run in runs}
    wanted = session.run_id.value
    if wanted and wanted not in by_id:
        known = cache.chosen(wanted)
        st.caption(f":material/info: Run {plain(wanted)}: {else_why if known else 'not in this store'}.")
    current = wanted if wanted in by_id else runs[0].id
    titles = {run.id: widgets.run_title(run) for run in runs}
    key = control("pick-run", current)
    st.selectbox(
        "Run", list(titles), index=list(titles).index(current), format_func=titles.__getitem__, key=key, on_change=_pick
    )
    return by_id[current]


def _pick() -> None:
    session.run_id.set(st.session_state["pick-run"])


def subject_picker(label: str, current: str, key: str, choose: Callable[[str], None]) -> str:
    """The choice of the current design or a run of store or gallery; calls `choose` with it.

    Returns what is chosen: `current` where it is one of these, else the current design, and says so. A run is given by
    its id.
    """
    titles = {session.CURRENT_DESIGN: f"Current design: {session.design.value.name}"}
    titles |= {run.id: widgets.run_title(run) for run in (*cache.listed_runs()[:_RUNS_OFFERED], *GALLERY.runs())}
    if current not in titles:
        older = cache.chosen(current)
        titles |= {older.id: widgets.run_title(older)} if older and older.id == current else {}
    chosen = current if current in titles else session.CURRENT_DESIGN
    st.selectbox(
        label,
        list(titles),
        index=list(titles).index(chosen),
        format_func=titles.__getitem__,
        key=control(key, chosen),
        on_change=lambda: choose(st.session_state[key]),
    )
    if chosen != current:
        st.caption(f":material/info: Run {plain(current)}: not in this store.")
    return chosen


def switch(
    label: str, titles: Mapping[str, str], current: str, key: str, choose: Callable[[Any], None], *, named: bool = True
) -> None:
    """A choice of one of several, side by side, by their titles; calls `choose` with it. `named` shows the label."""
    st.segmented_control(
        label,
        list(titles),
        default=current,
        format_func=titles.__getitem__,
        key=control(key, current),
        required=True,
        on_change=lambda: choose(st.session_state[key]),
        label_visibility="visible" if named else "collapsed",
    )
