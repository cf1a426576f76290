"""The other runs that wait or train, on the Train page."""

import streamlit as st

from mnistnet.runs.run import Run
from mnistnet.ui import app, auth, cache, notifications, run_states, widgets
from mnistnet.ui.train import actions, watchers


def queue(shown: Run) -> None:
    """The runs beside `shown` that wait or train, kept up to date while there are any."""
    busy = any(run.state.is_active for run in cache.snapshot().runs)
    st.fragment(_queue, run_every=watchers.tick_seconds() if busy else None)(shown.id)


def _queue(shown_id: str) -> None:
    run_states.refresh()
    if app.is_leaving() or notifications.has_messages():
        st.rerun()
    others = [run for run in cache.snapshot().runs if run.state.is_active and run.id != shown_id]
    if not others:
        return
    st.subheader("Also queued or running", anchor=False)
    for run in reversed(others):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            widgets.state_badge(run)
            st.text(f"{run.id} · {run.name} · {widgets.epochs_finished(run)}")
            st.button("Show", key=f"show-{run.id}", on_click=actions.show, args=(run.id,))
            objection = auth.objection(run)
            st.button(
                "Stop",
                key=f"stop-{run.id}",
                on_click=actions.stop,
                args=(run.id,),
                disabled=run.stop_requested or objection is not None,
                help=objection,
            )
