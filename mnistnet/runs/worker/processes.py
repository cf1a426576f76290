"""Python processes that outlive the process that starts them. Knows no run."""

import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path

from mnistnet import system
from mnistnet.errors import OperationFailed

PROJECT = Path(__file__).resolve().parents[3]


class NotStarted(OperationFailed):
    """The system started no process: there are too many, or memory is short."""


def detach(module: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """Start `python -m module arguments` and append all it prints to `log`, in UTF-8. Raises NotStarted.

    Not a fork, thread or pool: neither signals to the parent's process group nor the parent's death reach it.
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
    """Kill the process whose pid the file holds, if it is still the one started with these arguments.

    Pids are reused: where the system does not tell a process's command line, nothing is killed.
    """
    pid = recorded(file)
    if pid is None:
        return
    with contextlib.suppress(OSError):
        command = system.command_line(pid)
        if command and all(f" {argument} " in f" {command} " for argument in arguments):
            system.kill(pid)


def recorded(file: Path) -> int | None:
    """The pid that the file holds; None where it holds none."""
    with contextlib.suppress(OSError, ValueError):
        return int(file.read_text("ascii"))
    return None


def has_ended(process: subprocess.Popen[bytes], patience_seconds: float) -> bool:
    """True where the process has ended, or ends within so many seconds."""
    try:
        process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
