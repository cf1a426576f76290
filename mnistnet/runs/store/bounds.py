"""The values that each column of `runs` and `epochs` may hold, and the first fault of a row.

The one table for all rows that may come from elsewhere: a backup, a `run.json`, a database that was edited by hand.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mnistnet import strict_json
from mnistnet.data.datasets import SOURCES
from mnistnet.errors import MnistnetError
from mnistnet.nets import architecture as designs
from mnistnet.nets.architecture import MAX_NAME
from mnistnet.nets.summary import require
from mnistnet.runs.files.names import CHECKPOINT, RUN_ID
from mnistnet.runs.run import Run, RunState, stored_recipe
from mnistnet.runs.store.column_types import ColumnType, Integer, Json, Real, Text
from mnistnet.training.recipe import MAX_EPOCHS

LARGEST = 2**31  # of what is counted: far above any run's numbers, far below SQLite's largest integer
_LATEST = 253_402_300_799  # the last second of the year 9999
_LARGEST_LOSS = 3.5e38  # float32 ends there
_MOST_CORES = 4096
_MOST_TESTED = max(source.test_total for source in SOURCES.values())

_TIME, _UNKNOWN_TIME = Real(0, _LATEST), Real(0, _LATEST, optional=True)
_SHA256 = Text(64, re.compile(r"[0-9a-f]{64}"), optional=True, words="a sha256, 64 hexadecimal digits")

RUN: dict[str, ColumnType] = {
    "number": Integer(1, LARGEST),
    "id": Text(8, RUN_ID, words="8 hexadecimal digits"),
    "token": Text(200, optional=True),
    "turn": Integer(0, LARGEST),
    "attempt": Integer(0, LARGEST),
    "name": Text(MAX_NAME),
    "architecture_json": Json(),
    "recipe_json": Json(),
    "params": Integer(0, LARGEST),
    "threads": Integer(1, _MOST_CORES),
    "state": Text(20, re.compile("|".join(RunState)), words=", ".join(RunState)),
    "stage": Text(200),
    "message": Text(10_000, re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]*")),
    "stop_requested": Integer(0, 1),
    "created": _TIME,
    "started": _UNKNOWN_TIME,
    "ended": _UNKNOWN_TIME,
    "step": Integer(0, 1_000_000),
    "steps": Integer(0, 1_000_000),
    "images_per_second": Real(0, 1e9, optional=True),
    "test_errors": Integer(0, _MOST_TESTED, optional=True),
    "test_total": Integer(1, _MOST_TESTED, optional=True),
    "weights_sha256": _SHA256,
    "validation_answers_sha256": _SHA256,
    "test_answers_sha256": _SHA256,
    "owner": Text(1000),
    "started_from": Text(8, RUN_ID, optional=True, words="8 hexadecimal digits"),
    "epochs_before": Integer(0, LARGEST),
    "start_sha256": _SHA256,
    "search": Text(8, RUN_ID, optional=True, words="8 hexadecimal digits"),
    "trial": Integer(0, LARGEST, optional=True),
    "scored": Integer(0, 1),
}
EPOCH: dict[str, ColumnType] = {
    "epoch": Integer(1, MAX_EPOCHS),
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


def condition(columns: Mapping[str, ColumnType], table: str) -> str:
    """An SQL condition: no column of a row of `table` holds a value that is not allowed."""
    return "(" + " AND ".join(kind.sql(f"{table}.{column}") for column, kind in columns.items()) + ")"


def is_plain(run: Run, token: str | None) -> bool:
    """True where a run whose row fulfils `condition(RUN)` has no fault in its texts either.

    Quick, for lists of many runs; it refuses some texts that `run_fault` then finds to be allowed.
    """
    hashes = (run.weights_sha256, run.validation_answers_sha256, run.test_answers_sha256, run.start_sha256)
    return (
        RUN_ID.fullmatch(run.id) is not None
        and (run.stage + run.message + run.owner + (token or "")).isprintable()
        and all(map(_SHA256.allows, hashes))
        and RUN["started_from"].allows(run.started_from)
        and RUN["search"].allows(run.search)
        and _start_fault(run.started_from, run.epochs_before, run.start_sha256) is None
        and _related_fault(run.architecture_json, run.recipe_json, run.name, run.params, run.epochs_done) is None
        and _score_fault(run.test_errors, run.test_total) is None
    )


def run_fault(row: Mapping[str, Any]) -> str | None:
    """The first fault of a row of `runs`: its column, the value, and what is allowed; None for a row without fault.

    Checks the columns that the row has, and `epochs_done` if the row has it.
    """
    for column, kind in RUN.items():
        if column in row and not kind.allows(row[column]):
            return _fault(column, row[column], kind.words)
    texts = row["architecture_json"], row["recipe_json"]
    return (
        _related_fault(*texts, row["name"], row["params"], row.get("epochs_done", 0))
        or _score_fault(row.get("test_errors"), row.get("test_total"))
        or _start_fault(row.get("started_from"), row.get("epochs_before", 0), row.get("start_sha256"))
    )


def _related_fault(architecture_json: str, recipe_json: str, name: str, params: int, epochs_done: int) -> str | None:
    """The first fault in design and recipe, or in a value that follows from them."""
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


def _start_fault(run_id: str | None, epochs: int, sha256: str | None) -> str | None:
    if len({run_id is None, epochs == 0, sha256 is None}) > 1:
        allowed = "one where its run and the sha256 of its weights are known, else 0"
        return _fault("epochs_before", epochs, allowed)
    return None


def epoch_fault(row: Mapping[str, Any]) -> str | None:
    """The first fault of a row of `epochs`, as in `run_fault`."""
    for column, kind in EPOCH.items():
        if column in row and not kind.allows(row[column]):
            return _fault(column, row[column], kind.words)
    return None


def epochs_of(recipe_json: str) -> int:
    """The number of epochs of a stored recipe; 0 for a recipe that cannot be parsed."""
    return _recipe(recipe_json)[1]


def _fault(column: str, value: object, allowed: str) -> str:
    return f"{column}={strict_json.shown(value)}: allowed is {allowed}"


@dataclass(frozen=True)
class _Design:
    name: str
    params: int


# Many runs share a design; both caches suffice for a store of 10,000 runs.
@lru_cache(maxsize=16_384)
def _design(text: str) -> _Design | str:
    """The design's name and parameter count, or the message of the error that it raises."""
    try:
        architecture = designs.parse(text)
        return _Design(architecture.name, require(architecture).params)
    except MnistnetError as error:
        return str(error)


@lru_cache(maxsize=16_384)
def _recipe(text: str) -> tuple[str, int]:
    """The message of the error that the recipe raises, else empty; and its epochs."""
    try:
        return "", stored_recipe(text).epochs
    except MnistnetError as error:
        return str(error), 0
