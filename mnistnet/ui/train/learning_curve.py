"""The learning curve of a run on the Train page, and the run's rank among comparable runs."""

from copy import deepcopy
from typing import Any

import streamlit as st

from mnistnet import gallery
from mnistnet.charts import curves
from mnistnet.insight.predictions import peers
from mnistnet.insight.predictions.peers import BandPoint, PeerBand
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.ui import cache, session, widgets

_VIEW = "curve-view"


def view_picker() -> None:
    """The choice of what the curve shows."""
    st.segmented_control(
        "Curve", curves.VIEWS, default=curves.VIEWS[0], key=_VIEW, required=True, persist_state="session", wrap=True
    )


def learning_curve(run_id: str) -> None:
    """The curve of the stored epochs and of the samples within them; nothing before the first sample."""
    run = cache.chosen(run_id)
    rows = cache.metrics(run) if run else []
    samples = cache.samples(run) if run else []
    if run and (rows or samples):
        view = st.session_state.get(_VIEW) or curves.VIEWS[0]
        target = session.profile.value.accuracy if run.recipe.dataset == "mnist" else None
        band = peers.peer_band(run, list(gallery.entries().values()))
        spec = _specification(
            run.id, run.attempt, len(rows), target, view, widgets.ink(), bool(samples), run, rows, band.band
        )
        drawn = curves.with_samples(deepcopy(spec), samples, view)
        st.vega_lite_chart(spec=drawn, key="curve", alt=curves.takeaway(rows, view))
        if samples and view != "learning rate":
            st.caption("Thin line: the training batches as they are trained on.")
        if rows:
            _standing(band, rows, view, target)


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


def _standing(band: PeerBand, rows: list[EpochMetrics], view: str, target: float | None) -> None:
    """The run's rank among comparable runs, with a warning where it is low and the goal is not reached."""
    standing = band.standing(rows)
    if standing is None:
        return
    like = f"{standing.total} gallery runs of {', '.join(band.names)}"
    sentence = f"After epoch {standing.epoch}, {standing.better} of {like} had a higher validation accuracy."
    is_drawn = view in ("accuracy", "error (log)") and len(rows) > 1  # one epoch is a point, and has no band
    shade = " The grey band shows their range." if is_drawn else ""
    reaches_goal = target is not None and rows[-1].validation_accuracy >= target
    if standing.is_far_below and standing.epoch > 1 and not reaches_goal:
        st.warning(f"{sentence}{shade} Check its design and its learning rate.", icon=":material/trending_down:")
    else:
        st.caption(f"{sentence}{shade}")
