"""Where the loops that numba compiles are kept, so that the next process need not compile them.

Numba keeps what it compiled as long as the function's own file stays as it is, whatever becomes of the
files that it took code and constants from. So each state of all files with loops has a cache of its own.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numba import config

from mnistnet import system

PACKAGE = Path(__file__).parent
SOURCES = ("data/warping.py", "training/kernels/compiled/*.py")


def digest(package: Path) -> str:
    """What tells one state of the sources from another."""
    files = sorted(file for pattern in SOURCES for file in package.glob(pattern))
    return hashlib.sha256(b"\0".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:16]


def place(package: Path) -> Path | None:
    """The first folder that takes files: somebody's own choice, beside the sources, the user's, a temporary one.

    None where there is none: then each process compiles anew. Loops kept in a folder into which others can write
    would be code from strangers.
    """
    return next(filter(system.is_writable, _places(package)), None)


def _places(package: Path) -> Iterator[Path]:
    if config.CACHE_DIR:
        yield Path(config.CACHE_DIR)
    name = f"numba-{digest(package)}"
    yield package / "__pycache__" / name
    if home := system.home():
        yield Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "mnistnet" / name
    if temporary := system.private_folder("mnistnet"):
        yield temporary / name


config.CACHE_DIR = str(place(PACKAGE) or "")

# No "fast math": the machine code of a process that has just compiled a loop and of one that found it in the cache
# went through LLVM's passes in another order, and each rounded in its own way where it was free to.
SERIAL: dict[str, Any] = {"cache": bool(config.CACHE_DIR), "nogil": True, "error_model": "numpy"}
PARALLEL: dict[str, Any] = {**SERIAL, "parallel": True}
