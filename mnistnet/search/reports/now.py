"""A search as it is at one moment: for the page, the command line and whatever else shows it."""

from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TypeAlias

from mnistnet.search.folder import SearchFolder, State, Wanted, seeds_of, state_of
from mnistnet.search.search import Search
from mnistnet.search.trials import Trial, Trials, TrialState, folded

Version: TypeAlias = tuple[str, int, int]
_MOVING: tuple[State, ...] = ("waiting", "running", "pausing", "stopping")


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
        return self.state in _MOVING

    @property
    def message(self) -> str:
        """What it has found, or waits for; empty where neither."""
        return self.trials.finished.message if self.trials.finished else self.notice

    @cached_property
    def done(self) -> list[Trial]:
        """The trials of the first phase with an accuracy, by number."""
        return [trial for trial in self.trials.of_phase("search") if trial.accuracy is not None]

    @property
    def version(self) -> Version:
        """A key for what follows from trials that have ended, whatever is under way."""
        ended = sum(trial.state is not TrialState.RUNNING for trial in self.trials.by_number.values())
        return str(self.folder.path), len(self.trials.by_number), ended


class Watched:
    """A search that is looked at again and again, by any thread: a look costs what is new in its log.

    Raises SearchError where it was deleted or is damaged.
    """

    def __init__(self, folder: SearchFolder) -> None:
        self._folder, self._search, self._reader = folder, folder.search(), folder.reader()
        self._trials, self._lock = Trials(), Lock()

    def now(self) -> SearchNow:
        """The search as it is now. Raises SearchError where it was deleted or is damaged."""
        wanted = self._folder.wanted()
        is_controlled = self._folder.is_controlled()  # before its log is read: what it wrote last is not missed
        trials = self._read()
        state = state_of(wanted, trials, is_controlled=is_controlled)
        return SearchNow(self._folder, self._search, wanted, trials, state, self._folder.notice())

    def _read(self) -> Trials:
        with self._lock:  # two readers at once would fold the same lines
            if lines := list(self._reader.lines()):
                self._trials = folded(self._trials, lines, seeds_of(self._search))
            return self._trials


def now(folder: SearchFolder) -> SearchNow:
    """The search as it is now, for one look. Raises SearchError where it was deleted or is damaged."""
    return Watched(folder).now()
