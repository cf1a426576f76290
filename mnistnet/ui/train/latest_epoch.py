"""The part of the Train page about the latest epoch: the validation digits that are wrong now, accuracy by class."""

import streamlit as st

from mnistnet.charts import mistakes as charts
from mnistnet.data import datasets
from mnistnet.errors import MnistnetError
from mnistnet.insight.predictions.epoch_changes import EpochChanges
from mnistnet.insight.predictions.evaluation import Mistake
from mnistnet.runs.run import Run
from mnistnet.ui import cache, widgets

_SHOWN = 24  # three rows


def latest_epoch(run_id: str) -> None:
    """The wrong digits after the latest epoch, the new ones first, and the accuracy on each class.

    Nothing before the first epoch, and for a run whose answers after each epoch were not stored.
    """
    run = cache.chosen(run_id)
    answers = cache.answers_of_epoch(run, run.epochs_done) if run and run.epochs_done else None
    if run is None or answers is None:
        return
    changes = EpochChanges(answers, cache.answers_of_epoch(run, run.epochs_done - 1) if run.epochs_done > 1 else None)
    classes = datasets.source(run.recipe.dataset).classes
    digits, by_class = st.columns([0.62, 0.38], gap="medium")
    with digits:
        _digits(run, changes, classes)
    with by_class:
        st.subheader("Accuracy by class", anchor=False)
        worst = min(range(len(classes)), key=changes.accuracies.__getitem__)
        widgets.draw(
            charts.accuracy_by_class(changes.accuracies, classes),
            "by-class",
            f"Lowest on {classes[worst]}: {changes.accuracies[worst]:.2%}",
        )


def _digits(run: Run, changes: EpochChanges, classes: tuple[str, ...]) -> None:
    wrong = [*changes.newly_wrong, *changes.still_wrong]
    st.subheader(f"Wrong after epoch {run.epochs_done}", anchor=False)
    st.caption(_sentence(changes, len(wrong)))
    if wrong:
        new = min(len(changes.newly_wrong), _SHOWN)
        _pictures(run, wrong[:_SHOWN], classes, new, "wrong-now", f"{len(wrong)} wrong digits, {new} of them new")
    if changes.newly_right:
        st.markdown("**Newly right**")
        shown = changes.newly_right[: charts.COLUMNS]
        _pictures(
            run, shown, classes, 0, "right-now", f"{len(changes.newly_right)} digits that were wrong and are right"
        )


def _sentence(changes: EpochChanges, wrong: int) -> str:
    total = len(changes.after.labels)
    said = f"{wrong:,} of {total:,} validation images"
    if changes.before is not None:
        said += f"; {len(changes.newly_wrong)} newly wrong, {len(changes.newly_right)} newly right"
    shown = f" The first {_SHOWN} are shown." if wrong > _SHOWN else ""
    return f"{said}. True label → predicted.{shown}"


def _pictures(run: Run, mistakes: list[Mistake], classes: tuple[str, ...], new: int, key: str, takeaway: str) -> None:
    try:
        images = cache.images(run.recipe.dataset, run.recipe.protocol, "validation")
    except MnistnetError as error:
        st.caption(widgets.plain(f"The pictures cannot be shown: {error}"))
        return
    chart = charts.changed([images[mistake.index] for mistake in mistakes], mistakes, classes, new)
    widgets.draw(chart, key, takeaway)
