"""Where the loops that numba compiles are kept, so that the next process need not compile them. Imports no numba.

Numba keeps what it compiled as long as the function's own file stays as it is, whatever becomes of the
files that it took code and constants from. So each state of all files with loops has a cache of its own.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from mnistnet import system

FOLDER = Path(__file__).parent
SOURCES = "compiled/*.py"


def digest(folder: Path) -> str:
    """What tells one state of the sources from another."""
    files = sorted(folder.glob(SOURCES))
    return hashlib.sha256(b"\0".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:16]


def place(folder: Path, chosen: str = "") -> Path | None:
    """The first folder that takes files: the `chosen` one, beside the sources, the user's, a temporary one.

    None where there is none: then each process compiles anew. Loops kept in a folder into which others can write
    would be code from strangers.
    """
    return next(filter(system.is_writable, _places(folder, chosen)), None)


def _places(folder: Path, chosen: str) -> Iterator[Path]:
    if chosen:
        yield Path(chosen)
    name = f"numba-{digest(folder)}"
    yield folder / "__pycache__" / name
    for user in system.cache_folders():
        yield user / name
