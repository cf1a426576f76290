"""What happens in a search, line by line: a file that only its controller appends to, and anyone may read.

One JSON object a line, synced before anything depends on it. A line that was cut off by a crash is left out by
readers and finished by the next line break. Knows no sampler and no executor.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mnistnet.errors import SaveFailed
from mnistnet.search.choices import Value

Phase: TypeAlias = Literal["search", "finalist", "winner"]
PartEnd: TypeAlias = Literal["done", "pruned", "failed", "diverged", "stopped"]
_MOST_OF_A_LINE = 256 * 1024

Number = Annotated[int, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class LogError(SaveFailed):
    """The file of a search cannot be written."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    time: float = 0.0


class Proposed(_Line):
    """A proposal: its values and counts. `of`: the trial that a finalist or winner repeats, None for the start.

    `attributes` are the sampler's own. Not to be trained where `why_not` says why; `same_as` is then the trial that
    had the same values, if that is why.
    """

    event: Literal["proposed"] = "proposed"
    number: Number
    phase: Phase = "search"
    of: int | None = None
    values: dict[str, Value]
    attributes: dict[str, Any] = {}
    params: Number
    macs: Number
    why_not: str = ""
    same_as: int | None = None


class Submitted(_Line):
    """One training of a trial, its `part` from 0, was given to the executor. Written again where it starts anew."""

    event: Literal["submitted"] = "submitted"
    number: Number
    part: Number
    seed: Number


class Reported(_Line):
    """One epoch of a part has ended."""

    event: Literal["reported"] = "reported"
    number: Number
    part: Number
    epoch: Annotated[int, Field(ge=1)]
    accuracy: Fraction


class Ended(_Line):
    """One part has ended. `seconds`: of training. `run`: the id under which the store has it, if it does."""

    event: Literal["ended"] = "ended"
    number: Number
    part: Number
    state: PartEnd
    accuracy: Fraction | None = None
    seconds: float = 0.0
    run: str | None = None
    message: str = ""


class Finished(_Line):
    """The search has ended, for now: `extend` lets it go on."""

    event: Literal["finished"] = "finished"
    state: Literal["done", "failed"]
    message: str = ""


Line: TypeAlias = Proposed | Submitted | Reported | Ended | Finished
_LINES: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="event")])


class LogWriter:
    """Appends to the file. For the one process that holds the search's lock."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, *lines: Line) -> None:
        """Write the lines and wait until they are on the disk. Raises LogError; none of them counts then."""
        if not lines:
            return
        data = b"".join(
            json.dumps({**line.model_dump(), "time": round(time.time(), 3)}).encode() + b"\n" for line in lines
        )
        try:
            with self._path.open("r+b" if self._path.exists() else "w+b") as file:
                end = file.seek(0, os.SEEK_END)
                if end and (file.seek(end - 1), file.read(1))[1] != b"\n":
                    data = b"\n" + data  # the line before was cut off
                file.seek(end)
                try:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(end)
                    raise
        except OSError as error:
            raise LogError(f"{self._path}: {error.strerror}; free some space, then resume the search") from None


class LogReader:
    """Reads the file from where it read last: a look at a long search costs what is new."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._rest = path, 0, b""

    def lines(self) -> Iterator[Line]:
        """The lines that were not read before, without those that no controller has written."""
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._offset:  # another file
                    self._offset, self._rest = 0, b""
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        for text in whole:
            if text and len(text) <= _MOST_OF_A_LINE and (line := _parsed(text)):
                yield line


def _parsed(text: bytes) -> Line | None:
    try:
        return _LINES.validate_json(text)
    except ValidationError:
        return None
