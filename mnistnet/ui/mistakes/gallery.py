"""The Mistakes page's first view: the confusion matrix, filters with their chart twins, the gallery."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from mnistnet.charts import mistakes as charts
from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.insight.predictions import label_errors
from mnistnet.insight.predictions.evaluation import Evaluation, Mistake
from mnistnet.insight.predictions.selection import ORDERS, Selection
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run, RunState
from mnistnet.ui import cache, session, url, widgets

_TRUTH, _GUESS, _SPLIT = "filter-truth", "filter-guess", "mistakes-split"
_ORDER, _SURE, _ALMOST = "filter-order", "filter-sure", "filter-almost"
_VIEW = "mistakes-view"
_VIEW_TITLES = dict(zip(url.VIEWS, ("Digit by digit", "Compare two", "Calibration"), strict=True))
_ANY = "any"
_EVERY = (0, 100)
_PER_PAGE = 48


def split_picker(run: Run) -> SplitName:
    """Which of the images that the run may be scored on."""
    options = run.scorable
    current = session.split() if session.split() in options else options[0]
    widgets.switch("Images", {option: option for option in options}, current, _SPLIT, _split_chosen)
    return current


def _split_chosen(chosen: SplitName) -> None:
    session.choose_split(chosen)
    _new_filter()


def view_picker() -> None:
    """The views of the page to choose from."""
    widgets.switch("View", _VIEW_TITLES, session.view(), _VIEW, session.choose_view, named=False)


def evaluation(run: Run, split: SplitName) -> Evaluation | None:
    """The run's predictions, or a sentence that says why there are none."""
    try:
        return cache.evaluation(run, split)
    except MnistnetError as error:
        widgets.problem(error)
        return None


def accuracy_title(run: Run) -> str:
    """The accuracy's name: with the epoch whose weights it is of, where the training has not ended with them."""
    return "Accuracy" if run.state is RunState.DONE else f"Accuracy after epoch {run.epochs_done}"


def images(run: Run, split: SplitName) -> Bytes | None:
    """The images of the split, or a sentence that says how to get them."""
    try:
        return cache.images(run.recipe.dataset, run.recipe.protocol, split)
    except MnistnetError as error:
        st.error(
            widgets.plain(f"The predictions are stored, but the images are not on this machine: {error}"),
            icon=":material/error:",
        )
        return None


def matrix(evaluation: Evaluation, run: Run) -> None:
    """The confusion matrix; a click on a cell is a choice in the two boxes below it."""
    classes = datasets.source(run.recipe.dataset).classes
    key = session.clickable("confusion")
    widgets.draw(
        charts.confusion(evaluation.confusion, classes),
        key,
        f"Confusion matrix: {_worst_pair(evaluation, classes)}",
        on_select=partial(_cell_chosen, key),
        selection_mode=charts.CELL,
    )
    _filters(classes)


def _filters(classes: Sequence[str]) -> None:
    truth, guess, order = st.columns([0.27, 0.27, 0.46])
    for column, box, label in ((truth, _TRUTH, "True label"), (guess, _GUESS, "Predicted")):
        if st.session_state.get(box) not in (_ANY, *classes):
            st.session_state[box] = _ANY
        current = [_ANY, *classes].index(st.session_state[box])
        column.selectbox(label, [_ANY, *classes], current, key=box, on_change=_box_chosen)
    ordered = st.session_state.setdefault(_ORDER, ORDERS[0])
    order.selectbox("Order", ORDERS, ORDERS.index(ordered), key=_ORDER, on_change=_box_chosen)
    interval = st.session_state.setdefault(_SURE, _EVERY)
    st.slider("Confidence, %", *_EVERY, interval, key=_SURE, on_change=_box_chosen)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        almost = st.session_state.setdefault(_ALMOST, False)
        help_ = "Only mistakes where the class with the second highest probability is the true label."
        st.toggle("Second choice correct", almost, key=_ALMOST, on_change=_box_chosen, help=help_)
        st.button("Reset filters", on_click=_new_filter, icon=":material/filter_alt_off:")


