"""The filters of the Mistakes page, and the mistakes that pass them."""

from collections.abc import Sequence

import streamlit as st

from mnistnet.data import datasets
from mnistnet.insight.predictions.evaluation import Evaluation, Mistake
from mnistnet.insight.predictions.selection import ORDERS, Selection
from mnistnet.runs.run import Run
from mnistnet.ui import controls, session

_TRUTH, _GUESS = "filter-truth", "filter-guess"
_ORDER, _CONFIDENCE, _ALMOST = "filter-order", "filter-sure", "filter-almost"
ANY = "any"
_ALL_CONFIDENCES = (0, 100)


def filters(run: Run) -> None:
    """The controls: true and predicted class, order, confidence, second choice."""
    classes = datasets.source(run.recipe.dataset).classes
    truth, guess, order = st.columns([0.27, 0.27, 0.46])
    for column, box, label in ((truth, _TRUTH, "True label"), (guess, _GUESS, "Predicted")):
        if st.session_state.get(box) not in (ANY, *classes):
            st.session_state[box] = ANY
        current = [ANY, *classes].index(st.session_state[box])
        column.selectbox(label, [ANY, *classes], current, key=box, on_change=_changed)
    ordered = st.session_state.setdefault(_ORDER, ORDERS[0])
    order.selectbox("Order", ORDERS, ORDERS.index(ordered), key=_ORDER, on_change=_changed)
    interval = st.session_state.setdefault(_CONFIDENCE, _ALL_CONFIDENCES)
    st.slider("Confidence, %", *_ALL_CONFIDENCES, interval, key=_CONFIDENCE, on_change=_changed)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        almost = st.session_state.setdefault(_ALMOST, False)
        help_ = "Only mistakes where the class with the second highest probability is the true label."
        st.toggle("Second choice correct", almost, key=_ALMOST, on_change=_changed, help=help_)
        st.button("Reset filters", on_click=reset, icon=":material/filter_alt_off:")


def set_classes(truth: str, guess: str) -> None:
    """Show the mistakes of one true and one predicted class, each by its name, or ANY."""
    st.session_state[_TRUTH] = truth
    st.session_state[_GUESS] = guess
    session.digit.set(None)


def _changed() -> None:
    session.digit.set(None)
    controls.reset_selection()


def reset() -> None:
    """Set all filters back, except the order."""
    st.session_state.update({_TRUTH: ANY, _GUESS: ANY, _CONFIDENCE: _ALL_CONFIDENCES, _ALMOST: False})
    _changed()


def selection(classes: Sequence[str]) -> Selection:
    """The filters as they are set; `classes` has the names of the classes."""
    chosen = st.session_state
    truth, guess = chosen.get(_TRUTH, ANY), chosen.get(_GUESS, ANY)
    low, high = chosen.get(_CONFIDENCE, _ALL_CONFIDENCES)
    return Selection(
        None if truth == ANY else classes.index(truth),
        None if guess == ANY else classes.index(guess),
        low / 100,
        high / 100,
        almost=chosen.get(_ALMOST, False),
        order=chosen.get(_ORDER, ORDERS[0]),
    )


def filtered(evaluation: Evaluation, run: Run) -> list[Mistake]:
    """The mistakes that pass all filters, in the chosen order."""
    return selection(datasets.source(run.recipe.dataset).classes).of(evaluation)
