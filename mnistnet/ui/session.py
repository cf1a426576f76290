"""The values that a session works on: design, recipe, run, split, digit and so on, each a row of one table.

The address bar has a copy of them (`url`), so that a refresh, a link or the browser's Back restores them. Widgets'
callbacks change them by `Parameter.set` and `set_design`, which refuse what a running lesson holds.
"""

import re
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args

import streamlit as st

from mnistnet import links, strict_json
from mnistnet.lessons import codec, holding
from mnistnet.lessons.lesson import Lesson
from mnistnet.lessons.work import Look
from mnistnet.nets import presets
from mnistnet.nets.architecture import Architecture, Layer
from mnistnet.nets.rules import COURSE
from mnistnet.runs.files.predictions import SplitName
from mnistnet.training import presets as recipe_presets
from mnistnet.training.recipe import Recipe
from mnistnet.ui import notifications

T = TypeVar("T")

VIEWS = ("digits", "compared", "trust")  # of the Mistakes page
QUESTIONS = ("why", "layers", "pixels", "alike")  # that explain the prediction of one digit
MOST_NETWORKS = 3  # that predict a digit side by side
MOST_COMPARED = 30  # runs that Compare draws
MOST_OF_SERIES = 12  # runs in one report
CURRENT_DESIGN = "table"  # in addresses, in place of a run's id: the current design, untrained
NEW_SEARCH = "new"  # in addresses, in place of a search's id: the form of a new one

_RUN_ID = re.compile("[A-Za-z0-9-]{1,32}")

CHANGED = "_changed"  # the moment of the last change made in this session
LAYER_IDS, _TOKEN = "_layer_ids", "_token"


@dataclass(frozen=True)
class Parameter(Generic[T]):
    """One value of the session, which is also a parameter of the address.

    `encode` writes a value as text, `decode` reads it and raises LinkError for a text that is not allowed. `resets`
    has the keys of what belongs to the old value: a change of this one sets them back to their defaults. An address
    without the parameter means `default`; a visit that begins without a design has `first` where that is given.
    """

    name: str
    default: T
    encode: Callable[[T], str]
    decode: Callable[[str], T]
    resets: tuple[str, ...] = ()
    first: T | None = None

    @property
    def key(self) -> str:
        """Its key in the session state."""
        return f"_{self.name}"

    @property
    def value(self) -> T:
        """The current value."""
        current: T = st.session_state.get(self.key, self.default)
        return current

    def set(self, value: T) -> None:
        """Change the value, as a user's choice. Where a running lesson holds it, it stays, and a message says why."""
        if why := objection(self, value):
            notifications.notify(f"That change was not made: {why}.")
            return
        st.session_state[self.key] = value
        st.session_state[CHANGED] = time.monotonic()
        for key in (*self.resets, _TOKEN):
            st.session_state.pop(key, None)


def _run_id(name: str) -> Callable[[str], str]:
    def decode(text: str) -> str:
        if not _RUN_ID.fullmatch(text):
            raise links.LinkError(f"{name} {strict_json.shown(text)}: not a run's id; copy the link again")
        return text

    return decode


def _run_ids(name: str, most: int) -> Callable[[str], tuple[str, ...]]:
    def decode(text: str) -> tuple[str, ...]:
        ids = tuple(filter(None, text.split(",")))
        if len(ids) > most:
            raise links.LinkError(f"{name} {strict_json.shown(text)}: at most {most}; copy the link again")
        return tuple(map(_run_id(name), ids))

    return decode


def _index(name: str) -> Callable[[str], int]:
    def decode(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 6):
            raise links.LinkError(f"{name} {strict_json.shown(text)}: not a number; copy the link again")
        return int(text)

    return decode


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 11):
        raise links.LinkError(f"begun {strict_json.shown(text)}: not a time; open the lesson's link again")
    return int(text)


def _one_of(name: str, allowed: Collection[T]) -> Callable[[str], T]:
    def decode(text: str) -> T:
        for one in allowed:
            if text == str(one):
                return one
        raise links.LinkError(f"{name} {strict_json.shown(text)}: choose one of {', '.join(map(str, allowed))}")

    return decode


_SPLITS: tuple[SplitName, ...] = get_args(SplitName)

