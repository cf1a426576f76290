"""Python code run by a user whom the machine does not know and who owns nothing here. No test of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOUSE = Path(__file__).parents[2]
# Root becomes somebody else, in a process that has imported before what only root may read.
CHANGE = """
import os
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(12345)
    os.setuid(12345)
"""


def said(code: str, *, before: str, **environment: str) -> str:
    """What the code prints, run without $HOME; `before` is run by whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    ended = subprocess.run(
        [sys.executable, "-c", f"{before}\n{CHANGE}\n{code}"],
        cwd=HOUSE,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@contextmanager
def open_to_all() -> Iterator[Path]:
    """A folder that everybody may use; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o700)
    shutil.rmtree(folder)
