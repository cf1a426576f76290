"""Searches as the page reads them: one reader a search for all sessions, so a look costs what is new in its log."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from mnistnet.runs.store.store import default_root
from mnistnet.search import folder as folders
from mnistnet.search.folder import SearchFolder
from mnistnet.search.reports.now import SearchNow, Watched
from mnistnet.search.search import SearchError
from mnistnet.ui import cache


@dataclass(frozen=True)
class Searches:
    """The searches of the store, the newest first, and what is wrong with those that cannot be read, by id."""

    found: Sequence[SearchNow]
    damaged: dict[str, str]


@st.cache_resource(max_entries=128, show_spinner=False)
def _watched(root: str, search_id: str) -> Watched:
    return Watched(SearchFolder(cache.store(), search_id))


def now(search_id: str) -> SearchNow:
    """The search of this id. Raises SearchError where it was deleted or is damaged."""
    return _watched(str(default_root()), search_id).now()


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
