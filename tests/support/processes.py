"""The real processes of a store, and waiting for what they do: polling with a deadline. No test of its own."""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

import psutil  # type: ignore[import-untyped]

from mnistnet.runs.store.store import Store

T = TypeVar("T")


def until(condition: Callable[[], T | None], seconds: float = 60) -> T:
    """The condition's first true value; an AssertionError where there was none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)
    return value


def workers(store: Store) -> list[psutil.Process]:
    return _alive("mnistnet.runs.worker.worker", store)


def supervisors(store: Store) -> list[psutil.Process]:
    return _alive("mnistnet.runs.worker.supervisor", store)


def controllers(store: Store) -> list[psutil.Process]:
    return _alive("mnistnet.search.controller", store)


def _alive(module: str, store: Store) -> list[psutil.Process]:
    command = [sys.executable, "-m", module, str(store.root)]
    return [process for process in psutil.process_iter() if _command(process)[:4] == command]


def _command(process: psutil.Process) -> list[str]:
    try:
        return [] if process.status() == psutil.STATUS_ZOMBIE else list(process.cmdline())
    except psutil.Error:
        return []
