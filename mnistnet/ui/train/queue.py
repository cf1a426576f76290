"""The other runs that wait or train, on the Train page."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from mnistnet.runs.run import Run, RunState
from mnistnet.ui import app, auth, cache, notifications, run_states, widgets
from mnistnet.ui.train import actions, watchers

_SHOWN_OF_SEARCH = 3  # trainings of one search, each with a line of its own


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
    of_searches = Counter(run.search for run in others if run.search)
    many = {search for search, count in of_searches.items() if count > _SHOWN_OF_SEARCH}
    for run in reversed([run for run in others if run.search not in many]):
        _run(run)
    for search in many:
        _search(search, [run for run in others if run.search == search])


def _run(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        widgets.state_badge(run)
        trial = f" · trial {run.trial} of search {run.search}" if run.search else ""
        st.text(f"{run.id} · {run.name}{trial} · {widgets.epochs_finished(run)}")
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


def _search(search: str, runs: Sequence[Run]) -> None:
    """The runs of one search in a line: it is stopped as a whole, on its page."""
    waiting = sum(run.state is RunState.QUEUED for run in runs)
    said = [f"{waiting} {'trial' if waiting == 1 else 'trials'} of search {search} wait{'s' * (waiting == 1)}"]
    if training := len(runs) - waiting:
        said.append(f"{training} {'is' if training == 1 else 'are'} in training")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(", ".join(said))
        st.button("Show", key=f"show-search-{search}", on_click=actions.show_search, args=(search,))
