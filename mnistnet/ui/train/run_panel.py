"""The part of the Train page below the curve: what to do with a run next, and how to delete it."""

import os
import shlex

import streamlit as st

from mnistnet.runs.run import Run, RunState
from mnistnet.ui import app, auth, cache, session, url, widgets
from mnistnet.ui.train import actions
from mnistnet.ui.train.further import further_panel

_LOG_LINES, _LOG_BYTES = 20, 16 * 1024  # a longer line loses its beginning


def run_panel(run: Run) -> None:
    """Links to its mistakes, receptive fields and design, the log where it failed, and the command line."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if run.epochs_done:
            st.button("See its mistakes", icon=":material/search:", on_click=app.go_to, args=("pages/mistakes.py",))
        st.button(
            "See its receptive fields",
            icon=":material/center_focus_strong:",
            on_click=app.show_receptive_fields,
            args=(run.id,),
        )
        st.button("Export", icon=":material/ios_share:", on_click=app.show_export, args=(run.id,))
        st.button("Open its design", icon=":material/edit:", on_click=actions.open_design, args=(run.id,))
        url.copy_link("this run on this dashboard", {session.run_id: run.id})
        if run.state is RunState.DONE and not run.is_of_gallery:
            further_panel(run)
        if not run.state.is_active:
            _deletion(run)
    if run.state is RunState.FAILED:
        st.caption("Last lines of its log:")
        st.code(log_tail(run) or run.message, language=None)
    with st.expander("On the command line", icon=":material/terminal:"):
        folder = cache.store().folder(run.id)
        design, recipe = (shlex.quote(str(folder / name)) for name in ("design.json", "recipe.json"))
        again = f"train {design} --recipe {recipe}"
        if run.started_from:
            recipe_flags = f"--epochs {run.recipe.epochs} --learning-rate {run.recipe.learning_rate:g}"
            again = f"further {run.started_from} {recipe_flags}"
        widgets.command(f"python -m mnistnet {again}", "Train it again:")
        widgets.command(f"python -m mnistnet show {run.id}", "Show this run:")


def _deletion(run: Run) -> None:
    """A button that deletes the run, after a question."""
    with st.popover("Delete", icon=":material/delete:", key=f"deletion-{run.id}"):
        st.markdown(f"Run `{run.id}`: deletes its curve, its weights and all its other files. This cannot be undone.")
        objection = auth.objection(run)
        st.button(
            "Delete this run",
            key=f"delete-{run.id}",
            disabled=objection is not None,
            help=objection,
            on_click=actions.delete,
            args=(run.id,),
        )


def log_tail(run: Run) -> str:
    """The last 20 lines that the run's process printed; empty where there is no log."""
    try:
        with (cache.store().folder(run.id) / "log.txt").open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(0, end - _LOG_BYTES))
            text = log.read(_LOG_BYTES).decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])
