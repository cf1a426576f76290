"""The charts of one search. Each is made once for all sessions that watch the same trials."""

import json
from collections.abc import Sequence

import streamlit as st

from mnistnet import gallery
from mnistnet.charts import choices as choice_charts
from mnistnet.charts import search as charts
from mnistnet.charts.choices import Axis, Line
from mnistnet.charts.search import Curve, Dot, Reference
from mnistnet.nets.presets import PRESETS
from mnistnet.search.choices import Choice
from mnistnet.search.finalists import front
from mnistnet.search.reports import coordinates
from mnistnet.search.reports.now import SearchNow, Version
from mnistnet.search.trials import Trial, TrialState
from mnistnet.ui import widgets
from mnistnet.ui.search import weights

_KINDS = {TrialState.RUNNING: "training", TrialState.PRUNED: "pruned"}


def figures(shown: SearchNow) -> None:
    """All charts; those that need trials that are done appear with these."""
    if not shown.done:
        if shown.is_moving:
            st.caption("Charts appear after the first trial.")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        _best(shown)
    with right:
        _plane(shown)
    if len(shown.search.space) > 1:
        _parallel(shown)
    left, right = st.columns(2, gap="medium")
    has_curves = shown.search.recipe.epochs > 1
    if has_curves:
        with left:
            _curves(shown)
    with right if has_curves else left:
        weights.weights(shown)


def _draw(spec: str, key: str, takeaway: str) -> None:
    """A chart in JSON, which takes less to read than an object to copy. Streamlit changes what it is given."""
    widgets.draw(json.loads(spec), key, takeaway)


def _best(shown: SearchNow) -> None:
    st.subheader("Best so far", anchor=False)
    best = shown.trials.best
    assert best is not None
    accuracies = [trial.accuracy or 0.0 for trial in shown.done]
    _draw(
        _best_spec(shown.version, shown),
        "best-so-far",
        f"Best of {len(accuracies)} trials: {best.accuracy or 0:.2%}, trial {best.number}",
    )
    below = charts.below(accuracies)
    st.caption(f"Dots: trials. Line: the best until then.{f' {below} lie below the axis.' if below else ''}")


@st.cache_resource(max_entries=64, show_spinner=False)
def _best_spec(version: Version, _shown: SearchNow) -> str:
    return json.dumps(charts.best_so_far(_dots(_shown, _shown.done)))


def _dots(shown: SearchNow, trials: list[Trial]) -> list[Dot]:
    space = shown.search.space
    return [
        Dot(one.number, one.params, one.accuracy or 0.0, coordinates.described(space, one.values)) for one in trials
    ]


def _plane(shown: SearchNow) -> None:
    st.subheader("Accuracy against parameters", anchor=False)
    best = front(shown.done)
    _draw(
        _plane_spec(shown.version, shown),
        "search-plane",
        f"{len(shown.done)} trials; {len(best)} of them are beaten by no other in both accuracy and parameters: "
        + ", ".join(f"trial {one.number} with {one.params:,} and {one.accuracy or 0:.2%}" for one in best[-5:]),
    )
    beside = ""
    if shown.search.recipe.dataset == "mnist":
        beside = (
            " Squares: the gallery's nets, trained longer, with another figure: their mean accuracy on the test set."
        )
    st.caption(
        "Dots: trials, by validation accuracy. Line: the Pareto front, the trials that no other beats in both. "
        f"Dashed: the budget.{beside}"
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _plane_spec(version: Version, _shown: SearchNow) -> str:
    nets: list[Reference] = []
    if _shown.search.recipe.dataset == "mnist":
        entries = (entry for entry in gallery.entries().values() if not entry.is_final_fit)
        nets = [
            Reference(one.preset, PRESETS[one.preset].params, one.mean, one.preset * (one.recipe.protocol == "holdout"))
            for one in entries
        ]
    done = _shown.done
    budget = _shown.search.budget.params
    return json.dumps(charts.plane(_dots(_shown, done), _dots(_shown, front(done)), nets, budget))


def _parallel(shown: SearchNow) -> None:
    st.subheader("Values and accuracy", anchor=False)
    best = shown.trials.best
    assert best is not None
    _draw(
        _parallel_spec(shown.version, shown),
        "parallel",
        f"The best trial has {coordinates.described(shown.search.space, best.values)}",
    )
    cut = []
    if len(shown.done) > choice_charts.MOST_LINES:
        cut.append(f"the best {choice_charts.MOST_LINES} trials")
    if len(shown.search.space) > choice_charts.MOST_AXES:
        cut.append(f"the first {choice_charts.MOST_AXES} choices")
    st.caption(
        "A line a trial, an axis a choice; orange: the most accurate." + (f" Drawn: {' and '.join(cut)}." * bool(cut))
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _parallel_spec(version: Version, _shown: SearchNow) -> str:
    space = _shown.search.space[: choice_charts.MOST_AXES]
    best = sorted(_shown.done, key=lambda trial: -(trial.accuracy or 0.0))[: choice_charts.MOST_LINES]
    axes = [Axis(choice.name, coordinates.ticks(choice)) for choice in space]
    return json.dumps(choice_charts.parallel(axes, [_line(space, trial) for trial in best]))


def _line(space: Sequence[Choice], trial: Trial) -> Line:
    values = [(choice, trial.values[choice.name]) for choice in space]
    return Line(
        trial.number,
        trial.accuracy or 0.0,
        tuple(coordinates.place(choice, value) for choice, value in values),
        tuple(coordinates.text(choice, value) for choice, value in values),
    )


def _curves(shown: SearchNow) -> None:
    epochs = shown.search.recipe.epochs
    st.subheader("Learning curves", anchor=False)
    trials = [one for one in shown.trials.of_phase("search") if one.parts and one.parts[0].reports]
    best = shown.trials.best
    newest = trials[-charts.MOST_CURVES :]
    if best and best not in newest:
        newest = [best, *newest[1:]]
    pruned = sum(one.state is TrialState.PRUNED for one in newest)
    spec = charts.curves([_curve(one, is_best=one is best) for one in newest], epochs)
    takeaway = f"Validation accuracy of {len(newest)} trials over {epochs} epochs, {pruned} pruned"
    widgets.draw(spec, "search-curves", takeaway)
    seeds = " Of several seeds, the first." if shown.search.seeds > 1 else ""
    last = f" The last {len(newest)} trials." if len(newest) < len(trials) else ""
    faint = " Faint: ended early." if pruned else ""
    st.caption(f"A line a trial.{faint}{seeds}{last}")


def _curve(trial: Trial, *, is_best: bool) -> Curve:
    return Curve(trial.number, trial.parts[0].reports, "best" if is_best else _KINDS.get(trial.state, "done"))
