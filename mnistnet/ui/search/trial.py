"""One trial of a search, opened: its figures, its values, and the pages that show its run."""

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.runs.run import Run
from mnistnet.runs.store import selections
from mnistnet.runs.store.database import StoreError
from mnistnet.search import space as spaces
from mnistnet.search.reports import coordinates
from mnistnet.search.reports.now import SearchNow
from mnistnet.search.trials import Trial
from mnistnet.ui import app, cache, widgets
from mnistnet.ui.search import actions
from mnistnet.ui.search.scores import score
from mnistnet.ui.train import actions as run_actions


def trial_panel(shown: SearchNow, one: Trial) -> None:
    """The trial in a frame."""
    with st.container(border=True, key="trial"):
        st.markdown(f"#### {_title(shown, one)}")
        st.caption(_said(shown, one))
        if one.message:
            st.caption(f":material/info: {widgets.plain(one.message)}")
        if one.accuracy is not None:
            score(shown.search, one, "Validation accuracy")
        runs = _runs(shown, one)
        run = _picked(one, runs)
        with st.container(horizontal=True):
            if run:
                _links(run)
            _design(shown, one)
        if run is None and one.parts:
            st.caption("Its run is not in the store: it waits, trains elsewhere, or was deleted.")


def _title(shown: SearchNow, one: Trial) -> str:
    again = "" if one.phase == "search" else f": {one.phase}, {repeated(shown, one)} again"
    return f"Trial {one.number}{again}"


def repeated(shown: SearchNow, one: Trial) -> str:
    """What a finalist or winner repeats, in words."""
    number = shown.trials.original(one)
    return "the start" if number is None else f"trial {number}"


def _said(shown: SearchNow, one: Trial) -> str:
    values = coordinates.described(shown.search.space, one.values)
    counts = f"{one.params:,} parameters, {one.macs:,} multiply-accumulates" if one.params else "not counted"
    seeds = f"; seeds {', '.join(str(part.seed) for part in one.parts)}" if one.parts else ""
    return widgets.plain(f"{str(one.state).capitalize()}. {counts}{seeds}. {values}")


def _runs(shown: SearchNow, one: Trial) -> list[Run]:
    """The runs of the trial in the store, one a seed: also those that still train, and those that were ended early."""
    try:
        found = selections.of_trial(cache.store(), shown.id, one.number)
    except StoreError:  # each page says that on top
        return []
    return sorted(found, key=lambda run: (run.recipe.seed, run.created))


def _picked(one: Trial, runs: list[Run]) -> Run | None:
    """The run of the seed that is chosen; None where there is none."""
    if len(runs) < 2:
        return runs[0] if runs else None
    titles = {
        run.id: f"{run.recipe.seed}: {run.validation_accuracy:.2%}"
        if run.validation_accuracy is not None
        else f"{run.recipe.seed}"
        for run in runs
    }
    key = f"seed-of-{one.number}-{len(runs)}"
    chosen = st.segmented_control(
        "Seed", list(titles), default=runs[0].id, format_func=titles.__getitem__, required=True, wrap=True, key=key
    )
    return next((run for run in runs if run.id == chosen), runs[0])


def _links(run: Run) -> None:
    pages = {
        "Open its run": ("trial-run", ":material/model_training:", run_actions.show),
        "See its mistakes": ("trial-mistakes", ":material/search:", actions.see_mistakes),
        "Receptive fields": ("trial-fields", ":material/center_focus_strong:", app.show_receptive_fields),
        "Export": ("trial-export", ":material/ios_share:", app.show_export),
    }
    if not run.epochs_done:
        del pages["See its mistakes"]
    for label, (key, icon, show) in pages.items():
        st.button(label, icon=icon, key=key, on_click=show, args=(run.id,))


def _design(shown: SearchNow, one: Trial) -> None:
    search = shown.search
    try:
        design, recipe = spaces.proposal(search.design, search.recipe, search.space, one.values)
    except MnistnetError as error:
        st.caption(widgets.plain(str(error)))
        return
    name = search.design.name if design == search.design else f"{search.design.name}-{one.number}"[-80:]
    st.button(
        "Open this design",
        icon=":material/edit:",
        key="trial-design",
        help="Makes its design and recipe the current ones, on the Design page.",
        on_click=actions.open_design,
        args=(design.renamed(name), recipe),
    )
