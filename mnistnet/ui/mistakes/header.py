"""The top of the Mistakes page: the images, the predictions for them, the accuracy, and the view."""

import streamlit as st

from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.insight.predictions import label_errors
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run, RunState
from mnistnet.ui import cache, controls, session, widgets
from mnistnet.ui.mistakes import filters

_SPLIT, _VIEW = "mistakes-split", "mistakes-view"
_VIEW_TITLES = dict(zip(session.VIEWS, ("Digit by digit", "Compare two", "Calibration"), strict=True))


def split_picker(run: Run) -> SplitName:
    """The choice of one of the splits that the run may be evaluated on."""
    options = run.scorable
    current = session.split.value if session.split.value in options else options[0]
    controls.switch("Images", {option: option for option in options}, current, _SPLIT, _split_chosen)
    return current


def _split_chosen(chosen: SplitName) -> None:
    session.split.set(chosen)
    filters.reset()


def view_picker() -> None:
    """The choice of a view of the page."""
    controls.switch("View", _VIEW_TITLES, session.view.value, _VIEW, session.view.set, named=False)


def evaluation(run: Run, split: SplitName) -> Evaluation | None:
    """The run's predictions, or a sentence that says why there are none."""
    try:
        return cache.evaluation(run, split)
    except MnistnetError as error:
        widgets.problem(error)
        return None


def score(evaluation: Evaluation, run: Run, split: SplitName) -> None:
    """The accuracy; also without the labels that people judged wrong, where the labels were checked."""
    # A training that has not ended with these weights: the accuracy has the epoch that they are of.
    title = "Accuracy" if run.state is RunState.DONE else f"Accuracy after epoch {run.epochs_done}"
    widgets.score(title, evaluation.score, widgets.split_title(run, split))
    if label_errors.covers(run.recipe.dataset, split):
        clean = label_errors.without_validated(evaluation)
        st.caption(
            f"{clean.errors} errors without the {len(label_errors.VALIDATED)} labels judged wrong by people "
            f"([source]({label_errors.SOURCE})): {clean.accuracy:.2%}."
        )


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
