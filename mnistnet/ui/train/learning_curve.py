"""The learning curves of a run on the Train page, and the run's rank among comparable runs."""

from copy import deepcopy
from typing import Any

import streamlit as st

from mnistnet import gallery
from mnistnet.charts import curves
from mnistnet.insight.predictions import peers
from mnistnet.insight.predictions.peers import BandPoint, PeerBand
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.ui import cache, session, widgets

# The charts side by side, by the key of what each shows: its name, and the views to choose from.
_CHARTS: dict[str, tuple[str, tuple[curves.View, ...]]] = {
    "curve-view": ("Accuracy or error", curves.VIEWS[:2]),
    "second-curve-view": ("Loss or learning rate", curves.VIEWS[2:]),
}


def view_pickers() -> None:
    """The choice of what each curve shows."""
    for column, (key, (name, views)) in zip(st.columns(2, gap="medium"), _CHARTS.items(), strict=True):
        column.segmented_control(
            name, views, default=views[0], key=key, required=True, persist_state="session", wrap=True
        )


def learning_curve(run_id: str) -> None:
    """The curves of the stored epochs and of the samples within them; nothing before the first sample."""
    run = cache.chosen(run_id)
    rows = cache.metrics(run) if run else []
    samples = cache.samples(run) if run else []
    if run is None or not (rows or samples):
        return
    target = session.profile.value.accuracy if run.recipe.dataset == "mnist" else None
    band = peers.peer_band(run, list(gallery.entries().values()))
    for column, (key, (_, views)) in zip(st.columns(2, gap="medium"), _CHARTS.items(), strict=True):
        view = st.session_state.get(key) or views[0]
        spec = _specification(
            run.id, run.attempt, len(rows), target, view, widgets.ink(), bool(samples), run, rows, band.band
        )
        drawn = curves.with_samples(deepcopy(spec), samples, view)
        column.vega_lite_chart(spec=drawn, key=f"{key}-chart", alt=curves.takeaway(rows, view))
    if samples:
        st.caption("Thin lines: the training batches as they are trained on.")
    if rows:
        _standing(band, rows, target)


@st.cache_resource(max_entries=64, show_spinner=False)
def _specification(
    run_id: str,
    attempt: int,
    epochs_done: int,
    target: float | None,
    view: curves.View,
    ink: str,
    has_samples: bool,
    _run: Run,
    _rows: list[EpochMetrics],
    _band: list[BandPoint],
) -> dict[str, Any]:
    """The curve as Vega-Lite, which takes 50 ms: made once for all sessions that watch the same epochs."""
    return widgets.specification(
        curves.curves(_rows, _run.recipe.epochs, target, view, _band, has_samples=has_samples), ink
    )


def _standing(band: PeerBand, rows: list[EpochMetrics], target: float | None) -> None:
    """The run's rank among comparable runs, with a warning where it is low and the goal is not reached."""
    standing = band.standing(rows)
    if standing is None:
        return
    like = f"{standing.total} gallery runs of {', '.join(band.names)}"
    sentence = f"After epoch {standing.epoch}, {standing.better} of {like} had a higher validation accuracy."
    shade = " The grey band shows their range." if len(rows) > 1 else ""  # one epoch is a point, and has no band
    reaches_goal = target is not None and rows[-1].validation_accuracy >= target
    if standing.is_far_below and standing.epoch > 1 and not reaches_goal:
        st.warning(f"{sentence}{shade} Check its design and its learning rate.", icon=":material/trending_down:")
    else:
        st.caption(f"{sentence}{shade}")
