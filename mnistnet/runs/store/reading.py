"""Rows become runs: those that no run can have are told apart, so that one of them hides no other. Knows no file."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from mnistnet import strict_json
from mnistnet.runs.run import DamagedRun, Run, RunState
from mnistnet.runs.store import bounds

_FIELDS = [field.name for field in fields(Run)]
_STATE, _STOP = _FIELDS.index("state"), _FIELDS.index("stop_requested")
_COLUMNS = [*_FIELDS, *(column for column in bounds.RUN if column not in _FIELDS)]
_OF_EPOCHS = {
    "epochs_done": "coalesce(max(epochs.epoch), 0)",  # one whose row is missing is done as well
    "validation_accuracy": "(SELECT last.validation_accuracy FROM epochs AS last"
    " WHERE last.run = runs.id ORDER BY last.epoch DESC LIMIT 1)",
    "best_validation_accuracy": "max(epochs.validation_accuracy)",
    "train_seconds": "sum(epochs.seconds)",
}
_IS_SOUND = (
    f"{bounds.condition(bounds.RUN, 'runs')}"
    f" AND coalesce(min({bounds.condition(bounds.EPOCH, 'epochs')} IS TRUE OR epochs.run IS NULL), 1)"
)


@dataclass(frozen=True)
class Reading:
    """The runs of some rows, in their order, and the rows of which no run can be made."""

    runs: list[Run]
    damaged: list[DamagedRun]


def query(where: str = "TRUE", order: str = "runs.number DESC") -> str:
    """The SQL of what `read` takes: the rows of `runs` for which a condition holds.

    The view `overview` says the same of runs and epochs, but looks at all of them whatever is asked for.
    """
    columns = ", ".join(_OF_EPOCHS.get(column, f"runs.{column}") for column in _COLUMNS)
    joined = "runs LEFT JOIN epochs ON epochs.run = runs.id"
    return f"SELECT {columns}, {_IS_SOUND} FROM {joined} WHERE {where} GROUP BY runs.number ORDER BY {order}"


def read(rows: Iterable[tuple[Any, ...]]) -> Reading:
    """What such a query has found, as values."""
    reading = Reading([], [])
    for row in rows:
        run = _run(row)
        if isinstance(run, Run):
            reading.runs.append(run)
        else:
            reading.damaged.append(run)
    return reading


def _run(values: tuple[Any, ...]) -> Run | DamagedRun:
    if values[-1] and values[_STATE] in set(RunState):
        run = _made(values)
        if bounds.is_plain(run, values[_COLUMNS.index("token")]):
            return run
    row = dict(zip(_COLUMNS, values[:-1], strict=True))
    if fault := bounds.run_fault(row) or (None if values[-1] else "an epoch of it holds what no epoch can have"):
        return DamagedRun(row["number"], shown_id(row["id"]), fault)
    return _made(values)


def _made(values: tuple[Any, ...]) -> Run:
    row = list(values[: len(_FIELDS)])
    row[_STATE], row[_STOP] = RunState(row[_STATE]), bool(row[_STOP])
    return Run(*row)


def shown_id(value: object) -> str:
    """A run's id; what no run can have for one, as it may be shown."""
    return str(value) if bounds.RUN["id"].allows(value) else strict_json.shown(value)
