"""What a session works on, and its copy in the address bar: design, recipe, run, split, digit and so on.

The address wins when the page is opened or the browser goes back; else the session does. What stands here
survives a refresh. Every change comes through a function of this module, from a widget's callback.
"""

import secrets
import time
from typing import Any

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture, Layer
from mnistnet.nets.rules import PROFILES, Profile
from mnistnet.runs.files.predictions import SplitName
from mnistnet.training.recipe import Recipe
from mnistnet.ui.url import (
    DESIGN,
    DIGIT,
    FIELDS,
    NETWORK,
    NETWORKS,
    OTHER,
    PROFILE,
    QUESTION,
    RECIPE,
    RUN,
    SPLIT,
    VIEW,
    Parameter,
)

_ADDRESS = "_address"  # what this session last wrote into the address bar
_CHANGED = "_changed"  # when it last changed something itself
_CLICKS = "_clicks"
_LAYER_IDS = "_layer_ids"
_TOKEN = "_token"
_MESSAGES = "_messages"
_GIVEN = "_given"  # whether an address ever named a design or a recipe
_DESTINATION = "_destination"
# An interaction sends the address as the browser knew it, which may be one change behind.
_BEHIND_SECONDS = 0.7


def synchronize() -> None:
    """Bring session and address together; once at the top of every full script run."""
    session, first = st.session_state, _ADDRESS not in st.session_state
    session.setdefault(_ADDRESS, {})
    for field in FIELDS:
        session.setdefault(f"_{field.key}", field.default)
    behind = not first and time.monotonic() - session.get(_CHANGED, 0.0) <= _BEHIND_SECONDS
    if not behind:
        _read_address()
    _write_address(behind)


def _read_address() -> None:
    # A page switch clears the address; one that we wrote always has the design, and leaves defaults out.
    ours = DESIGN in st.query_params
    for field in FIELDS:
        given = st.query_params.get(field.key)
        if given == st.session_state[_ADDRESS].get(field.key):
            continue
        if given is not None:
            _take_from_address(field, given)
        elif ours:
            st.session_state[f"_{field.key}"] = field.default


def _take_from_address(field: Parameter, text: str) -> None:
    if field.key in (DESIGN, RECIPE):
        st.session_state[_GIVEN] = True
    try:
        value = field.decode(text)
    except MnistnetError as error:
        notify(f"The address was only partly understood, and that part was left out: {error}")
        return
    st.session_state[f"_{field.key}"] = value
    if field.key == DESIGN:
        st.session_state.pop(_LAYER_IDS, None)


def _write_address(behind: bool) -> None:
    session, written = st.session_state, {}
    for field in FIELDS:
        value = session[f"_{field.key}"]
        if value is not None and (value != field.default or field.key == DESIGN):
            written[field.key] = field.encode(value)
    # The address that the browser told may be the right one only because our last one had not reached it yet.
    if st.query_params.to_dict() != written or (behind and session[_ADDRESS] != written):
        st.query_params.from_dict(written)
    session[_ADDRESS] = written


def design() -> Architecture:
    """The current design."""
    value: Architecture = st.session_state[f"_{DESIGN}"]
    return value


def recipe() -> Recipe:
    """The current recipe."""
    value: Recipe = st.session_state[f"_{RECIPE}"]
    return value


def profile() -> Profile:
    """The rules that the design has to meet."""
    return PROFILES[st.session_state[f"_{PROFILE}"]]


def run_id() -> str | None:
    """The run that was chosen last, by its id."""
    value: str | None = st.session_state[f"_{RUN}"]
    return value


def split() -> SplitName:
    """Which images are looked at."""
    value: SplitName = st.session_state[f"_{SPLIT}"]
    return value


def network() -> str:
    """Whose layers are looked at: a run's id, or TABLE for the current design."""
    value: str = st.session_state[f"_{NETWORK}"]
    return value


def digit() -> int | None:
    """The image that is looked at, by its index in the split."""
    value: int | None = st.session_state[f"_{DIGIT}"]
    return value


def view() -> str:
    """Which of VIEWS a run's answers are looked at in."""
    value: str = st.session_state[f"_{VIEW}"]
    return value


def question() -> str:
    """Which of QUESTIONS one digit is looked at with."""
    value: str = st.session_state[f"_{QUESTION}"]
    return value


def other() -> str | None:
    """What the run is compared with: another run's id, or `epoch-N` of its own."""
    value: str | None = st.session_state[f"_{OTHER}"]
    return value


def networks() -> tuple[str, ...] | None:
    """The runs that predict a digit side by side, by their ids; None where none were chosen or named yet."""
    value: tuple[str, ...] | None = st.session_state[f"_{NETWORKS}"]
    return value


