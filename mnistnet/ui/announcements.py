"""The end of a run, announced on whichever page is open, and the progress of a run in the tab's title."""

import streamlit as st

from mnistnet.runs.run import Run, RunState
from mnistnet.ui import auth, cache, notifications, widgets
from mnistnet.ui.train import watchers

_WATCHED = "_watched_runs"


def announce() -> None:
    """Watch this user's active runs, as long as there are any; once on every page that does not call `look` itself."""
    is_watching = any(run.state.is_active for run in _own_runs())
    st.fragment(look, run_every=watchers.tick_seconds() if is_watching else None)()


def look() -> None:
    """Announce the runs that ended since the last look, by drawing the page again, and set the tab's title."""
    runs = {run.id: run for run in _own_runs()}
    ended = [run for run in map(runs.get, st.session_state.get(_WATCHED, ())) if run and not run.state.is_active]
    active = [run for run in runs.values() if run.state.is_active]
    st.session_state[_WATCHED] = tuple(run.id for run in active)
    training = next((run for run in active if run.state is RunState.RUNNING), None)
    st.set_page_config(page_title=_progress(training) if training else widgets.TITLE)
    for run in ended:
        notifications.toast(_end(run))
    if ended:
        st.rerun()  # the page shows what is known now, and nothing polls where no run is left


def _own_runs() -> list[Run]:
    owner = auth.owner()
    return [run for run in cache.listed_runs() if run.owner == owner]


def _end(run: Run) -> str:
    if run.state is RunState.DONE and run.test_accuracy is not None:
        return f"{run.name}, run {run.id}, is done: {run.test_accuracy:.2%} on the test set."
    return f"{run.name}, run {run.id}: {run.state}, {widgets.epochs_finished(run)}."


def _progress(run: Run) -> str:
    accuracy = f", {run.validation_accuracy:.2%}" if run.validation_accuracy is not None else ""
    return f"{run.epochs_done}/{run.recipe.epochs}{accuracy} · {run.name}"
