"""Several runs as one export, where a format can show them."""

import streamlit as st

from mnistnet.exports.formats import FORMATS
from mnistnet.ui import cache, controls, session, widgets
from mnistnet.ui.export import downloads, subject

_SERIES, _FEWEST = "export-series", 2


def series() -> None:
    """The choice of runs, and a download for each format of several runs; nothing where there is no such format."""
    formats = [form for form in FORMATS.values() if form.write_series]
    if not formats:
        return
    st.subheader("Several runs in one report", anchor=False)
    titles = {run.id: widgets.run_title(run) for run in cache.runs_with_predictions(*session.series.value)}
    chosen = [one for one in session.series.value if one in titles]
    st.multiselect(
        "Runs, in the order of the steps",
        list(titles),
        chosen,
        format_func=titles.__getitem__,
        key=controls.control(_SERIES, chosen),
        max_selections=session.MOST_OF_SERIES,
        on_change=_chosen,
        placeholder="Choose two or more runs",
    )
    runs = [run for run in map(cache.chosen, chosen) if run]
    if len(runs) < _FEWEST:
        st.caption("Each run is one step: its target, what it reached, and what was changed from the step before.")
        return
    materials = [subject.material(run) for run in runs]
    with st.container(horizontal=True):
        for form in formats:
            downloads.button(form, materials, f"Download {form.title.lower()} of {len(runs)} runs")


def _chosen() -> None:
    session.series.set(tuple(st.session_state[_SERIES]))
