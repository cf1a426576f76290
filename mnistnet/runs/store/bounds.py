"""What each column of a run and of its epochs may hold: values that no run can have are named, whoever wrote them.

One table for all who read rows from elsewhere: a backup, a `run.json`, a database that was edited by hand.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from mnistnet import strict_json
from mnistnet.data.datasets import SOURCES
from mnistnet.errors import MnistnetError
from mnistnet.nets import architecture as designs
from mnistnet.nets.architecture import MAX_NAME
from mnistnet.nets.summary import require
from mnistnet.runs.run import Run, RunState, stored_recipe
from mnistnet.training.recipe import MAX_EPOCHS

RUN_ID, ID_PREFIX = re.compile(r"[0-9a-f]{8}"), re.compile(r"[0-9a-f]{1,8}")
CHECKPOINT = re.compile(r"epoch-[0-9]{4,9}\.pt")
LARGEST = 2**31  # of what is counted: far beyond any run, far from where SQLite's own numbers end
_LATEST = 253_402_300_799  # the last second of the year 9999
_LARGEST_LOSS = 3.5e38  # float32 ends there
_MOST_CORES = 4096
_MOST_TESTED = max(source.test_total for source in SOURCES.values())
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Bound(Protocol):
    """What a column may hold."""

    @property
    def words(self) -> str:
        """What is allowed, for people."""

    def allows(self, value: Any) -> bool:
        """Whether the value, as SQLite gives it, may stand there."""

    def sql(self, column: str) -> str:
        """The same as an SQL condition; texts are looked at less closely."""


@dataclass(frozen=True)
class Whole:
    """Whole numbers from `low` to `high`."""

    low: int
    high: int
    optional: bool = False

    @property
    def words(self) -> str:
        return f"{self.low} to {self.high}"

    def allows(self, value: Any) -> bool:
        return (type(value) is int and self.low <= value <= self.high) or (self.optional and value is None)

    def sql(self, column: str) -> str:
        return _or_null(f"typeof({column}) = 'integer' AND {column} BETWEEN {self.low} AND {self.high}", column, self)


@dataclass(frozen=True)
class Real:
    """Finite numbers from `low` to `high`."""

    low: float
    high: float
    optional: bool = False

    @property
    def words(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def allows(self, value: Any) -> bool:
        return (type(value) is float and self.low <= value <= self.high) or (self.optional and value is None)

    def sql(self, column: str) -> str:
        # Of a REAL column: texts and bytes stand behind all numbers.
        return _or_null(f"{column} BETWEEN {self.low!r} AND {self.high!r}", column, self)


@dataclass(frozen=True)
class Text:
    """Texts of `least` to `most` characters: of a pattern, or else without control characters."""

    most: int
    pattern: re.Pattern[str] | None = None
    least: int = 0
    optional: bool = False
    words: str = "a text without control characters"

    def allows(self, value: Any) -> bool:
        if type(value) is not str:
            return self.optional and value is None
        if not self.least <= len(value) <= self.most:
            return False
        if self.pattern:
            return self.pattern.fullmatch(value) is not None
        return value.isprintable() or not _CONTROL.search(value)

    def sql(self, column: str) -> str:
        """Of type and length only: to look at every letter of a store's 200,000 epochs would take too long."""
        condition = f"typeof({column}) = 'text' AND length({column}) BETWEEN {self.least} AND {self.most}"
        return _or_null(condition, column, self)


@dataclass(frozen=True)
class Json:
    """What is parsed afterwards, by a parser with a limit on size."""

    words: str = "a text"

    def allows(self, value: Any) -> bool:
        return type(value) is str

    def sql(self, column: str) -> str:
        return f"typeof({column}) = 'text'"


def _or_null(condition: str, column: str, bound: Whole | Real | Text) -> str:
    return f"({column} IS NULL OR {condition})" if bound.optional else f"({condition})"


_TIME, _UNKNOWN_TIME = Real(0, _LATEST), Real(0, _LATEST, optional=True)
_SHA256 = Text(64, re.compile(r"[0-9a-f]{64}"), optional=True, words="a sha256, 64 hexadecimal digits")

