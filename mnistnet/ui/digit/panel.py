"""One digit in depth: probabilities, a doubtful label, and a choice of explanations."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnistnet.charts import mistakes as charts
from mnistnet.charts.pictures import enlarged
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.insight.predictions import label_errors
from mnistnet.insight.predictions.evaluation import Evaluation, Mistake
from mnistnet.nets.summary import IMAGE_SIZE
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run
from mnistnet.runs.sources import GALLERY
from mnistnet.ui import app, controls, network_cache, session, url, widgets
from mnistnet.ui.digit import views
from mnistnet.ui.digit.explanation import explanation_view
from mnistnet.ui.digit.prediction import Prediction

_QUESTION = "digit-question"
_TIMES = 9
_TITLES = dict(zip(session.QUESTIONS, ("Why", "Feature maps", "Saliency", "Similar training digits"), strict=True))
_VIEWS = dict(
    zip(
        session.QUESTIONS,
        (explanation_view, views.feature_maps_view, views.saliency_view, views.similar_digits_view),
        strict=True,
    )
)


def digit_panel(
    beside: DeltaGenerator, shown: Sequence[Mistake], evaluation: Evaluation, images: Bytes, run: Run, split: SplitName
) -> None:
    """The chosen digit, else the first of `shown`, in `beside`, next to the gallery; explanations across the page.

    Buttons and arrow keys go to the next and the previous one.
    """
    index = session.digit.value
    if index is None or index >= len(images):
        index = shown[0].index
    row = evaluation.predictions.probabilities[index]
    prediction = Prediction(run, images[index], row, int(evaluation.predictions.labels[index]))
    with beside:
        st.subheader("One digit in depth", anchor=False)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _steps([mistake.index for mistake in shown], index, len(images))
            _link(run, split, index)
        _picture_and_probabilities(prediction, index, label_errors.covers(run.recipe.dataset, split))
    explanations(prediction, index)
    st.button(
        "Receptive fields on this digit",
        icon=":material/center_focus_strong:",
        key="see-fields",
        on_click=app.show_receptive_fields,
        args=(run.id, index),
    )


def explanations(prediction: Prediction, index: int | None = None) -> None:
    """A choice of explanations, and the one chosen last.

    A choice also fixes the digit with this index: while a run trains, its first mistake changes with each epoch.
    """

    def choose(question: str) -> None:
        session.question.set(question)
        if index is not None:
            session.digit.set(index)

    current = session.question.value
    controls.switch("Explain this digit", _TITLES, current, _QUESTION, choose)
    try:
        _VIEWS[current](prediction)
    except MnistnetError as error:
        widgets.problem(error)


def _steps(places: Sequence[int], index: int, total: int) -> None:
    """The index of the image, and buttons for the previous and the next mistake."""
    here = places.index(index) if index in places else None
    before = places[-1] if here is None else places[here - 1]
    after = places[0] if here is None else places[(here + 1) % len(places)]
    key = controls.control("digit-picker", index)
    st.number_input("Image", 0, total - 1, index, key=key, on_change=_typed, width=160)
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


def _link(run: Run, split: SplitName, index: int) -> None:
    url.copy_link(
        "this digit with the prediction of this run and this explanation",
        {
            session.run_id: run.id,
            session.split: split,
            session.digit: index,
            session.view: session.view.value,
            session.question: session.question.value,
        },
    )


def _typed() -> None:
    _step_to(int(st.session_state["digit-picker"]))


def _step_to(index: int) -> None:
    session.digit.set(index)
    controls.reset_selection()


def _picture_and_probabilities(prediction: Prediction, index: int, labels_were_checked: bool) -> None:
    classes, guess, confidence = prediction.classes, prediction.guess, f"{prediction.confidence:.1%}"
    truth = guess if prediction.truth is None else prediction.truth
    picture, bars = st.columns([0.4, 0.6])
    picture.image(
        enlarged(prediction.image, _TIMES),
        width=IMAGE_SIZE * _TIMES,
        alt=f"Image {index}: true label {classes[truth]}, predicted {classes[guess]}",
    )
    with bars:
        outcome = "correct" if truth == guess else "wrong"
        st.markdown(f"**True label {classes[truth]}, predicted {classes[guess]}** ({outcome}), confidence {confidence}")
        if labels_were_checked:
            _doubtful_label(index, classes)
        widgets.draw(
            charts.probabilities(prediction.probabilities, truth, classes),
            "probabilities",
            f"Ten probabilities: predicted {classes[guess]} {confidence}, true label {classes[truth]} "
            f"{prediction.probabilities[truth]:.1%}",
        )


def _doubtful_label(index: int, classes: Sequence[str]) -> None:
    if refuted := label_errors.VALIDATED.get(index):
        votes = f"{refuted.for_proposed} chose {classes[refuted.proposed]}, {refuted.for_neither} chose neither"
        st.warning(
            f"This label was judged wrong by people: of {label_errors.VOTERS} who were asked, {refuted.for_label} "
            f"chose {classes[refuted.label]}, {votes} ([Northcutt et al., 2021]({label_errors.SOURCE})).",
            icon=":material/label_off:",
        )
    elif (agreed := network_cache.agreed_mistakes().get(index)) is not None:
        st.info(
            f"All {len(GALLERY.runs())} networks of the gallery predict {classes[agreed]} here: the digit is "
            "hard, or its label is wrong. People were not asked about this label.",
            icon=":material/groups:",
        )
