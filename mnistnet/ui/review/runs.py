"""The runs of an experiment: started all at once, found again in the store, and compared once they are done."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import streamlit as st

from mnistnet import gallery
from mnistnet.errors import MnistnetError
from mnistnet.nets.rules import epochs_text
from mnistnet.review.experiments import Comparison, Experiment, Variant, compare, score
from mnistnet.review.layers import counted
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.worker import supervisor
from mnistnet.ui import auth, cache, notifications, run_states, widgets
from mnistnet.ui.train import watchers

_DONE, NONE = RunState.DONE, "–"
Classes: TypeAlias = npt.NDArray[np.integer]


def runs(experiment: Experiment, changed: str) -> None:
    """The table of the experiment's runs, and the button that starts those that are missing.

    `changed`: the title of the column that says what differs besides accuracy: `parameters` or `learning rate`.
    """
    found = _found(experiment)
    is_active = any(run and run.state.is_active for run in found.values())
    every = watchers.tick_seconds() if is_active else None
    st.fragment(_panel, run_every=every)(experiment, changed, is_active)
    missing = [variant for variant, run in found.items() if run is None]
    if missing:
        many, there = counted(missing, "run"), len(found) - len(missing)
        st.button(
            f"Start {many}",
            key=f"start-{experiment.name}",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(experiment,),
            help=f"{there} of {len(found)} are in the store already." if there else None,
        )


def _found(experiment: Experiment) -> dict[Variant, Run | None]:
    known = cache.snapshot().runs
    return {variant: variant.run(known) for variant in experiment.variants}


def _panel(experiment: Experiment, changed: str, was_active: bool) -> None:
    run_states.refresh()
    found = _found(experiment)
    if was_active and not any(run and run.state.is_active for run in found.values()):
        st.rerun()  # the page decides again whether to poll
    _table(experiment, found, changed)


def _start(experiment: Experiment) -> None:
    missing = experiment.missing(cache.snapshot().runs)
    wanted = [(variant.architecture, variant.recipe) for variant in missing]
    try:
        started = supervisor.submit_all(
            cache.store(), wanted, [variant.token for variant in missing], owner=auth.owner()
        )
    except MnistnetError as error:
        notifications.notify(f"Not started: {error}")
        return
    cache.forget()
    many = f"{counted(started, 'run')} {'is' if len(started) == 1 else 'are'}"
    notifications.toast(f"{many} queued; the table shows how far.")


def _table(experiment: Experiment, found: dict[Variant, Run | None], changed: str) -> None:
    base = found[experiment.baseline]
    compared = {variant: _comparison(base, run) for variant, run in found.items() if variant != experiment.baseline}
    count = sum(one is not None for one in compared.values())
    rows = [_row(variant, run, compared.get(variant), max(1, count), changed) for variant, run in found.items()]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    st.dataframe(
        columns,
        hide_index=True,
        key=f"table-{experiment.name}",
        alt=f"{experiment.name}: " + "; ".join(" ".join(row.values()) for row in rows),
    )
    if count:
        st.caption(_conditions(experiment, count))
    diverged = [run for run in found.values() if run and run.state is RunState.DIVERGED]
    if diverged:
        names = ", ".join(widgets.plain(run.name) for run in diverged)
        st.caption(f":material/info: {names}: diverged at this learning rate, which is a result as well.")


def _conditions(experiment: Experiment, count: int) -> str:
    recipe = experiment.baseline.recipe
    images = "test images" if recipe.protocol == "course" else "held-out images"
    deviations = [entry.deviation * 100 for entry in gallery.entries().values()]
    low, high = min(deviations), max(deviations)
    among = f" among {count} comparisons (Bonferroni)" if count > 1 else ""
    return (
        f"Final weights on the same {images}, 1 seed each ({recipe.seed}), {epochs_text(recipe.epochs)}. Intervals are "
        f"at 95%. “Better” and “worse” need McNemar's exact test below 0.05{among}. They hold for these trainings: "
        f"other seeds differ too; the gallery's standard deviations are {low:.2f} to {high:.2f} points on MNIST's test "
        "set."
    )


def _row(variant: Variant, run: Run | None, comparison: Comparison | None, count: int, changed: str) -> dict[str, str]:
    differs = f"{variant.params:,}" if changed == "parameters" else f"{variant.recipe.learning_rate:g}"
    return {
        "run": variant.label,
        "result": comparison.verdict(count) if comparison else _state(run),
        "accuracy": _accuracy(run),
        "difference, points": _difference(comparison),
        changed: differs,
        "id": run.id if run else NONE,
    }


def _state(run: Run | None) -> str:
    if run is None:
        return "not started"
    return str(run.state) if run.state is _DONE else f"{run.state}, {widgets.epochs_finished(run)}"


def _accuracy(run: Run | None) -> str:
    answered = _answers(run)
    if not answered:
        return NONE
    reached = score(*answered)
    low, high = reached.interval.low, reached.interval.high
    return f"{reached.accuracy:.2%}, {reached.errors} of {reached.total:,} wrong ({low:.2%} to {high:.2%})"


def _difference(comparison: Comparison | None) -> str:
    if comparison is None:
        return NONE
    low, high = comparison.interval.low * 100, comparison.interval.high * 100
    return f"{comparison.difference * 100:+.2f} ({low:+.2f} to {high:+.2f})"


def _comparison(base: Run | None, run: Run | None) -> Comparison | None:
    first, second = _answers(base), _answers(run)
    if first is None or second is None or len(first[1]) != len(second[1]):
        return None
    return compare(first[0], second[0], first[1])


def _answers(run: Run | None) -> tuple[Classes, Classes] | None:
    """Predicted classes and labels of the run's validation images by its final weights; None where not stored."""
    if run is None or run.state is not _DONE:
        return None
    found = cache.stored_evaluation(run, "validation")
    return (found.guesses, found.predictions.labels) if found else None
