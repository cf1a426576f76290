"""The confusion matrix of the Mistakes page; a click on a cell sets the filters."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from mnistnet.charts import mistakes as charts
from mnistnet.data import datasets
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.runs.run import Run
from mnistnet.ui import controls, widgets
from mnistnet.ui.mistakes import filters


def confusion_matrix(evaluation: Evaluation, run: Run) -> None:
    """The confusion matrix; a click on a cell chooses its classes in the filters."""
    classes = datasets.source(run.recipe.dataset).classes
    key = controls.clickable("confusion")
    widgets.draw(
        charts.confusion(evaluation.confusion, classes),
        key,
        f"Confusion matrix: {_worst_pair(evaluation, classes)}",
        on_select=partial(_cell_chosen, key),
        selection_mode=charts.CELL,
    )


def _cell_chosen(key: str) -> None:
    cells = st.session_state[key]["selection"].get(charts.CELL, [])
    truth, guess = (cells[0]["truth"], cells[0]["guess"]) if cells else (filters.ANY, filters.ANY)
    # The diagonal holds no mistakes: a click there asks for all mistakes of that class.
    filters.set_classes(
        filters.ANY if truth == charts.ALL else truth, filters.ANY if guess in (charts.ALL, truth) else guess
    )


def _worst_pair(evaluation: Evaluation, classes: Sequence[str]) -> str:
    counts = evaluation.confusion.copy()
    counts[range(len(counts)), range(len(counts))] = 0
    truth, guess = divmod(int(counts.argmax()), len(counts))
    return f"most often {classes[truth]} is predicted as {classes[guess]}, {counts[truth, guess]} times"
