"""The learning-rate range test of the Review page: made when asked for, drawn, and taken over with a click."""

import streamlit as st

from mnistnet.charts.range_test import range_chart, takeaway
from mnistnet.data import datasets
from mnistnet.errors import MnistnetError
from mnistnet.insight.network.steps import Steps
from mnistnet.runs import limits
from mnistnet.training import range_test as ranges
from mnistnet.training.range_test import Sweep
from mnistnet.ui import computations, notifications, session, widgets
from mnistnet.ui.computations import Key
from mnistnet.ui.review.subject import Reviewed

_ASKED, _FINISHED = "_review-range-asked", "_review-range"
_DOING = "Training at growing learning rates"


def _key(reviewed: Reviewed) -> Key:
    return "range test", reviewed.architecture, reviewed.recipe.changed(learning_rate=1.0)


def finished(reviewed: Reviewed) -> Sweep | None:
    """The range test that this session has made of this design and recipe; None where it has made none."""
    key, sweep = st.session_state.get(_FINISHED, (None, None))
    return sweep if key == _key(reviewed) else None


def range_test(reviewed: Reviewed, sweep: Sweep | None) -> None:
    """The button that makes the test, its progress, and its result."""
    st.subheader("Which learning rates?", anchor=False)
    st.caption(
        f"A range test trains a new network for at most {ranges.STEPS} batches, at a rate that grows from batch to "
        "batch, and stores nothing. Below the range the loss hardly falls, above it the loss rises."
    )
    if sweep:
        _result(reviewed, sweep)
        return
    key = _key(reviewed)
    st.button("Run the range test", key="run-range-test", icon=":material/timeline:", on_click=_ask, args=(key,))
    if st.session_state.get(_ASKED) == key:
        _compute(key, reviewed)


def _ask(key: Key) -> None:
    st.session_state[_ASKED] = key


def _compute(key: Key, reviewed: Reviewed) -> None:
    try:
        limits.require_allowed(reviewed.architecture, reviewed.recipe)
        sweep = computations.result(key, lambda: _sweep(reviewed), _DOING)
    except MnistnetError as error:
        widgets.problem(error)
        return
    st.session_state[_FINISHED] = key, sweep
    st.rerun()  # the answer above shows the range as well


def _sweep(reviewed: Reviewed) -> Steps[Sweep]:
    images = datasets.load(reviewed.recipe.dataset, fetch=False)
    return (yield from ranges.sweep(reviewed.architecture, reviewed.recipe, images))


def _result(reviewed: Reviewed, sweep: Sweep) -> None:
    found = sweep.range
    if len(sweep.rates) > 1:
        widgets.draw(range_chart(sweep, reviewed.recipe.learning_rate), "range-chart", takeaway(sweep))
    ended = f" The loss diverged at {sweep.rates[-1]:.2g}." if sweep.diverged and sweep.rates else ""
    if found is None:
        st.markdown(f"No range: the loss never clearly fell.{ended} Change the design or the optimizer.")
        return
    peak = found.peak(reviewed.recipe)
    st.markdown(f"Range: **{found.low:.2g} to {found.high:.2g}**.{ended}")
    st.caption(
        "Points: loss of each batch. Line: smoothed. Shaded: the range. Dashed: the recipe's learning rate. "
        f"{_why(reviewed)}"
    )
    st.button(
        f"Use {peak:g} as peak learning rate",
        key="use-peak",
        type="primary",
        disabled=peak == reviewed.recipe.learning_rate,
        on_click=_use,
        args=(reviewed, peak),
    )


def _why(reviewed: Reviewed) -> str:
    if reviewed.recipe.schedule == "constant":
        return "For a constant rate the geometric middle of the range is taken: no end at low rates follows."
    return (
        "For a schedule that falls to 0 the upper end is taken as its peak, as Smith and Topin (2018) do for one cycle."
    )


def _use(reviewed: Reviewed, peak: float) -> None:
    if reviewed.run:
        session.design.set(reviewed.architecture)
        session.reviewed.set(session.CURRENT_DESIGN)
    session.recipe.set(reviewed.recipe.changed(learning_rate=peak))
    if session.recipe.value.learning_rate == peak:  # a running lesson may hold it, and says so
        notifications.toast(f"The peak learning rate of the current recipe is now {peak:g}.")
