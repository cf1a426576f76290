"""Computations in steps, which can report progress, be shared, paused and continued. Knows no torch and no page.

A computation is a generator: it yields the share done, 0 to 1, after each step and returns its result.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")

Steps: TypeAlias = Generator[float, None, T]

# One step at a time in the whole process: however many sessions compute, one batch uses memory and processor.
_TURN = threading.RLock()


def finish(steps: Steps[T]) -> T:
    """The result, after all steps without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


class Computation(Generic[T]):
    """A computation that any number of threads may advance; each step is done once.

    `share`: the part that is done, 0 to 1. `seconds`: time spent in steps so far. `allowed`: seconds after which
    `is_over_limit` is True, so that the caller asks before it continues; None for no limit.
    """

    def __init__(self, start: Callable[[], Steps[T]], allowed: float | None = None) -> None:
        self.share, self.seconds, self.allowed = 0.0, 0.0, allowed
        self.is_done = False
        self._start = start
        self._steps: Steps[T] | None = None
        self._result: T | None = None

    @property
    def is_over_limit(self) -> bool:
        """True where the allowed seconds are used up and the result is not computed yet."""
        return not self.is_done and self.allowed is not None and self.seconds >= self.allowed

    @property
    def result(self) -> T:
        """The result; RuntimeError while `is_done` is False."""
        if not self.is_done:
            raise RuntimeError("not computed yet: advance it until it is done")
        return self._result  # type: ignore[return-value]

    def allow(self, seconds: float) -> None:
        """Allow `seconds` more, from now on."""
        self.allowed = self.seconds + seconds

    def advance(self, seconds: float) -> None:
        """Do steps for about so many seconds, at least one step.

        Raises what a step raises; the computation starts over at the next call then.
        """
        with _TURN:
            until = time.monotonic() + seconds
            while not self.is_done:
                self._step()
                if time.monotonic() >= until:
                    return

    def _step(self) -> None:
        began = time.monotonic()
        try:
            if self._steps is None:
                self._steps = self._start()
            self.share = next(self._steps)
        except StopIteration as end:
            self._result, self.is_done, self.share = end.value, True, 1.0
            self._steps = None
        except BaseException:
            self.share, self._steps = 0.0, None
            raise
        finally:
            self.seconds += time.monotonic() - began


def turn() -> AbstractContextManager[bool]:
    """The lock under which steps run, for a computation short enough to be a single step."""
    return _TURN
