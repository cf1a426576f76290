"""The Mistakes page's pieces: filters with their chart twins, the gallery, one digit in depth."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from mnistnet.charts import mistakes as charts
from mnistnet.charts.pictures import enlarged
from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.insight.evaluation import Evaluation, Mistake
from mnistnet.runs.predictions import SplitName
from mnistnet.runs.run import Run, State
from mnistnet.ui import components, readers, state

_TRUTH, _GUESS, _SPLIT = "filter-truth", "filter-guess", "mistakes-split"
_ANY = "any"
_PER_PAGE = 48
_TIMES = 10


def split_picker(run: Run) -> SplitName:
    """Which images: the test set, or the validation part while the test set is not to be touched yet."""
    options: list[SplitName] = ["test"] if run.recipe.protocol == "course" else ["test", "validation"]
    if run.state is not State.DONE and run.recipe.protocol == "holdout":
        options = ["validation"]
    if st.session_state.get(_SPLIT) not in options:
        st.session_state[_SPLIT] = options[0]
    chosen = st.segmented_control("Images", options, key=_SPLIT, required=True, on_change=_new_filter)
    return chosen or options[0]


def split_title(run: Run, split: SplitName) -> str:
    """How the split is called beside a figure, with the data set and what else must be known of it."""
    data = datasets.source(run.recipe.dataset).title
    course = "; also validated on, every epoch" if run.recipe.protocol == "course" else ""
    return f"{split} {'set' if split == 'test' else 'part'} of {data}{course}"


def evaluation(run: Run, split: SplitName) -> Evaluation | None:
    """The run's answers, or a sentence that says why there are none."""
    try:
        return readers.evaluation(run, split)
    except MnistnetError as error:
        st.error(components.plain(str(error)), icon=":material/error:")
        return None


def images(run: Run, split: SplitName) -> Bytes | None:
    """The images that were answered, or a sentence that says how to have them."""
    try:
        return readers.images(run.recipe.dataset, run.recipe.protocol, split)
    except MnistnetError as error:
        st.error(components.plain(f"The answers are here, the images are not: {error}"), icon=":material/error:")
        return None


def matrix(evaluation: Evaluation, run: Run) -> None:
    """The confusion matrix; a click on a cell is a choice in the two boxes below it."""
    classes = datasets.source(run.recipe.dataset).classes
    components.draw(
        charts.confusion(evaluation.confusion, classes),
        "confusion",
        f"Confusion matrix: {_worst_pair(evaluation, classes)}",
        on_select=_cell_chosen,
        selection_mode=charts.CELL,
    )
    truth, guess, reset = st.columns([0.4, 0.4, 0.2], vertical_alignment="bottom")
    for column, key, label in ((truth, _TRUTH, "Truth"), (guess, _GUESS, "Guess")):
        if st.session_state.get(key) not in (_ANY, *classes):
            st.session_state[key] = _ANY
        column.selectbox(label, [_ANY, *classes], key=key, on_change=_none_chosen)
    reset.button("Reset", on_click=_new_filter, icon=":material/filter_alt_off:")


def _cell_chosen() -> None:
    cells = st.session_state["confusion"]["selection"].get(charts.CELL, [])
    st.session_state[_TRUTH] = cells[0]["truth"] if cells else _ANY
    st.session_state[_GUESS] = cells[0]["guess"] if cells else _ANY
    _none_chosen()


def _new_filter() -> None:
    st.session_state[_TRUTH] = st.session_state[_GUESS] = _ANY
    _none_chosen()


def _none_chosen() -> None:
    state.choose_digit(None)


def _filter() -> tuple[str, str]:
    return st.session_state.get(_TRUTH, _ANY), st.session_state.get(_GUESS, _ANY)


def _worst_pair(evaluation: Evaluation, classes: Sequence[str]) -> str:
    counts = evaluation.confusion.copy()
    counts[range(len(counts)), range(len(counts))] = 0
    truth, guess = divmod(int(counts.argmax()), len(counts))
    return f"most often {classes[truth]} is taken for {classes[guess]}, {counts[truth, guess]} times"


def filtered(evaluation: Evaluation, run: Run) -> list[Mistake]:
    """The mistakes that the two boxes let through, the most confident first."""
    classes = datasets.source(run.recipe.dataset).classes
    truth, guess = _filter()
    return [
        mistake
        for mistake in evaluation.mistakes
        if truth in (_ANY, classes[mistake.label]) and guess in (_ANY, classes[mistake.predicted])
    ]


def gallery(shown: Sequence[Mistake], all_images: Bytes, run: Run) -> None:
    """The wrong digits, most confident first; a click opens one below."""
    if not shown:
        with st.container(border=True):
            st.markdown("No mistake of this kind.")
            st.button("Show all mistakes", on_click=_new_filter)
        return
    pages = -(-len(shown) // _PER_PAGE)
    page = 1
    if pages > 1:
        # A page belongs to its filter: another filter begins at its first page.
        page = st.pagination(pages, key="gallery-page-" + "-".join(_filter()))
    part = shown[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    classes = datasets.source(run.recipe.dataset).classes
    components.draw(
        charts.gallery([all_images[mistake.index] for mistake in part], part, classes),
        f"gallery-{page}",
        f"{len(part)} wrong digits, the most confident first",
        on_select=partial(_digit_chosen, f"gallery-{page}"),
        selection_mode=charts.DIGIT,
    )


def _digit_chosen(key: str) -> None:
    chosen = st.session_state[key]["selection"].get(charts.DIGIT, [])
    if chosen:
        state.choose_digit(int(chosen[0]["index"]))


def in_depth(shown: Sequence[Mistake], evaluation: Evaluation, all_images: Bytes, run: Run) -> None:
    """One digit: enlarged, with its ten probabilities; the next and the one before by button or key."""
    index = state.digit()
    if index is None or index >= len(all_images):
        index = shown[0].index
    classes = datasets.source(run.recipe.dataset).classes
    places = [mistake.index for mistake in shown]
    place = places.index(index) if index in places else 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = state.control("digit-picker", index)
        st.number_input("Image", 0, len(all_images) - 1, key=key, on_change=_typed, width=240)
        st.button(
            "Previous",
            icon=":material/chevron_left:",
            shortcut="Left",
            on_click=state.choose_digit,
            args=(places[place - 1],),
            disabled=len(places) < 2,
        )
        st.button(
            "Next",
            icon=":material/chevron_right:",
            shortcut="Right",
            on_click=state.choose_digit,
            args=(places[(place + 1) % len(places)],),
            disabled=len(places) < 2,
        )
    row = evaluation.predictions.probabilities[index]
    truth, guess = int(evaluation.predictions.labels[index]), int(row.argmax())
    outcome = "right" if truth == guess else "wrong"
    picture, bars = st.columns([0.4, 0.6])
    with picture:
        st.image(
            enlarged(all_images[index], _TIMES),
            width=280,
            alt=f"image {index}: a {classes[truth]}, taken for {classes[guess]}",
        )
    with bars:
        st.markdown(f"**Truth {classes[truth]}, guess {classes[guess]}** ({outcome}), {row[guess]:.1%} sure")
        components.draw(
            charts.probabilities(row, truth, classes),
            "probabilities",
            f"Ten probabilities: {classes[guess]} {row[guess]:.1%}, the truth {classes[truth]} {row[truth]:.1%}",
        )
    st.page_link(
        "pages/receptive_fields.py",
        label="What each layer sees of this digit",
        icon=":material/center_focus_strong:",
    )


def _typed() -> None:
    state.choose_digit(int(st.session_state["digit-picker"]))
