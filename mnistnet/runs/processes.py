"""Fresh Python interpreters that outlive whoever starts them. Knows no run."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

PID = "worker.pid"  # where a worker leaves its number
PROJECT = Path(__file__).resolve().parents[2]


def detach(module: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """`python -m module arguments` in a session of its own, all it prints at the end of `log`.

    Never a fork, thread or pool: signals to the parent's group and the parent's death do not reach it.
    """
    paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )


def kill_recorded(file: Path, *arguments: str) -> None:
    """Kill the process whose number stands in the file, if it is still the one started with these arguments.

    Numbers are used again: where the system does not tell what a process was started with, nothing is killed.
    """
    with contextlib.suppress(OSError, ValueError):
        pid = int(file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if all(argument.encode() in command for argument in arguments):
            os.kill(pid, signal.SIGKILL)
