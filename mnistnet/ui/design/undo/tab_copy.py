"""The copy of the history that the browser's tab keeps: it comes back after a refresh, and with it the steps to undo.

Each run of the script sends the ids of all states but only the newest state itself; the browser asks for what it
lacks. What the browser returns is untrusted input; the strict decoders of links read it.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import streamlit as st
from pydantic import BaseModel, ConfigDict, Field

from mnistnet import links, strict_json
from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import MAX_LAYERS
from mnistnet.ui import notifications, session, url
from mnistnet.ui.design.layers import marks
from mnistnet.ui.design.undo import history
from mnistnet.ui.design.undo.history import MOST_STATES, History, State

_KEY, _ANSWERED, _MISSING, _TOKEN = "tab-history", "_tab_answered", "_tab_missing", "_tab_token"
_MOST = 1_000_000  # characters: twice what as many states of the most layers take
_component = st.components.v2.component(
    "mnistnet_history", js=Path(__file__).with_name("tab_copy.js").read_text(encoding="utf-8")
)

_Id = Annotated[str, Field(pattern="^[0-9a-f]{8}$")]
_Ids = Annotated[list[_Id], Field(max_length=MOST_STATES * MAX_LAYERS)]


class _Kept(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _KeptState(_Kept):
    id: _Id
    design: str
    recipe: str
    layer_ids: _Ids


class _KeptHistory(_Kept):
    states: Annotated[list[_KeptState], Field(min_length=1, max_length=MOST_STATES)]
    at: Annotated[int, Field(ge=0)]
    locked: _Ids
    opened: _Ids


def tab_copy() -> None:
    """Have the browser's tab keep the history of this session, or return the one that it kept before."""
    found = history.history()
    wanted: list[str] = [found.states[-1].id, *st.session_state.pop(_MISSING, [])]
    data = {
        "token": st.session_state.setdefault(_TOKEN, secrets.token_hex(8)),
        "phase": _phase(),
        "order": [state.id for state in found.states],
        "states": [_fields(state) for state in found.states if state.id in wanted],
        "at": found.at,
        "locked": sorted(marks.locked()),
        "opened": sorted(marks.opened()),
    }
    _component(key=_KEY, data=data, on_kept_change=_bring_back, on_missing_change=_send)


def _phase() -> str:
    """What the browser does with the copy of an earlier session: return it, wait with that, or replace it."""
    if _ANSWERED in st.session_state:
        return "keep"
    # Before a link or a change the session has a design that nobody chose, and the last design may yet come back.
    return "ask" if url.is_given() or session.is_changed() else "wait"


def _fields(state: State) -> dict[str, Any]:
    return {"id": state.id, "design": state.design, "recipe": state.recipe, "layer_ids": state.layer_ids}


def _send() -> None:
    """Let the next run of the script send the states that the browser lacks."""
    missing = st.session_state[_KEY].get("missing")
    st.session_state[_MISSING] = missing if isinstance(missing, list) else []


def _bring_back() -> None:
    kept = st.session_state[_KEY].get("kept")
    if kept is None or _ANSWERED in st.session_state:
        return
    st.session_state[_ANSWERED] = True
    try:
        found = read(kept)
    except MnistnetError as error:
        notifications.notify(f"The steps to undo that this tab kept were left out: {error}")
        return
    history.bring_back(found.history)
    marks.add(found.locked, found.opened)


@dataclass(frozen=True)
class Copy:
    """What a tab keeps: the history, and the ids of the locked layers and of the opened pairs."""

    history: History
    locked: frozenset[str]
    opened: frozenset[str]


def read(kept: object) -> Copy:
    """The copy that a browser kept. Raises LinkError, which says what is wrong."""
    try:
        given = strict_json.validated(_KeptHistory, strict_json.parse(kept, _MOST) if isinstance(kept, str) else kept)
    except ValueError as error:
        raise links.LinkError(str(error)) from None
    states = tuple(map(_state, given.states))
    if len({state.id for state in states}) < len(states) or given.at >= len(states):
        raise links.LinkError(f"at={given.at} of {len(states)} states: not a history; it begins anew")
    return Copy(History(states, given.at), frozenset(given.locked), frozenset(given.opened))


def _state(given: _KeptState) -> State:
    """The state, written as this mnistnet writes it."""
    design, recipe = links.decode_design(given.design), links.decode_recipe(given.recipe)
    if len(set(given.layer_ids)) != len(design.layers):
        raise links.LinkError(f"state {given.id}: {len(design.layers)} layers need an id each; the history begins anew")
    return State(given.id, links.encode_design(design), links.encode_recipe(recipe), tuple(given.layer_ids))
