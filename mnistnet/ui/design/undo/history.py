"""Undo and redo: what design and recipe were after each change of this session, and which of that is current.

`record` runs once in each run of the script, after its callbacks and the address: all that they changed is one step,
however it came about. Knows no page and no browser.
"""

import secrets
from dataclasses import dataclass, replace

import streamlit as st

from mnistnet import links
from mnistnet.nets.architecture import Architecture
from mnistnet.training.recipe import Recipe
from mnistnet.ui import notifications, session

MOST_STATES = 200
_KEY = "_history"


@dataclass(frozen=True)
class State:
    """Design and recipe as texts of links, and the ids of the design's layers. Its own id is its alone."""

    id: str
    design: str
    recipe: str
    layer_ids: tuple[str, ...]

    @property
    def architecture(self) -> Architecture:
        """The design. Raises LinkError where the text is none."""
        return links.decode_design(self.design)

    @property
    def training(self) -> Recipe:
        """The recipe. Raises LinkError where the text is none."""
        return links.decode_recipe(self.recipe)

    def equals(self, other: "State") -> bool:
        """True where design and recipe are the same; ids do not count."""
        return (self.design, self.recipe) == (other.design, other.recipe)


@dataclass(frozen=True)
class History:
    """States from the oldest to the newest, at least one; `at` is the place of the current one."""

    states: tuple[State, ...]
    at: int = 0

    @property
    def current(self) -> State:
        """The current state."""
        return self.states[self.at]

    def neighbour(self, by: int) -> State | None:
        """The state `by` steps later, earlier where negative; None where there is none."""
        place = self.at + by
        return self.states[place] if 0 <= place < len(self.states) else None

    def followed_by(self, *states: State) -> "History":
        """With these states behind the current one, instead of those that were undone; the oldest are forgotten."""
        kept = (*self.states[: self.at + 1], *states)[-MOST_STATES:]
        return History(kept, len(kept) - 1)

    def continued(self, later: "History") -> "History":
        """This history, then what happened in `later`, a session that began anew.

        The new session began with the current state, or got it by its first change, or began with another design,
        which is then a step.
        """
        known = next((place for place, state in enumerate(later.states[:2]) if state.equals(self.current)), -1)
        if known == later.at == len(later.states) - 1:
            return self
        joined = self.followed_by(*later.states[known + 1 :])
        return replace(joined, at=joined.at - (len(later.states) - 1 - later.at))


def history() -> History:
    """The history of this session; it begins with what is current at the first call."""
    found: History | None = st.session_state.get(_KEY)
    if found is None:
        found = History((_now(),))
        st.session_state[_KEY] = found
    return found


def record() -> None:
    """Add what is current as a step, where it is not what was current before."""
    before, now = history(), _now()
    if not now.equals(before.current):
        st.session_state[_KEY] = before.followed_by(now)


def go(by: int) -> bool:
    """Undo or redo so many steps: a negative number undoes. False where there are none, and where a lesson holds them.

    The layers are known by the same ids as before, so that their widgets stay.
    """
    found = history()
    state = found.neighbour(by)
    if state is None:
        return False
    design, recipe = state.architecture, state.training
    if why := session.objection(session.design, design) or session.objection(session.recipe, recipe):
        notifications.notify(f"That change was not made: {why}.")
        return False
    session.set_design(design, list(state.layer_ids))
    session.recipe.set(recipe)
    st.session_state[_KEY] = replace(found, at=found.at + by)
    return True


def bring_back(earlier: History) -> None:
    """Put an earlier session's history before this one's. Its current layers get their ids back."""
    joined = earlier.continued(history())
    st.session_state[_KEY] = joined
    if joined.current.equals(_now()):
        st.session_state[session.LAYER_IDS] = list(joined.current.layer_ids)


def _now() -> State:
    design, recipe = session.design, session.recipe
    texts = design.encode(design.value), recipe.encode(recipe.value)
    return State(secrets.token_hex(4), *texts, tuple(session.layer_ids()))
