"""Tests that measure time run alone, though two processes share the tests. No test of its own.

Each process holds a lock of its own while it runs a test; a test marked `alone` holds those of all processes. Whoever
takes locks passes a gate, so that no stream of short tests keeps a test that waits for silence waiting.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

FOLDER = "locks"  # the name under which a process is told where the locks are


@contextmanager
def turn(item: pytest.Item) -> Iterator[None]:
    """Wait until the test may run, and keep the others away that may not run beside it."""
    worker = getattr(item.config, "workerinput", None)
    if worker is None:  # one process runs all tests
        yield
        return
    folder = Path(worker[FOLDER])
    everyone = [f"gw{number}" for number in range(worker["workercount"])]
    with ExitStack() as held:
        with FileLock(folder / "gate"):
            for process in everyone if item.get_closest_marker("alone") else [worker["workerid"]]:
                held.enter_context(FileLock(folder / process))
        yield