def set_design(architecture: Architecture, keep_ids: list[str] | None = None) -> None:
    """Make another design the current one; `keep_ids` are its layers' ids where they are the old layers."""
    _set(DESIGN, architecture)
    st.session_state[_LAYER_IDS] = keep_ids or _new_ids(architecture.layers)


def set_recipe(changed: Recipe) -> None:
    """Make another recipe the current one."""
    _set(RECIPE, changed)


def set_profile(name: str) -> None:
    """Choose another set of rules for the design."""
    _set(PROFILE, name)


def choose_run(chosen: str | None) -> None:
    """Look at another run, at none of its digits yet."""
    _set(RUN, chosen)
    _set(DIGIT, None)
    _set(OTHER, None)


def choose_split(chosen: SplitName) -> None:
    """Look at other images, at none of them yet."""
    _set(SPLIT, chosen)
    _set(DIGIT, None)


def choose_network(chosen: str) -> None:
    """Look at the layers of a run, or of the current design."""
    _set(NETWORK, chosen)


def choose_view(chosen: str) -> None:
    """Look at a run's answers in another way."""
    _set(VIEW, chosen)


def choose_question(chosen: str) -> None:
    """Ask another question of one digit."""
    _set(QUESTION, chosen)


def choose_other(chosen: str | None) -> None:
    """Compare the run with another, or with an epoch of its own."""
    _set(OTHER, chosen)


def choose_networks(chosen: tuple[str, ...]) -> None:
    """Ask others about a digit."""
    _set(NETWORKS, chosen)


def choose_digit(index: int | None) -> None:
    """Look at another image."""
    _set(DIGIT, index)


def _set(key: str, value: Any) -> None:
    st.session_state[f"_{key}"] = value
    st.session_state[_CHANGED] = time.monotonic()
    st.session_state.pop(_TOKEN, None)


def is_changed() -> bool:
    """Whether anything was changed in this session."""
    return _CHANGED in st.session_state


def is_untouched() -> bool:
    """Whether nothing was changed in this session and no address named a design or a recipe."""
    return not is_changed() and _GIVEN not in st.session_state


def layer_ids() -> list[str]:
    """A name for each layer that stays with it when others are moved, so that its widgets stay too."""
    ids: list[str] = st.session_state.get(_LAYER_IDS, [])
    if len(ids) != len(design().layers):
        ids = _new_ids(design().layers)
        st.session_state[_LAYER_IDS] = ids
    return list(ids)


def new_id() -> str:
    """A name that no layer has."""
    return secrets.token_hex(4)


def _new_ids(layers: tuple[Layer, ...]) -> list[str]:
    return [new_id() for _ in layers]


def start_token() -> str:
    """The same until something is changed: any number of clicks on Start are one start."""
    token: str = st.session_state.setdefault(_TOKEN, secrets.token_hex(8))
    return token


def go_to(page: str) -> None:
    """Show another page next. A callback cannot switch by itself: on a cold server no page is known yet."""
    st.session_state[_DESTINATION] = page


def show_receptive_fields(run_id: str, index: int | None = None) -> None:
    """Look at what a run's layers see, of the image `index` where one is given."""
    choose_network(run_id)
    if index is not None:
        choose_digit(index)
    go_to("pages/receptive_fields.py")


def is_leaving() -> bool:
    """Whether another page was asked for."""
    return _DESTINATION in st.session_state


def destination() -> str | None:
    """The page that was asked for since the last page was drawn, once."""
    page: str | None = st.session_state.pop(_DESTINATION, None)
    return page


def notify(message: str) -> None:
    """Leave a message for the top of the page, once."""
    st.session_state.setdefault(_MESSAGES, []).append(message)


def has_messages() -> bool:
    """Whether something waits to be told."""
    return bool(st.session_state.get(_MESSAGES))


def messages() -> list[str]:
    """The messages left since the last page was drawn."""
    found: list[str] = st.session_state.pop(_MESSAGES, [])
    return found


def reset_selection() -> None:
    """Forget what was clicked in charts: the browser tells a click only where it differs from the last."""
    st.session_state[_CLICKS] = st.session_state.get(_CLICKS, 0) + 1


def clickable(key: str) -> str:
    """The key of a chart that can be clicked, another one after each `unclick`."""
    return f"{key}-{st.session_state.get(_CLICKS, 0)}"


def control(key: str, value: Any) -> str:
    """`key`, its widget set to `value` before it is drawn: widgets show the state, they do not own it.

    Give the widget `value` as its default as well: where a rerun is cut short, the browser may draw it afresh
    from its default and report that as a choice.
    """
    if st.session_state.get(key) != value:
        st.session_state[key] = value
    return key
