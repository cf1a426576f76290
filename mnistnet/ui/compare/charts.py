"""The charts of the Compare page: validation error by epoch, and test accuracy against parameters."""

import streamlit as st

from mnistnet.charts import comparison
from mnistnet.charts.comparison import Point
from mnistnet.gallery import Entry, entries
from mnistnet.insight.predictions.evaluation import Score
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.run import Run
from mnistnet.ui import cache, session, widgets
from mnistnet.ui.compare.gallery_table import interval_at_mean
from mnistnet.ui.compare.run_selection import labels


def error_curves(runs: list[Run]) -> None:
    """The validation error of each run by epoch."""
    target = session.profile.value.accuracy
    names = labels(runs)
    lines = {names[run.id]: cache.metrics(run) for run in runs if run.epochs_done}
    if not lines:
        st.caption("None of these runs has finished an epoch yet." if runs else "Choose a run above.")
        return
    best = max((run for run in runs if run.epochs_done), key=lambda run: run.best_validation_accuracy or 0)
    widgets.draw(
        comparison.overlay(lines, target),
        "overlay",
        f"Validation error of {len(lines)} runs; the lowest is {1 - (best.best_validation_accuracy or 0):.2%}",
    )
    finished = [run.epochs_done for run in runs if run.epochs_done]
    if min(finished) < max(finished):
        st.caption(
            f"These runs have finished different numbers of epochs, {min(finished)} to {max(finished)}: a short run "
            "does not show what its design can reach."
        )


def accuracy_by_parameters(runs: list[Run]) -> None:
    """Test accuracy against parameters of the runs, the gallery and the published solutions."""
    points, names = [], labels(runs)
    for run in runs:
        if run.test_errors is not None and run.test_total and run.recipe.dataset == "mnist" and not run.is_of_gallery:
            score = Score(run.test_errors, run.test_total)
            label = names[run.id]
            points.append(
                Point(
                    label,
                    run.params,
                    score.accuracy,
                    score.interval.low,
                    score.interval.high,
                    run.recipe.protocol,
                )
            )
    shown = list(entries().values())
    means = [_mean(entry) for entry in shown if not entry.is_final_fit]
    finals = [_mean(entry) for entry in shown if entry.is_final_fit]
    widgets.draw(
        comparison.plane(points, means, finals, session.profile.value.accuracy, list(names.values())),
        "plane",
        f"Test accuracy against parameters: {len(points)} runs and {len(shown)} gallery entries beside "
        f"{sum(preset.published is not None for preset in PRESETS.values())} published solutions",
    )
    st.caption(
        "Dots: the final weights of the chosen MNIST runs on the 10,000 test images. Squares: the gallery, mean over "
        "its seeds; hollow squares are trained on all 60,000 training images. Lines: 95% intervals. Diamonds: "
        "published solutions, as their authors state them. Crosses: other public results. Diamonds and crosses are "
        "single runs; where the source says so, the best epoch was picked on the test set."
    )


def _mean(entry: Entry) -> Point:
    """The mean over the entry's seeds, final weights."""
    interval = interval_at_mean(entry)
    params = PRESETS[entry.preset].params
    return Point(entry.preset, params, entry.mean, interval.low, interval.high, entry.recipe.protocol)
