"""Fresh Python interpreters that outlive whoever starts them. Knows no run."""

import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path

from mnistnet import system
from mnistnet.errors import OperationFailed

PID = "worker.pid"  # where a worker leaves its number
PROJECT = Path(__file__).resolve().parents[3]


class NotStarted(OperationFailed):
    """The system did not let a process be started: too many are there, or memory is short."""


def detach(module: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """`python -m module arguments`, all it prints at the end of `log` in UTF-8. Raises NotStarted.

    Never a fork, thread or pool: signals to the parent's group and the parent's death do not reach it.
    """
    paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8:backslashreplace"},
                **system.detached(),
            )
    except OSError as error:
        short = error.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
        advice = "close other programs and try again" if short else f"see to it that {sys.executable} can be executed"
        raise NotStarted(f"no process could be started: {error.strerror}: {advice}") from None


def kill_recorded(file: Path, *arguments: str) -> None:
    """Kill the process whose number stands in the file, if it is still the one started with these arguments.

    Numbers are used again: where the system does not tell what a process was started with, nothing is killed.
    """
    with contextlib.suppress(OSError, ValueError):
        pid = int(file.read_text("ascii"))
        command = system.command_line(pid)
        if command and all(f" {argument} " in f" {command} " for argument in arguments):
            system.kill(pid)
