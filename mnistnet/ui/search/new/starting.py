"""What a search will cost, in words, and its start."""

import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.search import control
from mnistnet.search.reports.progress import trainings
from mnistnet.search.search import Search
from mnistnet.search.studies import OPTUNA
from mnistnet.system import cores
from mnistnet.ui import auth, cache, session, widgets
from mnistnet.ui.design.training_time import training_time
from mnistnet.ui.search import reading

_STARTED, _ASKED = "_search_started", "_search_asked"
_TWICE_SECONDS = 3.0  # a second click on Start within this time starts nothing
INSTALL = f"`{OPTUNA.installation}`"


@dataclass(frozen=True)
class Target:
    """Where a search is trained: the address of a scheduler, empty for this machine, and whether it needs no TLS."""

    cluster: str = ""
    insecure: bool = False


@dataclass(frozen=True)
class Cost:
    """The trainings of a search, and the time that they take on this machine, in words."""

    trainings: int
    time: str
    is_guess: bool


def cost(search: Search) -> Cost:
    """What the search costs at most; each training is taken to last as long as one of the starting design."""
    each = training_time(search.design, search.recipe)
    count = trainings(search, search.trials)
    rounds = count / max(1, cores() // max(1, search.recipe.threads))
    return Cost(count, widgets.time_range(each.low * rounds, each.high * rounds), is_guess=each.runs_seen == 0)


def button(name: str, search: Search, target: Target, label: str, **looks: Any) -> None:
    """A button that starts the search, as it is drawn with what was typed last, and shows it."""
    # The click is only noted: a callback would still have the search of the drawing before.
    st.button(label, key=f"start-{name}", icon=":material/play_arrow:", on_click=_ask, args=(name,), **looks)
    if st.session_state.get(_ASKED) == name:
        del st.session_state[_ASKED]
        _start(search, target)


def _ask(name: str) -> None:
    st.session_state[_ASKED] = name


def _start(search: Search, target: Target) -> None:
    """Start the search and show it; where that is refused, say why and stay."""
    before, when = st.session_state.get(_STARTED, (None, 0.0))
    if before == search and time.monotonic() - when < _TWICE_SECONDS:
        return
    try:
        folder = control.start(cache.store(), search, auth.owner(), target.cluster, insecure=target.insecure)
    except MnistnetError as error:
        st.error(widgets.plain(f"Not started: {error}"), icon=":material/error:")
        return
    st.session_state[_STARTED] = search, time.monotonic()
    reading.forget()
    session.search.set(folder.id)
    st.rerun()