RUN: dict[str, Bound] = {
    "number": Whole(1, LARGEST),
    "id": Text(8, RUN_ID, words="8 hexadecimal digits"),
    "token": Text(200, optional=True),
    "turn": Whole(0, LARGEST),
    "attempt": Whole(0, LARGEST),
    "name": Text(MAX_NAME),
    "architecture_json": Json(),
    "recipe_json": Json(),
    "params": Whole(0, LARGEST),
    "threads": Whole(1, _MOST_CORES),
    "state": Text(20, re.compile("|".join(RunState)), words=", ".join(RunState)),
    "stage": Text(200),
    "message": Text(10_000, re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]*")),
    "stop_requested": Whole(0, 1),
    "created": _TIME,
    "started": _UNKNOWN_TIME,
    "ended": _UNKNOWN_TIME,
    "step": Whole(0, 1_000_000),
    "steps": Whole(0, 1_000_000),
    "images_per_second": Real(0, 1e9, optional=True),
    "test_errors": Whole(0, _MOST_TESTED, optional=True),
    "test_total": Whole(1, _MOST_TESTED, optional=True),
    "weights_sha256": _SHA256,
    "validation_answers_sha256": _SHA256,
    "test_answers_sha256": _SHA256,
    "owner": Text(1000),
}
EPOCH: dict[str, Bound] = {
    "epoch": Whole(1, MAX_EPOCHS),
    "train_loss": Real(0, _LARGEST_LOSS),
    "train_accuracy": Real(0, 1),
    "validation_loss": Real(0, _LARGEST_LOSS),
    "validation_accuracy": Real(0, 1),
    "learning_rate": Real(0, 10),
    "seconds": Real(0, 1e9),
    "images_per_second": Real(0, 1e9),
    "checkpoint": Text(18, CHECKPOINT, 13, words="the name of a checkpoint, as in epoch-0001.pt"),
    # Empty where nothing was hashed: no file has such a hash.
    "checkpoint_sha256": Text(64, re.compile(r"(?:[0-9a-f]{64})?"), words=_SHA256.words),
    "guesses_sha256": _SHA256,
}


def condition(bounds: Mapping[str, Bound], table: str) -> str:
    """An SQL condition, true of those rows of a table, by this name, that hold nothing beyond the bounds."""
    return "(" + " AND ".join(bound.sql(f"{table}.{column}") for column, bound in bounds.items()) + ")"


def is_plain(run: Run, token: str | None) -> bool:
    """Whether nothing is to be said against the texts of a run that the condition of RUN holds of: a quick look."""
    hashes = (run.weights_sha256, run.validation_answers_sha256, run.test_answers_sha256)
    return (
        RUN_ID.fullmatch(run.id) is not None
        and (run.stage + run.message + run.owner + (token or "")).isprintable()
        and all(value is None or _SHA256.allows(value) for value in hashes)
        and _related_fault(run.architecture_json, run.recipe_json, run.name, run.params, run.epochs_done) is None
        and _score_fault(run.test_errors, run.test_total) is None
    )


def run_fault(row: Mapping[str, Any]) -> str | None:
    """The first column of a row of `runs` that holds what no run can have, and what it may hold; None where none does.

    Columns that the row lacks are not looked at. `epochs_done` is, where it is there.
    """
    for column, bound in RUN.items():
        if column in row and not bound.allows(row[column]):
            return _fault(column, row[column], bound.words)
    texts = row["architecture_json"], row["recipe_json"]
    return _related_fault(*texts, row["name"], row["params"], row.get("epochs_done", 0)) or _score_fault(
        row.get("test_errors"), row.get("test_total")
    )


def _related_fault(architecture_json: str, recipe_json: str, name: str, params: int, epochs_done: int) -> str | None:
    """The same of what follows from design and recipe."""
    design = _design(architecture_json)
    if isinstance(design, str):
        return f"architecture_json: {design}"
    fault, epochs = _recipe(recipe_json)
    if fault:
        return f"recipe_json: {fault}"
    if name != design.name:
        return _fault("name", name, f"its design's, {strict_json.shown(design.name)}")
    if params != design.params:
        return _fault("params", params, f"its design's, {design.params}")
    return _fault("epochs", epochs_done, f"at most its recipe's {epochs}") if epochs_done > epochs else None


def _score_fault(errors: int | None, total: int | None) -> str | None:
    if (errors is None) != (total is None) or (errors is not None and total is not None and errors > total):
        return _fault("test_errors", errors, f"0 to test_total, which is {total}")
    return None


def epoch_fault(row: Mapping[str, Any]) -> str | None:
    """The same of a row of `epochs`."""
    for column, bound in EPOCH.items():
        if column in row and not bound.allows(row[column]):
            return _fault(column, row[column], bound.words)
    return None


def epochs_of(recipe_json: str) -> int:
    """How many epochs a recipe that has no fault asks for."""
    return _recipe(recipe_json)[1]


def _fault(column: str, value: object, allowed: str) -> str:
    return f"{column}={strict_json.shown(value)}: allowed is {allowed}"


@dataclass(frozen=True)
class _Design:
    name: str
    params: int


# Many runs share a design; both caches hold the 10,000 runs that a store may well have.
@lru_cache(maxsize=16_384)
def _design(text: str) -> _Design | str:
    """What a design says of itself, or why it is none."""
    try:
        architecture = designs.parse(text)
        return _Design(architecture.name, require(architecture).params)
    except MnistnetError as error:
        return str(error)


@lru_cache(maxsize=16_384)
def _recipe(text: str) -> tuple[str, int]:
    """Why a recipe is none, else empty, and its epochs."""
    try:
        return "", stored_recipe(text).epochs
    except MnistnetError as error:
        return str(error), 0
