"""Updates the states of runs whose worker died, and starts what controls a search that has lost its process.

Nothing else in the pages changes a run or search without a click.
"""

from threading import Lock

from mnistnet.errors import MnistnetError
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.ui import cache

SEARCHES = "searches"  # the folder of a store that has had one
_LOCK = Lock()
_last: dict[str, tuple[int, str | None]] = {}  # by store: the moment of the last refresh, and why it failed


def refresh() -> str | None:
    """Mark the runs whose worker died, start a supervisor where a run waits for one, and the controllers of searches
    that wait for theirs; None, or why that failed.

    Done once a `cache.moment` in this process, however many sessions and fragments call it.
    """
    store, moment = cache.store(), cache.moment()
    root = str(store.root)
    with _LOCK:  # a session that waits here reads the states afterwards
        if root not in _last or _last[root][0] != moment:
            try:
                supervisor.refresh(store)
                _refresh_searches(store)
                _last[root] = (moment, None)
            except MnistnetError as error:
                _last[root] = (moment, str(error))
        return _last[root][1]


def _refresh_searches(store: Store) -> None:
    if not (store.root / SEARCHES).is_dir():
        return
    from mnistnet.search import control  # 30 ms, which the first page of most stores does not need

    control.refresh(store)