design = Parameter("design", presets.FIRST.architecture, links.encode_design, links.decode_design, resets=(LAYER_IDS,))
recipe = Parameter("recipe", Recipe(), links.encode_recipe, links.decode_recipe, first=recipe_presets.first())
# The run that was chosen last, by its id.
run_id: Parameter[str | None] = Parameter("run", None, str, _run_id("run"), resets=("_digit", "_other"))
split = Parameter[SplitName]("split", "test", str, _one_of("split", _SPLITS), resets=("_digit",))
# The image that is shown, by its index in the split.
digit: Parameter[int | None] = Parameter("digit", None, str, _index("digit"))
# The network on the Receptive fields page: a run's id, or CURRENT_DESIGN.
network = Parameter("network", CURRENT_DESIGN, str, _run_id("network"))
# The rules that the design has to meet.
profile = Parameter("rules", COURSE, links.encode_profile, links.decode_profile)
view = Parameter("view", VIEWS[0], str, _one_of("view", VIEWS))
question = Parameter("ask", QUESTIONS[0], str, _one_of("ask", QUESTIONS))
# The counterpart that the run is compared with: another run's id, or `epoch-N` of its own.
other: Parameter[str | None] = Parameter("other", None, str, _run_id("other"))
# The runs that predict a digit side by side, by their ids; None where none were chosen or linked to yet.
networks: Parameter[tuple[str, ...] | None] = Parameter(
    "nets", None, lambda ids: ",".join(ids or ()), _run_ids("nets", MOST_NETWORKS)
)
# The runs that the Compare page draws, by their ids; None where none were chosen or linked to yet.
compared: Parameter[tuple[str, ...] | None] = Parameter(
    "runs", None, lambda ids: ",".join(ids or ()), _run_ids("runs", MOST_COMPARED)
)
# What is exported: a run's id, or CURRENT_DESIGN; None where nothing was chosen yet.
exported: Parameter[str | None] = Parameter("export", None, str, _run_id("export"))
# The runs of a report of several, by their ids.
series: Parameter[tuple[str, ...]] = Parameter("series", (), ",".join, _run_ids("series", MOST_OF_SERIES))
# What is reviewed: a run's id, or CURRENT_DESIGN.
reviewed = Parameter("review", CURRENT_DESIGN, str, _run_id("review"))
# The search that the Search page shows, by its id, None for the newest, NEW_SEARCH for the form of a new one; and the
# trial of it that is open, by its number.
search: Parameter[str | None] = Parameter("search", None, str, _run_id("search"), resets=("_trial",))
trial: Parameter[int | None] = Parameter("trial", None, str, _index("trial"))

# The running lesson; the moment when it was begun, in seconds since 1970; the wrong digits that were looked at in it.
lesson: Parameter[Lesson | None] = Parameter(
    "lesson", None, lambda running: codec.encode_lesson(running) if running else "", codec.decode_lesson
)
begun: Parameter[int | None] = Parameter("begun", None, str, _seconds)
looks: Parameter[tuple[Look, ...]] = Parameter("looks", (), codec.encode_looks, codec.decode_looks)
# The lesson that is being made on the Lessons page.
draft: Parameter[Lesson | None] = Parameter("draft", None, lesson.encode, codec.decode_lesson)

# The lesson first: what it holds decides what may be read of the others.
PARAMETERS: tuple[Parameter[Any], ...] = (
    lesson, begun, looks, draft,
    design, recipe, run_id, split, digit, network, profile, view, question, other, networks,
    compared, exported, series, reviewed, search, trial,
)  # fmt: skip


def is_changed() -> bool:
    """True where anything was changed in this session."""
    return CHANGED in st.session_state


def set_design(architecture: Architecture, layer_ids: list[str]) -> bool:
    """Change the current design to one whose layers are known by these ids, so that their widgets stay.

    False where a running lesson holds it.
    """
    design.set(architecture)
    if design.value != architecture:
        return False
    st.session_state[LAYER_IDS] = layer_ids
    return True


def objection(parameter: Parameter[Any], value: object) -> str | None:
    """Why the running lesson does not allow this value; None where it does, and without a lesson."""
    return holding.objection(lesson.value, parameter.name, value) if lesson.value else None


def begin(chosen: Lesson) -> None:
    """Begin a lesson: with its design, recipe and rules, and nothing done yet."""
    lesson.set(chosen)
    begun.set(int(time.time()))
    looks.set(())
    design.set(chosen.design)
    recipe.set(chosen.start)
    profile.set(chosen.rules)


def leave() -> None:
    """Leave the lesson: nothing is held any more. Design, recipe and runs stay."""
    lesson.set(None)
    begun.set(None)
    looks.set(())


def layer_ids() -> list[str]:
    """An id for each layer of the current design; it stays with the layer when others are added, moved or removed."""
    ids: list[str] = st.session_state.get(LAYER_IDS, [])
    if len(ids) != len(design.value.layers):
        ids = _new_ids(design.value.layers)
        st.session_state[LAYER_IDS] = ids
    return list(ids)


def new_id() -> str:
    """An id that no layer has."""
    return secrets.token_hex(4)


def _new_ids(layers: tuple[Layer, ...]) -> list[str]:
    return [new_id() for _ in layers]


def start_token() -> str:
    """A token that changes with every change: any number of clicks on Start with one token start one run."""
    token: str = st.session_state.setdefault(_TOKEN, secrets.token_hex(8))
    return token
