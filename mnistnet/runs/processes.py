"""Fresh Python interpreters that outlive whoever starts them. Knows no run."""

import os
import subprocess
import sys
from pathlib import Path

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
