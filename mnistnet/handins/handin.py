"""A hand-in, read: its files, its manifest, and what could be read of design, recipe and weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from mnistnet.handins import archive, manifest
from mnistnet.handins.archive import Files
from mnistnet.handins.manifest import Manifest
from mnistnet.nets.architecture import Architecture
from mnistnet.training.recipe import Recipe

# The text of model.py for a design and a recipe. What writes it lies above this room.
ModelText: TypeAlias = Callable[[Architecture, Recipe], str]


@dataclass(frozen=True)
class HandIn:
    """A hand-in as it was given. `name`: the file's, for people."""

    name: str
    files: Files
    manifest: Manifest

    @property
    def read(self) -> Mapping[str, bytes]:
        """The contents of its files by name."""
        return self.files.read


def from_path(path: Path, name: str | None = None) -> HandIn:
    """The hand-in in a zip file or a folder; `name`: what it is called, else the file's name. Raises NotAHandIn."""
    return _of(archive.from_path(path), name or path.name or path.resolve().name)


def from_bytes(data: bytes, name: str) -> HandIn:
    """The hand-in in the bytes of a zip file called `name`. Raises NotAHandIn."""
    return _of(archive.from_bytes(data, name), name)


def _of(files: Files, name: str) -> HandIn:
    return HandIn(name, files, manifest.parse(files.read[archive.MANIFEST], name))
