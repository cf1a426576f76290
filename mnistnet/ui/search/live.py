"""One search on the Search page as it trains: state, figures, charts, trials. Polls only while something happens."""

import streamlit as st

from mnistnet.data import datasets
from mnistnet.nets.rules import epochs_text
from mnistnet.search.folder import State
from mnistnet.search.reports.now import SearchNow
from mnistnet.search.reports.progress import Progress, progress
from mnistnet.search.search import SAMPLERS, SearchError
from mnistnet.ui import app, notifications, run_states, widgets
from mnistnet.ui.search import buttons, figures, finals, reading, table
from mnistnet.ui.search.scores import score
from mnistnet.ui.train import watchers

_LOOKS: dict[State, tuple[str, str]] = {
    "waiting": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/play_arrow:"),
    "pausing": ("orange", ":material/pause:"),
    "paused": ("orange", ":material/pause:"),
    "stopping": ("orange", ":material/stop:"),
    "stopped": ("orange", ":material/stop:"),
    "done": ("green", ":material/check:"),
    "failed": ("red", ":material/error:"),
}
_SENTENCES: dict[State, str] = {
    "waiting": "Its process starts.",
    "running": "",
    "pausing": "The trainings under way end; no further one starts.",
    "paused": "Resume lets it go on.",
    "stopping": "The trainings under way are being stopped.",
    "stopped": "Resume begins the stopped trainings anew.",
    "done": "",
    "failed": "",
}


def watch(shown: SearchNow) -> None:
    """The search, redrawn while something happens in it, and once more at its end."""
    every = watchers.tick_seconds() if shown.is_moving else None
    _about(shown)
    st.fragment(_panel, run_every=every)(shown.id, shown.state, every)
    buttons.buttons(shown)
    st.fragment(_figures, run_every=every)(shown.id)
    st.fragment(table.trials_panel, run_every=every)(shown.id)


def _about(shown: SearchNow) -> None:
    search = shown.search
    budget = f"fewer than {search.budget.params:,} parameters"
    if search.budget.macs:
        budget += f" and {search.budget.macs:,} multiply-accumulates"
    seeds = f", {search.seeds} seeds each" if search.seeds > 1 else ""
    pruner = ", poor ones end early" if search.pruner != "none" else ""
    where = f" on the cluster {shown.wanted.cluster}" if shown.wanted.cluster else ""
    said = (
        f"From {search.design.name}: {budget}; {shown.wanted.trials} trials of {epochs_text(search.recipe.epochs)}"
        f"{seeds}{pruner}; {SAMPLERS[search.sampler]}; {datasets.source(search.recipe.dataset).title}{where}."
    )
    st.caption(widgets.plain(said))


def _panel(search_id: str, was: State, every: float | None) -> None:
    run_states.refresh()
    try:
        shown = reading.now(search_id)
    except SearchError as error:
        st.error(widgets.plain(str(error)), icon=":material/error:")
        return
    if (
        was != shown.state
        or app.is_leaving()
        or notifications.has_messages()
        or (every and every != watchers.tick_seconds())
    ):
        reading.forget()
        st.rerun()  # the page decides again whether and how often to poll, and what can be done
    known = progress(shown.search, shown.wanted.trials, shown.trials)
    _status(shown, known)
    _scores(shown, known)


def _status(shown: SearchNow, known: Progress) -> None:
    colour, icon = _LOOKS[shown.state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(shown.state, icon=icon, color=colour)  # type: ignore[arg-type]
        finished = shown.trials.finished
        phase = "" if shown.notice else _phase(shown)
        said = _SENTENCES[shown.state] or (finished.message if finished else phase)
        st.markdown(widgets.plain(said), width="content")
    if shown.notice:
        st.warning(widgets.plain(shown.notice), icon=":material/hourglass_empty:")
    left = ""
    if shown.is_moving and known.seconds_left is not None and known.seconds_left > 0:
        left = f" · about {widgets.duration(known.seconds_left)} left"
    st.progress(
        1.0 if shown.state == "done" else known.share,
        text=f"{known.trials} of {shown.wanted.trials} trials · {known.done} of {known.wanted} trainings{left}",
    )


def _phase(shown: SearchNow) -> str:
    trials = shown.trials
    if trials.winner:
        return "The winner is trained once more and scored on the test set."
    if finalists := trials.of_phase("finalist"):
        return f"{len(finalists)} designs are trained with new seeds: the start and the finalists."
    return "Trials are trained." if trials.by_number else "The first proposal is made."


def _scores(shown: SearchNow, known: Progress) -> None:
    best, left, right = st.columns([0.4, 0.25, 0.35])
    right = right if shown.trials.best else best
    if trial := shown.trials.best:
        with best:
            score(shown.search, trial, f"Best: trial {trial.number}")
        with left:
            st.metric("Its parameters", f"{trial.params:,}")
            st.caption(f"{trial.macs:,} multiply-accumulates an image")
    if known.proposed:
        with right:
            st.metric(
                "Refused before training",
                f"{known.share_refused:.0%}",
                help="Proposals over the budget, or that cannot be built: counted, not trained.",
            )
            st.caption(f"{known.refused:,} of {known.proposed:,} proposals")


def _figures(search_id: str) -> None:
    try:
        shown = reading.now(search_id)
    except SearchError:
        return  # the panel says it
    finals.finals(shown)
    figures.figures(shown)
