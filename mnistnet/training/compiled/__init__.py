"""Loops compiled for the CPU: arrays in, arrays out; no torch here.

Numba keeps what it compiled as long as the function's own file stays as it is, whatever becomes of the
files that it took code and constants from. So each state of this folder has a cache of its own.
"""

import hashlib
from pathlib import Path

from numba import config


def digest(folder: Path) -> str:
    """What tells one state of the sources in `folder` from another."""
    sources = sorted(folder.glob("*.py"))
    return hashlib.sha256(b"\0".join(source.name.encode() + source.read_bytes() for source in sources)).hexdigest()[:16]


if not config.CACHE_DIR:  # somebody's own choice stays
    config.CACHE_DIR = str(Path(__file__).parent / "__pycache__" / f"numba-{digest(Path(__file__).parent)}")
