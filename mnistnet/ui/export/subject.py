"""The material of the Export page: the current design or a run."""

import streamlit as st

from mnistnet.exports.material import Material, RunResult
from mnistnet.runs.run import Run
from mnistnet.ui import cache, controls, session, widgets

_PICKER = "export-what"


def picker() -> Run | None:
    """The choice of what is exported; the run, or None for the current design."""
    wanted = session.exported.value or _before_any_choice()
    chosen = controls.subject_picker("Run or design", wanted, _PICKER, session.exported.set)
    run = None if chosen == session.CURRENT_DESIGN else cache.chosen(chosen)
    if run and run.state.is_active:
        st.caption(f":material/info: This run still trains: {widgets.epochs_finished(run)}. Exports hold these.")
    return run


def _before_any_choice() -> str:
    """The run that was looked at last, else the newest, else the current design."""
    runs = cache.listed_runs()
    newest = runs[0].id if runs else session.CURRENT_DESIGN
    return session.run_id.value if cache.chosen(session.run_id.value) and session.run_id.value else newest


def material(run: Run | None) -> Material:
    """The material of the run; None: of the current design and recipe."""
    if run is None:
        return Material(session.design.value, session.recipe.value, profile=session.profile.value)
    result = RunResult(run, tuple(cache.metrics(run)), cache.store())
    return Material(run.architecture, run.recipe, result, session.profile.value)
