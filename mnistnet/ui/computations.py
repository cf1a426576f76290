"""Long computations of the pages: shared by all sessions, with a progress bar, and their results cached.

Each runs in steps, one step at a time in the whole process. When a session leaves the page, its computation pauses;
the next session that needs the result continues it.
"""

import time
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias, TypeVar

import numpy as np
import streamlit as st
from cachetools import LRUCache

from mnistnet.errors import MnistnetError, OperationFailed
from mnistnet.insight.network import steps
from mnistnet.insight.network.steps import Computation, Steps
from mnistnet.runs import limits
from mnistnet.runs.store.store import Store, default_root
from mnistnet.runs.worker import environment
from mnistnet.system import cores

T = TypeVar("T")
Key: TypeAlias = tuple[Hashable, ...]

_SLICE_SECONDS = 0.15  # of steps, after which a session that left stops, and another gets its turn
_SHOWN_AFTER_SECONDS = 0.3
_TRAINING_SECONDS = 2.0  # for which the answer whether a run trains is kept
_UNFINISHED = 8  # computations kept that are not done
_KEPT_BYTES = 256 * 1024**2  # of results


class TakesLong(OperationFailed):
    """A computation has used up its allowed seconds; the user may allow more."""

    def __init__(self, doing: str, computation: Computation[Any]) -> None:
        self.computation = computation
        super().__init__(
            f"{doing}: {computation.share:.0%} done after {computation.seconds:.0f} s; the network is large or the "
            "machine is busy; Continue computes the rest"
        )

    def allow_more(self) -> None:
        """Give the computation as many seconds again."""
        self.computation.allow(limits.current().look_seconds)


class _Computations:
    """Computations in progress and results, both bounded; the least recently used are dropped first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: LRUCache[Key, Computation[Any]] = LRUCache(_UNFINISHED)
        self._done: LRUCache[Key, Computation[Any]] = LRUCache(_KEPT_BYTES, getsizeof=lambda one: _bytes(one.result))

    def of(self, key: Key, start: Callable[[], Steps[Any]]) -> Computation[Any]:
        with self._lock:
            found = self._done.get(key) or self._running.get(key)
            if found is None:
                found = self._running[key] = Computation(start, limits.current().look_seconds)
            return found

    def keep(self, key: Key, computation: Computation[Any]) -> None:
        with self._lock:
            self._running.pop(key, None)
            if key not in self._done and _bytes(computation.result) <= _KEPT_BYTES:
                self._done[key] = computation


@st.cache_resource(show_spinner=False)
def _computations() -> _Computations:
    return _Computations()


def result(key: Key, start: Callable[[], Steps[T]], doing: str) -> T:
    """The result of the computation with this key; `start` begins it where it is neither done nor in progress.

    Shows `doing` and the share done where it takes longer than 0.3 s. Raises TakesLong when its allowed seconds are
    used up, and what its steps raise.
    """
    kept = _computations()
    computation: Computation[T] = kept.of(key, start)
    if not computation.is_done:
        _wait(computation, doing)
        kept.keep(key, computation)
    return computation.result


def finished(key: Key, start: Callable[[], Steps[T]], doing: str) -> T:
    """The same result for a thread without a page, such as the one that makes a download; raises as `result`."""
    kept = _computations()
    computation: Computation[T] = kept.of(key, start)
    while not computation.is_done:
        if computation.is_over_limit:
            raise TakesLong(doing, computation)
        prepare()
        computation.advance(_SLICE_SECONDS)
    kept.keep(key, computation)
    return computation.result


def _wait(computation: Computation[Any], doing: str) -> None:
    place, waited = st.empty(), 0.0
    while not computation.is_done:
        if computation.is_over_limit:
            place.empty()
            raise TakesLong(doing, computation)
        if waited >= _SHOWN_AFTER_SECONDS:
            # Streamlit stops a script whose page was left, or that is to run again, at its next call: here.
            place.progress(computation.share, text=f"{doing}: {computation.share:.0%}")
        prepare()
        computation.advance(_SLICE_SECONDS)
        waited += _SLICE_SECONDS
    place.empty()


def prepare() -> None:
    """Set the number of torch's threads: one while a run trains here, where two would be no faster, else all cores."""
    environment.prepare_to_look()
    import torch

    moment = int(time.monotonic() / _TRAINING_SECONDS)
    torch.set_num_threads(1 if _is_training(str(default_root()), moment) else cores())


# The moment is part of the key in place of a `ttl`: see `cache._snapshot`.
@st.cache_resource(max_entries=8, show_spinner=False)
def _is_training(root: str, moment: int) -> bool:
    try:
        return any(run.is_training for run in Store(Path(root)).active())
    except MnistnetError:
        return False


def turn() -> AbstractContextManager[bool]:
    """A context for a short computation: no step of another runs within."""
    return steps.turn()


def _bytes(value: object) -> int:
    """The approximate memory of a result."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, bytes):
        return len(value)
    if is_dataclass(value):
        return sum(_bytes(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, dict):
        return sum(map(_bytes, value.values()))
    return sum(map(_bytes, value)) if isinstance(value, list) else 64
