"""Searches as the page reads them: one reader a search for all sessions, so a look costs what is new in its log."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import streamlit as st

from mnistnet.runs.store.store import default_root
from mnistnet.search import folder as folders
from mnistnet.search.folder import SearchFolder, State, Wanted, seeds_of, state_of
from mnistnet.search.search import Search, SearchError
from mnistnet.search.trials import Trial, Trials, TrialState, folded
from mnistnet.ui import cache

MOVING: tuple[State, ...] = ("waiting", "running", "pausing", "stopping")


@dataclass(frozen=True)
class SearchNow:
    """A search as it is now. `notice`: what its controller waits for, empty where it waits for nothing."""

    folder: SearchFolder
    search: Search
    wanted: Wanted
    trials: Trials
    state: State
    notice: str = ""

    @property
    def id(self) -> str:
        """Its id."""
        return self.folder.id

    @property
    def is_moving(self) -> bool:
        """True where something will still happen to it by itself."""
        return self.state in MOVING

    @cached_property
    def done(self) -> list[Trial]:
        """The trials of the first phase with an accuracy, by number."""
        return [trial for trial in self.trials.of_phase("search") if trial.accuracy is not None]

    @cached_property
    def best(self) -> Trial | None:
        """The most accurate of them."""
        return self.trials.best

    @property
    def version(self) -> tuple[str, str, int, int]:
        """A key for what follows from trials that have ended, whatever is under way."""
        ended = sum(trial.state is not TrialState.RUNNING for trial in self.trials.by_number.values())
        return str(default_root()), self.id, len(self.trials.by_number), ended


@dataclass(frozen=True)
class Searches:
    """The searches of the store, the newest first, and what is wrong with those that cannot be read, by id."""

    found: Sequence[SearchNow]
    damaged: dict[str, str]


class _Kept:
    """The search of a folder, its log as far as it was read, and what that says."""

    def __init__(self, folder: SearchFolder) -> None:
        self.search, self._reader = folder.search(), folder.reader()
        self._trials, self._lock = Trials(), Lock()

    def trials(self) -> Trials:
        with self._lock:  # two readers at once would fold the same lines
            if lines := list(self._reader.lines()):
                self._trials = folded(self._trials, lines, seeds_of(self.search))
            return self._trials


@st.cache_resource(max_entries=128, show_spinner=False)
def _kept(root: str, search_id: str) -> _Kept:
    return _Kept(SearchFolder(cache.store(), search_id))


def now(search_id: str) -> SearchNow:
    """The search of this id. Raises SearchError where it was deleted or is damaged."""
    folder = SearchFolder(cache.store(), search_id)
    wanted = folder.wanted()
    kept = _kept(str(default_root()), search_id)
    is_controlled = folder.is_controlled()  # before its log is read: what it wrote last is not missed
    trials = kept.trials()
    state = state_of(wanted, trials, is_controlled=is_controlled)
    return SearchNow(folder, kept.search, wanted, trials, state, folder.notice())


def searches() -> Searches:
    """All searches; the store is looked at once a moment, however many sessions watch."""
    return _searches(str(default_root()), cache.moment())


def forget() -> None:
    """Have the next `searches` look at the store: something was just changed here."""
    _searches.clear()


# The moment is part of the key in place of a `ttl`: see `cache._snapshot`.
@st.cache_resource(max_entries=2, show_spinner=False)
def _searches(root: str, moment: int) -> Searches:
    found, damaged = [], {}
    for folder in folders.all_of(cache.store()):
        try:
            found.append(now(folder.id))
        except SearchError as error:
            damaged[folder.id] = str(error)
    return Searches(found, damaged)
