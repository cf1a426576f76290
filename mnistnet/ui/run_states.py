"""Updates the states of runs whose worker died. Nothing else in the pages changes a run without a click."""

from threading import Lock

from mnistnet.errors import MnistnetError
from mnistnet.runs.worker import supervisor
from mnistnet.ui import cache

_LOCK = Lock()
_last: dict[str, tuple[int, str | None]] = {}  # by store: the moment of the last refresh, and why it failed


def refresh() -> str | None:
    """Mark the runs whose worker died, and start a supervisor where a run waits for one; None, or why that failed.

    Done once a `cache.moment` in this process, however many sessions and fragments call it.
    """
    store, moment = cache.store(), cache.moment()
    root = str(store.root)
    with _LOCK:  # a session that waits here reads the states afterwards
        if root not in _last or _last[root][0] != moment:
            try:
                supervisor.refresh(store)
                _last[root] = (moment, None)
            except MnistnetError as error:
                _last[root] = (moment, str(error))
        return _last[root][1]
