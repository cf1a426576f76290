"""A search as it is at one moment: for the page, the command line and whatever else shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from mnistnet.search.folder import SearchFolder, State, Wanted, state_of
from mnistnet.search.search import Search
from mnistnet.search.trials import Trial, Trials, TrialState

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


def now(folder: SearchFolder, search: Search | None = None, read: Callable[[], Trials] | None = None) -> SearchNow:
    """The search as it is now; `search` and `read` where a reader keeps what never changes and what it has read.

    Raises SearchError where it was deleted or is damaged.
    """
    wanted = folder.wanted()
    is_controlled = folder.is_controlled()  # before its log is read: what it wrote last is not missed
    trials = read() if read else folder.trials()
    state = state_of(wanted, trials, is_controlled=is_controlled)
    return SearchNow(folder, search or folder.search(), wanted, trials, state, folder.notice())
