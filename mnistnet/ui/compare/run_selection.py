"""The runs that the Compare page draws, and a label for each."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from mnistnet.runs.run import Run
from mnistnet.runs.sources import GALLERY
from mnistnet.ui import controls, session, url, widgets
from mnistnet.ui.compare import tables

_CHOSEN = "compare-runs"
_FIRST_SHOWN = 5


def run_selection(runs: list[Run]) -> list[Run]:
    """The runs to draw, as chosen; until then the best run and the newest ones."""
    first = [run for run in (tables.best(runs),) if run]
    runs = [*first, *(run for run in (*runs, *GALLERY.runs()) if run not in first)]
    titles = {run.id: _label(run) for run in runs}
    named = session.compared.value
    shown = [run.id for run in runs if run.epochs_done][:_FIRST_SHOWN] if named is None else named
    chosen = [run_id for run_id in shown if run_id in titles]
    if missing := [run_id for run_id in shown if run_id not in titles]:
        st.caption(f":material/info: Not in this store: {widgets.plain(', '.join(missing))}.")
    st.multiselect(
        "Runs to draw",
        list(titles),
        chosen,
        format_func=titles.__getitem__,
        key=controls.control(_CHOSEN, chosen),
        max_selections=session.MOST_COMPARED,
        on_change=_choose,
    )
    if chosen:
        url.copy_link("this comparison", {session.compared: tuple(chosen), session.profile: session.profile.value})
    return [run for run in runs if run.id in chosen]


def _choose() -> None:
    session.compared.set(tuple(st.session_state[_CHOSEN]))


def _label(run: Run) -> str:
    return f"{run.title}{_data_and_epochs(run)}"


def labels(runs: Sequence[Run]) -> dict[str, str]:
    """A label for each run by its id: the name where it is unique, for legends on small screens; all are different."""
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
