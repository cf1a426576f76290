"""The Compare page's charts: the curves of runs and the accuracy-parameters plane; and the gallery's table."""

from collections import Counter
from collections.abc import Sequence
from statistics import mean

import pandas as pd
import streamlit as st

from mnistnet.charts import comparison
from mnistnet.charts.comparison import Point
from mnistnet.gallery import Entry, entries
from mnistnet.insight.predictions.evaluation import Score, at_mean
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.run import Run
from mnistnet.runs.sources import GALLERY
from mnistnet.ui import cache, session, widgets
from mnistnet.ui.compare import tables

_CHOSEN, _TOUCHED = "compare-runs", "compare-touched"
_FIRST_SHOWN = 5


def chosen(runs: list[Run]) -> list[Run]:
    """The runs to draw, chosen by the visitor; until then the best and the newest few."""
    first = [run for run in (tables.best(runs),) if run]
    runs = [*first, *(run for run in (*runs, *GALLERY.runs()) if run not in first)]
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
    return f"{run.title}{_data_and_epochs(run)}"


def labels(runs: Sequence[Run]) -> dict[str, str]:
    """A label for each run by its id, short enough for a legend on a phone where names are; no two are the same."""
    names = Counter(run.name for run in runs)
    short = {
        run.id: f"{run.name}{_data_and_epochs(run)}"
        if names[run.name] == 1
        else f"{run.name} ({'gallery' if run.is_of_gallery else run.id[:4]}){_data_and_epochs(run)}"
        for run in runs
    }
    return short if len(set(short.values())) == len(short) else {run.id: _label(run) for run in runs}


def _data_and_epochs(run: Run) -> str:
    data = "" if run.recipe.dataset == "mnist" else f" · {run.recipe.dataset}"
    total = run.recipe.epochs
    epochs = f"{total}" if run.epochs_done == total else f"{run.epochs_done} of {total}"
    return f"{data} · {epochs} {'epoch' if total == 1 else 'epochs'}"


def curves(runs: list[Run]) -> None:
    """Their validation errors over the epochs."""
    target = session.profile().accuracy
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


def plane(runs: list[Run]) -> None:
    """Test accuracy against parameters, with the published solutions."""
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
        comparison.plane(points, means, finals, session.profile().accuracy, list(names.values())),
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


def gallery() -> None:
    """The gallery: the presets as trained with all seeds, final weights."""
    if not entries():
        return
    st.subheader("Gallery: the presets, trained", anchor=False)
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
                help="Wilson interval at the mean for 10,000 images; more seeds do not make it narrower"
            ),
            "best epoch": st.column_config.TextColumn(
                help="Mean validation accuracy of each seed's best epoch. Under the course protocol it was "
                "picked on the test set, so it is slightly optimistic."
            ),
            "seconds": st.column_config.NumberColumn(format="%.0f", help="Mean training time without validation"),
        },
    )
    st.caption(
        f"{next(iter(entries().values())).conditions}. The curve and the mistakes of the first seed of each preset are "
        "available on this page and on Mistakes, those of the final fits on all 60,000 images are not."
    )


def _mean(entry: Entry) -> Point:
    """The seeds' final weights, in the plane."""
    return Point(entry.preset, PRESETS[entry.preset].params, entry.mean, *_ends(entry), entry.recipe.protocol)


def _ends(entry: Entry) -> tuple[float, float]:
    outcomes = entry.outcomes
    interval = at_mean([outcome.test_errors for outcome in outcomes], outcomes[0].test_total).interval
    return interval.low, interval.high
