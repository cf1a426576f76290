"""Processes that are only waited for: they run from the beginning, while other tests wait for something else.

A test names its command with `@pytest.mark.beside(...)` and gets what became of it from the fixture `ended`. Of two
cores, most tests of processes and browsers keep less than one busy. No test of its own.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]

HOUSE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Beside:
    """A Python process under way, and the file that takes what it prints."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def ended(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end; everything that it printed, in order, as `stdout`."""
        code = self.process.wait()
        self.output.seek(0)
        return subprocess.CompletedProcess(self.process.args, code, self.output.read().decode("utf-8", "replace"))

    def close(self) -> None:
        """End what is still under way: the tests were interrupted."""
        self.process.kill()
        self.process.wait()
        self.output.close()


def start(arguments: tuple[str, ...]) -> Beside:
    """`python ARGUMENTS` in the project's folder, after everything else that wants the processor."""
    output = tempfile.TemporaryFile()  # noqa: SIM115 - it is read when the process has ended
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=HOUSE,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    if os.name == "posix":
        psutil.Process(process.pid).nice(19)
    return Beside(process, output)
