"""The part of the Train page about the latest epoch: the digits that are wrong now, accuracy by class, kernels."""

from copy import deepcopy

import streamlit as st

from mnistnet.charts import calibration, mistakes
from mnistnet.charts.template import Spec
from mnistnet.data import datasets
from mnistnet.errors import MnistnetError
from mnistnet.insight.predictions.epoch_changes import EpochChanges
from mnistnet.insight.predictions.evaluation import Mistake
from mnistnet.runs.run import Run
from mnistnet.runs.store.store import default_root
from mnistnet.ui import cache, widgets
from mnistnet.ui.kernel_sheet import kernel_sheet

_SHOWN = 24  # three rows
_WRONG, _RIGHT = "wrong-now", "right-now"


def latest_epoch(run_id: str) -> None:
    """The wrong digits after the latest epoch, the new ones first, the accuracy on each class, the first kernels.

    Nothing before the first epoch, and for a run whose answers after each epoch were not stored.
    """
    run = cache.chosen(run_id)
    changes = _changes(run) if run and run.epochs_done else None
    if run is None or changes is None:
        return
    digits, by_class = st.columns([0.62, 0.38], gap="medium")
    with digits:
        _digits(run, changes)
    with by_class:
        if (kernels := cache.first_kernels(run)) is not None:
            kernel_sheet(kernels)
        st.subheader("Accuracy by class", anchor=False)
        classes, scores = datasets.source(run.recipe.dataset).classes, changes.by_class
        worst = min(range(len(scores)), key=lambda place: scores[place].accuracy if scores[place].total else 1.0)
        spec = _by_class(*_key(run), widgets.ink(), run, changes)
        st.vega_lite_chart(
            spec=deepcopy(spec), key="by-class", alt=f"Lowest for {classes[worst]}: {scores[worst].accuracy:.2%}"
        )


def _changes(run: Run) -> EpochChanges | None:
    """The changes of the latest epoch; None where its answers are not stored."""
    after = cache.answers_of_epoch(run, run.epochs_done)
    before = cache.answers_of_epoch(run, run.epochs_done - 1) if run.epochs_done > 1 else None
    return EpochChanges(after, before) if after else None


def _digits(run: Run, changes: EpochChanges) -> None:
    wrong = [*changes.newly_wrong, *changes.still_wrong]
    st.subheader(f"Wrong after epoch {run.epochs_done}", anchor=False)
    st.caption(_sentence(changes, len(wrong)))
    if wrong:
        new = min(len(changes.newly_wrong), _SHOWN)
        _pictures(run, wrong[:_SHOWN], new, _WRONG, f"{len(wrong)} wrong digits, {new} of them new")
    if right := changes.newly_right:
        st.markdown("**Newly right**")
        _pictures(run, right[: mistakes.COLUMNS], 0, _RIGHT, f"{len(right)} digits that were wrong and are right")


def _sentence(changes: EpochChanges, wrong: int) -> str:
    total = len(changes.after.labels)
    said = f"{wrong:,} of {total:,} validation images"
    if changes.before is not None:
        said += f"; {len(changes.newly_wrong)} newly wrong, {len(changes.newly_right)} newly right"
    shown = f" The first {_SHOWN} are shown." if wrong > _SHOWN else ""
    return f"{said}. True label → predicted.{shown}"


def _pictures(run: Run, shown: list[Mistake], new: int, key: str, takeaway: str) -> None:
    try:
        spec = _sheet(*_key(run), widgets.ink(), key, run, shown, new)
    except MnistnetError as error:
        st.caption(widgets.plain(f"The pictures cannot be shown: {error}"))
        return
    st.vega_lite_chart(spec=deepcopy(spec), key=key, alt=takeaway)


# A chart takes up to 50 ms, and each session draws it at every tick: made once for all that watch the same epoch.


def _key(run: Run) -> tuple[str, str, int, int]:
    return str(default_root()), run.id, run.attempt, run.epochs_done


@st.cache_resource(max_entries=64, show_spinner=False)
def _by_class(root: str, run_id: str, attempt: int, epoch: int, ink: str, _run: Run, _changes: EpochChanges) -> Spec:
    classes = datasets.source(_run.recipe.dataset).classes
    return widgets.specification(calibration.by_class(_changes.by_class, classes), ink)


@st.cache_resource(max_entries=64, show_spinner=False)
def _sheet(
    root: str, run_id: str, attempt: int, epoch: int, ink: str, key: str, _run: Run, _shown: list[Mistake], _new: int
) -> Spec:
    """Raises DataError where the images are not on this machine."""
    images = cache.images(_run.recipe.dataset, _run.recipe.protocol, "validation")
    classes = datasets.source(_run.recipe.dataset).classes
    chart = mistakes.changed([images[mistake.index] for mistake in _shown], _shown, classes, _new)
    return widgets.specification(chart, ink)
