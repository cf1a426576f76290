"""Rows become runs; rows with a fault become `DamagedRun`, so that one of them hides no other. Knows no file."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from mnistnet import strict_json
from mnistnet.errors import BadInput
from mnistnet.runs.run import ACTIVE, DamagedRun, Run, RunState
from mnistnet.runs.store import bounds
from mnistnet.runs.store.database import StoreError

_FIELDS = [field.name for field in fields(Run)]
_STATE, _STOP, _SCORED = map(_FIELDS.index, ("state", "stop_requested", "scored"))
_COLUMNS = [*_FIELDS, *(column for column in bounds.RUN if column not in _FIELDS)]
_OF_EPOCHS = {
    "epochs_done": "coalesce(max(epochs.epoch), 0)",  # the last, also where the row of an earlier one is missing
    "validation_accuracy": "(SELECT last.validation_accuracy FROM epochs AS last"
    " WHERE last.run = runs.id ORDER BY last.epoch DESC LIMIT 1)",
    "best_validation_accuracy": "max(epochs.validation_accuracy)",
    "train_seconds": "sum(epochs.seconds)",
}
_IS_SOUND = (
    f"{bounds.condition(bounds.RUN, 'runs')}"
    f" AND coalesce(min({bounds.condition(bounds.EPOCH, 'epochs')} IS TRUE OR epochs.run IS NULL), 1)"
)


class UnknownRun(BadInput):
    """No run, or more than one, has this id or prefix."""


class NoSuchRun(UnknownRun):
    """No run has this id or prefix."""


class DamagedRunError(StoreError):
    """The run's row has a fault."""

    def __init__(self, damaged: DamagedRun) -> None:
        super().__init__(
            f"run {damaged.id}: damaged: {damaged.fault}; `python -m mnistnet delete {shlex.quote(damaged.id)}` "
            "removes it"
        )


@dataclass(frozen=True)
class Reading:
    """The runs of some rows, in their order, and the damaged ones."""

    runs: list[Run]
    damaged: list[DamagedRun]

    def matching(self, prefix: str) -> Run | DamagedRun:
        """The one whose id is or begins with `prefix`. Raises UnknownRun where none or several do."""
        rows: list[Run | DamagedRun] = [*self.runs, *self.damaged]
        found = [row for row in rows if row.id.startswith(prefix)] if prefix else []
        if len(found) == 1:
            return found[0]
        if not found:
            raise NoSuchRun(f"run {prefix!a}: no such run; `python -m mnistnet runs` lists them")
        names = ", ".join(run.id for run in found[:5])
        raise UnknownRun(f"run {prefix!a}: {len(found)} runs begin so ({names}); give more of the id")


def in_states(states: tuple[RunState, ...]) -> str:
    """An SQL condition: a row of `runs` is in one of the states."""
    return f"runs.state IN ({', '.join(repr(str(state)) for state in states)})"


def query(where: str = "TRUE", order: str = "runs.number DESC", most: int = -1) -> str:
    """The SQL query for `parse`: the rows of `runs` that fulfil a condition, joined with what their epochs add; the
    first `most` of them, where that is not negative.

    The view `overview` has the same columns, but aggregates the epochs of all runs whatever is asked for.
    """
    columns = ", ".join(_OF_EPOCHS.get(column, f"runs.{column}") for column in _COLUMNS)
    joined = "runs LEFT JOIN epochs ON epochs.run = runs.id"
    chosen = f"FROM {joined} WHERE {where} GROUP BY runs.number ORDER BY {order} LIMIT {most}"
    return f"SELECT {columns}, {_IS_SOUND} {chosen}"


# Without the trials of searches that have ended: hundreds each, of which lists show those that were scored.
LISTED = query(f"runs.search IS NULL OR runs.scored IS NOT 0 OR {in_states(ACTIVE)}")
IN_TURN = query(in_states(ACTIVE), "turn")  # the queued, starting and running runs in the order of the queue


def parse(rows: Iterable[tuple[Any, ...]]) -> Reading:
    """The rows that a `query` returned, as values."""
    reading = Reading([], [])
    for row in rows:
        run = _parsed(row)
        if isinstance(run, Run):
            reading.runs.append(run)
        else:
            reading.damaged.append(run)
    return reading


def _parsed(values: tuple[Any, ...]) -> Run | DamagedRun:
    if values[-1] and values[_STATE] in set(RunState):
        run = _run(values)
        if bounds.is_plain(run, values[_COLUMNS.index("token")]):
            return run
    row = dict(zip(_COLUMNS, values[:-1], strict=True))
    if fault := bounds.run_fault(row) or (None if values[-1] else "an epoch of it holds what no epoch can have"):
        return DamagedRun(row["number"], shown_id(row["id"]), fault)
    return _run(values)


def _run(values: tuple[Any, ...]) -> Run:
    row = list(values[: len(_FIELDS)])
    row[_STATE], row[_STOP], row[_SCORED] = RunState(row[_STATE]), bool(row[_STOP]), bool(row[_SCORED])
    return Run(*row)


def shown_id(value: object) -> str:
    """A run's id; a value that is not an id, as it may be shown."""
    return str(value) if bounds.RUN["id"].allows(value) else strict_json.shown(value)
