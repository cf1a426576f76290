"""One trial of a search, opened: its figures, its values, and the pages that show its run."""

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.search import space as spaces
from mnistnet.search.reports import coordinates
from mnistnet.search.trials import Trial, TrialState
from mnistnet.ui import app, widgets
from mnistnet.ui.search import actions
from mnistnet.ui.search.reading import SearchNow
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
        run = _picked_run(one)
        with st.container(horizontal=True):
            if run:
                _links(run, has_epoch=any(part.reports for part in one.parts))
            _design(shown, one)
        if run is None and one.state is TrialState.RUNNING:
            st.caption("Its run can be opened once it has ended.")


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


def _picked_run(one: Trial) -> str | None:
    """The run of the seed that is chosen; None where no run has ended yet."""
    runs = {part.run: part for part in one.parts if part.run}
    if len(runs) < 2:
        return next(iter(runs), None)

    def title(run: str) -> str:
        accuracy = runs[run].accuracy
        return f"{runs[run].seed}" if accuracy is None else f"{runs[run].seed}: {accuracy:.2%}"

    key = f"seed-of-{one.number}-{len(runs)}"
    first = next(iter(runs))
    return st.segmented_control("Seed", list(runs), default=first, format_func=title, required=True, key=key) or first


def _links(run: str, *, has_epoch: bool) -> None:
    st.button("Open its run", icon=":material/model_training:", key="trial-run", on_click=run_actions.show, args=(run,))
    if has_epoch:
        st.button(
            "See its mistakes",
            icon=":material/search:",
            key="trial-mistakes",
            on_click=actions.see_mistakes,
            args=(run,),
        )
    st.button(
        "Receptive fields",
        icon=":material/center_focus_strong:",
        key="trial-fields",
        on_click=app.show_receptive_fields,
        args=(run,),
    )
    st.button("Export", icon=":material/ios_share:", key="trial-export", on_click=app.show_export, args=(run,))


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
