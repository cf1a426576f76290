"""manifest.json of a hand-in: what is claimed, the log, and the hash of each file. Knows no zip and no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mnistnet import strict_json
from mnistnet.handins.archive import MANIFEST, NotAHandIn
from mnistnet.nets.architecture import LAYER_CLASSES, Architecture
from mnistnet.training.progress import EpochDone
from mnistnet.training.recipe import MAX_EPOCHS, Recipe

VERSION = 2  # from 2 on with `epochs_before`; a manifest without it is of version 1
_IMAGES = 100_000  # more than any data set has
_STEADY = ConfigDict(frozen=True, strict=True, extra="forbid")

Count = Annotated[int, Field(ge=0, le=10**9)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Word = Annotated[str, Field(max_length=80)]
Line = Annotated[str, Field(max_length=200)]


class Epoch(BaseModel):
    """One epoch of the log, as `EpochDone`."""

    model_config = _STEADY

    epoch: Annotated[int, Field(ge=1, le=MAX_EPOCHS)]
    train_loss: Amount
    train_accuracy: Share
    validation_loss: Amount
    validation_accuracy: Share
    learning_rate: Amount
    seconds: Amount
    images_per_second: Amount


class Figure(BaseModel):
    """A claimed accuracy: the share and the errors out of a number of images that it stands for."""

    model_config = _STEADY

    accuracy: Share
    errors: Annotated[int, Field(ge=0, le=_IMAGES)]
    total: Annotated[int, Field(ge=1, le=_IMAGES)]


class Claims(BaseModel):
    """The claims of a hand-in. `test` is of the final weights, `validation` of the last epoch's."""

    model_config = _STEADY

    parameters: Count
    epochs: Annotated[int, Field(ge=1, le=MAX_EPOCHS)]
    test: Figure
    validation: Figure


class Versions(BaseModel):
    """The versions that trained or exported the run."""

    model_config = _STEADY

    mnistnet: Word
    torch: Word
    python: Word


class Listed(BaseModel):
    """A file of the hand-in."""

    model_config = _STEADY

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Count


class Manifest(BaseModel):
    """A result that is handed in. `profile`: the rules that it was made for; `author`: free text of a person.

    `epochs_before`: trained by the runs whose weights this one started from.
    """

    model_config = _STEADY

    version: Annotated[int, Field(ge=1, le=VERSION)]
    run: Word
    author: Line = ""
    profile: Word
    design: Architecture
    recipe: Recipe
    epochs_before: Count = 0
    claims: Claims
    log: Annotated[tuple[Epoch, ...], Field(min_length=1, max_length=MAX_EPOCHS, strict=False, fail_fast=True)]
    files: Annotated[dict[Line, Listed], Field(max_length=100)]
    versions: Versions

    def to_json(self) -> bytes:
        """The text of manifest.json, UTF-8."""
        # An older mnistnet refuses the field: it is written where it says something.
        without = None if self.epochs_before else {"epochs_before"}
        return f"{self.model_dump_json(indent=1, exclude=without)}\n".encode()


def parse(text: bytes, name: str) -> Manifest:
    """The manifest of the hand-in called `name`. NotAHandIn names the first place that is wrong."""
    try:
        value = strict_json.parse(text)
        if isinstance(value, dict) and isinstance(value.get("version"), int) and value["version"] > VERSION:
            raise ValueError(f"made by a newer mnistnet (hand-in version {value['version']}); update mnistnet")
        return strict_json.validated(Manifest, value, types=LAYER_CLASSES)
    except ValueError as error:
        raise NotAHandIn(f"{strict_json.shown(name)}: {MANIFEST}: {error}") from None


def listed(files: Mapping[str, bytes]) -> dict[str, Listed]:
    """Hash and size of each file."""
    return {name: Listed(sha256=sha256(data).hexdigest(), bytes=len(data)) for name, data in files.items()}


def epochs(rows: Sequence[EpochDone]) -> tuple[Epoch, ...]:
    """Stored epochs as a log; fields of the store that are no figures are left out."""
    names = [field.name for field in fields(EpochDone)]
    return tuple(Epoch(**{name: value for name, value in asdict(row).items() if name in names}) for row in rows)
