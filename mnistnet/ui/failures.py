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
from mnistnet.nets.geometry import IMAGE_SIZE
from mnistnet.runs.predictions import Probabilities, SplitName
from mnistnet.runs.run import Run
from mnistnet.ui import components, readers, state

_TRUTH, _GUESS, _SPLIT = "filter-truth", "filter-guess", "mistakes-split"
_ANY = "any"
_PER_PAGE = 48
_TIMES = 10


def split_picker(run: Run) -> SplitName:
    """Which of the images that the run may be scored on."""
    options = run.scorable
    current = state.split() if state.split() in options else options[0]
    key = state.control(_SPLIT, current)
    st.segmented_control("Images", options, default=current, key=key, required=True, on_change=_split_chosen)
    return current


def _split_chosen() -> None:
    state.choose_split(st.session_state[_SPLIT])
    _new_filter()


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
    key = state.clickable("confusion")
    components.draw(
        charts.confusion(evaluation.confusion, classes),
        key,
        f"Confusion matrix: {_worst_pair(evaluation, classes)}",
        on_select=partial(_cell_chosen, key),
        selection_mode=charts.CELL,
    )
    truth, guess, reset = st.columns([0.4, 0.4, 0.2], vertical_alignment="bottom")
    for column, box, label in ((truth, _TRUTH, "Truth"), (guess, _GUESS, "Guess")):
        if st.session_state.get(box) not in (_ANY, *classes):
            st.session_state[box] = _ANY
        column.selectbox(label, [_ANY, *classes], key=box, on_change=_box_chosen)
    reset.button("Reset", on_click=_new_filter, icon=":material/filter_alt_off:")


def _cell_chosen(key: str) -> None:
    cells = st.session_state[key]["selection"].get(charts.CELL, [])
    st.session_state[_TRUTH] = cells[0]["truth"] if cells else _ANY
    # The diagonal holds no mistakes: a click there asks for all of that digit's.
    off_diagonal = cells and cells[0]["guess"] != cells[0]["truth"]
    st.session_state[_GUESS] = cells[0]["guess"] if off_diagonal else _ANY
    state.choose_digit(None)


def _box_chosen() -> None:
    state.choose_digit(None)
    state.unclick()


def _new_filter() -> None:
    st.session_state[_TRUTH] = st.session_state[_GUESS] = _ANY
    _box_chosen()


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
    key = state.clickable(f"gallery-{page}")
    components.draw(
        charts.gallery([all_images[mistake.index] for mistake in part], part, classes, state.digit()),
        key,
        f"{len(part)} wrong digits, the most confident first",
        on_select=partial(_digit_chosen, key),
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
    _steps([mistake.index for mistake in shown], index, len(all_images))
    row = evaluation.predictions.probabilities[index]
    _portrait(all_images[index], row, int(evaluation.predictions.labels[index]), index, run)
    st.button(
        "What each layer sees of this digit",
        icon=":material/center_focus_strong:",
        key="see-fields",
        on_click=state.see_fields,
        args=(run.id, index),
    )


def _steps(places: Sequence[int], index: int, total: int) -> None:
    """The image's number, and the way to the mistakes before and after it."""
    here = places.index(index) if index in places else None
    before = places[-1] if here is None else places[here - 1]
    after = places[0] if here is None else places[(here + 1) % len(places)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = state.control("digit-picker", index)
        st.number_input("Image", 0, total - 1, index, key=key, on_change=_typed, width=240)
        for label, icon, shortcut, place in (
            ("Previous", "chevron_left", "Left", before),
            ("Next", "chevron_right", "Right", after),
        ):
            st.button(
                label,
                icon=f":material/{icon}:",
                shortcut=shortcut,
                on_click=_step_to,
                args=(place,),
                disabled=place == index,
            )


def _portrait(image: Bytes, row: Probabilities, truth: int, index: int, run: Run) -> None:
    classes = datasets.source(run.recipe.dataset).classes
    guess = int(row.argmax())
    picture, bars = st.columns([0.4, 0.6])
    picture.image(
        enlarged(image, _TIMES),
        width=IMAGE_SIZE * _TIMES,
        alt=f"image {index}: a {classes[truth]}, taken for {classes[guess]}",
    )
    with bars:
        outcome = "right" if truth == guess else "wrong"
        st.markdown(f"**Truth {classes[truth]}, guess {classes[guess]}** ({outcome}), {row[guess]:.1%} sure")
        components.draw(
            charts.probabilities(row, truth, classes),
            "probabilities",
            f"Ten probabilities: {classes[guess]} {row[guess]:.1%}, the truth {classes[truth]} {row[truth]:.1%}",
        )


def _typed() -> None:
    _step_to(int(st.session_state["digit-picker"]))


def _step_to(index: int) -> None:
    state.choose_digit(index)
    state.unclick()