def _cell_chosen(key: str) -> None:
    cells = st.session_state[key]["selection"].get(charts.CELL, [])
    truth, guess = (cells[0]["truth"], cells[0]["guess"]) if cells else (_ANY, _ANY)
    # The diagonal holds no mistakes: a click there asks for all of that digit's.
    st.session_state[_TRUTH] = _ANY if truth == charts.ALL else truth
    st.session_state[_GUESS] = _ANY if guess in (charts.ALL, truth) else guess
    session.choose_digit(None)


def _box_chosen() -> None:
    session.choose_digit(None)
    session.reset_selection()


def _new_filter() -> None:
    st.session_state.update({_TRUTH: _ANY, _GUESS: _ANY, _SURE: _EVERY, _ALMOST: False})
    _box_chosen()


def _selection(classes: Sequence[str]) -> Selection:
    chosen = st.session_state
    truth, guess = chosen.get(_TRUTH, _ANY), chosen.get(_GUESS, _ANY)
    low, high = chosen.get(_SURE, _EVERY)
    return Selection(
        None if truth == _ANY else classes.index(truth),
        None if guess == _ANY else classes.index(guess),
        low / 100,
        high / 100,
        almost=chosen.get(_ALMOST, False),
        order=chosen.get(_ORDER, ORDERS[0]),
    )


def _worst_pair(evaluation: Evaluation, classes: Sequence[str]) -> str:
    counts = evaluation.confusion.copy()
    counts[range(len(counts)), range(len(counts))] = 0
    truth, guess = divmod(int(counts.argmax()), len(counts))
    return f"most often {classes[truth]} is predicted as {classes[guess]}, {counts[truth, guess]} times"


def filtered(evaluation: Evaluation, run: Run) -> list[Mistake]:
    """The mistakes that all filters let through, in the order that was chosen."""
    return _selection(datasets.source(run.recipe.dataset).classes).of(evaluation)


def gallery(shown: Sequence[Mistake], all_images: Bytes, run: Run, split: SplitName) -> None:
    """The wrong digits in the order that was chosen; a click opens one below."""
    if not shown:
        with st.container(border=True):
            st.markdown("No mistake matches these filters.")
            st.button("Show all mistakes", on_click=_new_filter)
        return
    classes = datasets.source(run.recipe.dataset).classes
    pages = -(-len(shown) // _PER_PAGE)
    page = 1
    if pages > 1:
        # A page belongs to its filter: another filter begins at its first page.
        page = st.pagination(pages, key=f"gallery-page-{hash(_selection(classes))}")
    part = shown[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    marked = "; ? marks labels judged wrong by people" if label_errors.covers(run.recipe.dataset, split) else ""
    st.caption(f"True label → predicted, with its confidence{marked}.")
    key = session.clickable(f"gallery-{page}")
    doubtful = label_errors.VALIDATED if label_errors.covers(run.recipe.dataset, split) else {}
    widgets.draw(
        charts.gallery([all_images[mistake.index] for mistake in part], part, classes, session.digit(), doubtful),
        key,
        f"{len(part)} of {len(shown)} wrong digits",
        on_select=partial(_digit_chosen, key),
        selection_mode=charts.DIGIT,
    )


def _digit_chosen(key: str) -> None:
    chosen = st.session_state[key]["selection"].get(charts.DIGIT, [])
    if chosen:
        session.choose_digit(int(chosen[0]["index"]))


def without_refuted_labels(evaluation: Evaluation, run: Run, split: SplitName) -> None:
    """The accuracy without the labels that were judged wrong by people."""
    if label_errors.covers(run.recipe.dataset, split):
        clean = label_errors.without_validated(evaluation)
        st.caption(
            f"{clean.errors} errors without the {len(label_errors.VALIDATED)} labels judged wrong by people "
            f"([source]({label_errors.SOURCE})): {clean.accuracy:.2%}."
        )
