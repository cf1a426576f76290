"""Searches as the page reads them: one reader a search for all sessions, so a look costs what is new in its log."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import streamlit as st

from mnistnet.runs.store.store import default_root
from mnistnet.search import folder as folders
from mnistnet.search.folder import SearchFolder, seeds_of
from mnistnet.search.reports import now as states
from mnistnet.search.reports.now import SearchNow
from mnistnet.search.search import SearchError
from mnistnet.search.trials import Trials, folded
from mnistnet.ui import cache


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
    kept = _kept(str(default_root()), search_id)
    return states.now(SearchFolder(cache.store(), search_id), kept.search, kept.trials)


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
