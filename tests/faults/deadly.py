"""A worker that kills itself with SIGKILL: `python -m tests.faults.deadly ROOT RUN ATTEMPT FUNCTION CALL WHEN`.

Nothing of mnistnet knows of this; the function is wrapped from outside. No test of its own.
"""

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import worker


def arm(function: str, call: int, when: str) -> None:
    """Die `before`, `after` or `within` the given call (from 1) of `module:name` or `module:class.name`.

    `within` is for `os:write`: half of the bytes are written.
    """
    module, _, path = function.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    real, calls = getattr(owner, name), 0

    def deadly(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if calls == call and when == "within":
            target, data = arguments
            arguments = (target, data[: len(data) // 2])
        result = real(*arguments, **named)
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


if __name__ == "__main__":
    root, run, attempt, function, call, when = sys.argv[1:]
    sys.path.insert(0, str(Path(__file__).parents[2]))
    arm(function, int(call), when)
    worker.work(Store(Path(root)), run, int(attempt))
