"""The importance of each choice of a search, computed in a thread of its own: the first time Optuna is imported, which
takes a second, and no tick waits for it.
"""

from threading import Lock, Thread

import streamlit as st

from mnistnet.charts import choices as charts
from mnistnet.errors import MnistnetError
from mnistnet.runs.store.store import default_root
from mnistnet.search import studies
from mnistnet.search.reports.now import SearchNow
from mnistnet.ui import widgets

_FEWEST = 10
_PATIENCE_SECONDS = 20.0  # of a page that does not tick


class _Importance:
    """The latest shares of one search, by how many of its trials were done, and the thread that computes newer ones."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._thread: Thread | None = None
        self._count, self._shares, self._problem = 0, dict[str, float](), ""

    def of(self, shown: SearchNow) -> tuple[dict[str, float], str]:
        """The shares, and why there are none; for a search that moves, those of a moment ago."""
        with self._lock:
            is_busy = self._thread is not None and self._thread.is_alive()
            if not is_busy and self._count != len(shown.done):
                self._thread = Thread(target=self._compute, args=(shown,), daemon=True)
                self._thread.start()
            thread = self._thread
        if thread and not shown.is_moving:
            thread.join(_PATIENCE_SECONDS)
        return self._shares, self._problem

    def _compute(self, shown: SearchNow) -> None:
        try:
            self._shares, self._problem = studies.importance(shown.search, shown.trials.by_number), ""
        except (MnistnetError, ImportError) as error:
            self._shares, self._problem = {}, str(error)
        self._count = len(shown.done)


@st.cache_resource(max_entries=64, show_spinner=False)
def _of_search(root: str, search_id: str) -> _Importance:
    return _Importance()


def weights(shown: SearchNow) -> None:
    """The importance of each choice as bars; a sentence while there are too few trials; nothing for one choice."""
    if len(shown.search.space) < 2:
        return
    st.subheader("Importance of each choice", anchor=False)
    if len(shown.done) < _FEWEST:
        st.caption(f"Shown once {_FEWEST} trials are done; {len(shown.done)} are.")
        return
    shares, problem = _of_search(str(default_root()), shown.id).of(shown)
    if problem:
        st.caption(f":material/info: {widgets.plain(problem)}")
        return
    if not shares:
        st.caption("Being computed." if shown.is_moving else "All trials have the same accuracy: nothing to tell.")
        return
    first = max(shares, key=lambda name: shares[name])
    widgets.draw(charts.importance(shares), "importance", f"The most important choice: {first}, {shares[first]:.0%}")
    st.caption(
        "Share of each choice in what separates the best trials from the others (PED-ANOVA); a hint where trials are "
        "few."
    )
