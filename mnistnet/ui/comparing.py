"""The Compare page's pieces: the table of runs, their curves, and the accuracy-parameters plane."""

from statistics import mean

import pandas as pd
import streamlit as st

from mnistnet.charts import comparison
from mnistnet.charts.comparison import Point
from mnistnet.gallery import Entry, entries
from mnistnet.insight.evaluation import Score, at_mean
from mnistnet.nets.presets import PRESETS
from mnistnet.runs import exhibits
from mnistnet.runs.run import Run
from mnistnet.ui import components, readers, state

_CHOSEN, _TABLE, _TOUCHED = "compare-runs", "compare-table", "compare-touched"
_FIRST_SHOWN = 5


def table(runs: list[Run]) -> None:
    """All runs with what they cost and what they reached."""
    st.dataframe(
        pd.DataFrame(
            [
                (
                    run.id,
                    run.name,
                    str(run.state),
                    run.params,
                    f"{run.epochs_done} / {run.recipe.epochs}",
                    run.recipe.dataset,
                    run.recipe.protocol,
                    _share(run.validation_accuracy, run),
                    _share(run.best_validation_accuracy, run),
                    _test(run),
                    run.train_seconds,
                )
                for run in runs
            ],
            columns=[
                "run",
                "name",
                "state",
                "parameters",
                "epochs",
                "data",
                "protocol",
                "validation",
                "best",
                "test, final weights (95% interval)",
                "seconds",
            ],
        ),
        hide_index=True,
        key=_TABLE,
        alt=f"{len(runs)} runs with parameters, epochs, accuracies and training times",
        column_config={
            "parameters": st.column_config.NumberColumn(format="localized"),
            "validation": st.column_config.TextColumn(help="Validation accuracy after the last epoch"),
            "best": st.column_config.TextColumn(
                help="Best epoch by validation accuracy; under the course protocol by test accuracy, which flatters."
            ),
            "seconds": st.column_config.NumberColumn(format="%.0f", help="Training time without validation"),
        },
    )


def chosen(runs: list[Run]) -> list[Run]:
    """Which runs are drawn; the newest few to begin with."""
    runs = [*runs, *exhibits.runs()]
    titles = {run.id: _label(run) for run in runs}
    if st.session_state.get(_TOUCHED):
        st.session_state[_CHOSEN] = [run_id for run_id in st.session_state.get(_CHOSEN, []) if run_id in titles]
    else:
        st.session_state[_CHOSEN] = [run.id for run in runs if run.epochs_done][:_FIRST_SHOWN]
    ids = st.multiselect(
        "Runs to draw",
        list(titles),
        format_func=titles.__getitem__,
        key=_CHOSEN,
        on_change=_touch,
        persist_state="session",
    )
    return [run for run in runs if run.id in ids]


def _touch() -> None:
    st.session_state[_TOUCHED] = True


def _label(run: Run) -> str:
    data = "" if run.recipe.dataset == "mnist" else f" · {run.recipe.dataset}"
    return f"{run.title}{data}"


def curves(runs: list[Run]) -> None:
    """Their validation errors over the epochs."""
    target = state.profile().accuracy
    lines = {_label(run): readers.metrics(run) for run in runs if run.epochs_done}
    if not lines:
        st.caption("None of these runs has stored an epoch yet." if runs else "Choose a run above.")
        return
    best = max((run for run in runs if run.epochs_done), key=lambda run: run.best_validation_accuracy or 0)
    components.draw(
        comparison.overlay(lines, target),
        "overlay",
        f"Validation error of {len(lines)} runs; the lowest is {1 - (best.best_validation_accuracy or 0):.2%}",
    )


def plane(runs: list[Run]) -> None:
    """Test accuracy against parameters, with the published solutions."""
    points = []
    for run in runs:
        if run.test_errors is not None and run.test_total and run.recipe.dataset == "mnist" and not run.is_of_gallery:
            score = Score(run.test_errors, run.test_total)
            label = _label(run)
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
    components.draw(
        comparison.plane(points, means, finals, state.profile().accuracy),
        "plane",
        f"Test accuracy against parameters: {len(points)} runs and {len(shown)} gallery entries beside "
        f"{sum(preset.published is not None for preset in PRESETS.values())} published solutions",
    )
    st.caption(
        "Dots: the final weights of these MNIST runs on all 10,000 test images. Squares: means of the gallery's seeds, "
        "hollow for final fits on all 60,000 training images. All with 95% intervals. Diamonds: published solutions "
        "as their authors state them; crosses: other public results; one run each, where their "
        "sources say so the best epoch on the test set."
    )


def gallery() -> None:
    """The presets as they were trained for the gallery: all seeds, final weights."""
    if not entries():
        return
    st.subheader("The presets, trained", anchor=False)
    st.dataframe(
        pd.DataFrame(
            [
                (
                    entry.preset,
                    PRESETS[entry.preset].params,
                    entry.recipe.protocol,
                    entry.recipe.epochs,
                    len(entry.outcomes),
                    f"{entry.mean:.3%}",
                    f"{entry.worst:.2%}",
                    "{:.2%} to {:.2%}".format(*_ends(entry)),
                    f"{entry.best_validation:.2%}",
                    mean(outcome.train_seconds for outcome in entry.outcomes),
                )
                for entry in entries().values()
            ],
            columns=[
                "preset",
                "parameters",
                "protocol",
                "epochs",
                "seeds",
                "mean test",
                "worst seed",
                "95% interval",
                "best epoch",
                "seconds",
            ],
        ),
        hide_index=True,
        key="gallery-table",
        alt=f"{len(entries())} presets with parameters, seeds, mean, worst and interval of their test accuracy",
        column_config={
            "parameters": st.column_config.NumberColumn(format="localized"),
            "mean test": st.column_config.TextColumn(help="Mean over the seeds, final weights, 10,000 test images"),
            "95% interval": st.column_config.TextColumn(
                help="Wilson's, at the mean: that of 10,000 images, which more seeds do not narrow"
            ),
            "best epoch": st.column_config.TextColumn(
                help="Mean validation accuracy of each seed's best epoch; under the course protocol that is the test "
                "set, and flatters"
            ),
            "seconds": st.column_config.NumberColumn(format="%.0f", help="Mean training time without validation"),
        },
    )
    st.caption(
        f"{next(iter(entries().values())).conditions}. The first seed's curve can be drawn and its mistakes looked at, "
        "final fits excepted."
    )


def _mean(entry: Entry) -> Point:
    """The seeds' final weights, in the plane."""
    return Point(entry.preset, PRESETS[entry.preset].params, entry.mean, *_ends(entry), entry.recipe.protocol)


def _ends(entry: Entry) -> tuple[float, float]:
    outcomes = entry.outcomes
    interval = at_mean([outcome.test_errors for outcome in outcomes], outcomes[0].test_total).interval
    return interval.low, interval.high


def _share(accuracy: float | None, run: Run) -> str:
    if accuracy is None:
        return "–"
    score = components.errors_of(accuracy, run)
    return f"{accuracy:.2%} ({score.errors} of {score.total:,} wrong)"


def _test(run: Run) -> str:
    if run.test_errors is None or not run.test_total:
        return "–"
    return _score(Score(run.test_errors, run.test_total))


def _score(score: Score) -> str:
    return (
        f"{score.accuracy:.2%} · {score.errors} of {score.total:,} wrong "
        f"({score.interval.low:.2%} to {score.interval.high:.2%})"
    )
