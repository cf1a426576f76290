"""Processes that are only waited for: they run while other tests leave a core idle.

A test names its command with `@pytest.mark.beside(*arguments, at=FOLDER, environment={...})` and gets what became of it
from the fixture `ended`. The command starts with the first test below tests/FOLDER, or with the very first one. What
runs beside tests that only compute, in one process, disturbs no time that is measured. No test of its own.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

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


def start(arguments: tuple[str, ...], environment: Mapping[str, str]) -> Beside:
    """`python ARGUMENTS` in the project's folder, with variables atop those of the tests."""
    output = tempfile.TemporaryFile()  # noqa: SIM115 - it is read when the process has ended
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=HOUSE,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    return Beside(process, output)
