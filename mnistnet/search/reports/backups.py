"""Searches in the backup of a store: which files they are, and how they come back."""

from mnistnet.runs.backup.backup import Beside
from mnistnet.runs.store.store import Store
from mnistnet.search.folder import FOLDER, LOG, SEARCH, WANTED, SearchFolder
from mnistnet.search.search import SearchError


def _is_sound(store: Store, search_id: str) -> bool:
    """Whether its files can be read: a damaged one would have the whole backup refused."""
    folder = SearchFolder(store, search_id)
    try:
        folder.search()
        folder.wanted()
    except SearchError:
        return False
    return True


def _settle(store: Store, search_id: str) -> None:
    """Put a restored search to rest: it may be going on where it comes from. Resume lets it go on, on this machine: an
    address that comes with a backup is not trusted. Raises SearchError where it is none."""
    folder = SearchFolder(store, search_id)
    folder.search()
    state = folder.wanted().state
    folder.want(state="stopped" if state == "running" else state, cluster="", insecure=False)


SEARCHES = Beside(FOLDER, (SEARCH, WANTED, LOG), _is_sound, _settle)
