"""The rows of all runs: reading them, and every change of state that the supervisor and the workers make."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from mnistnet.errors import BadInput
from mnistnet.runs import records
from mnistnet.runs.database import Database
from mnistnet.runs.durable import NotSaved
from mnistnet.runs.records import Records
from mnistnet.runs.run import ACTIVE, CLAIMED, Metrics, Run, State

T = TypeVar("T")

_COLUMNS = ", ".join(field.name for field in fields(Run))
_METRICS = [field.name for field in fields(Metrics)]


class UnknownRun(BadInput):
    """No run, or more than one, has this id or prefix."""


class Ledger:
    """The rows of the runs under one folder. Every call opens and closes its own connection."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = Database(root / "runs.sqlite", Records(root))

    def changing(self, run_id: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction with `work` in it, and the run's own record written anew. Raises StoreError."""

        def recorded(connection: sqlite3.Connection) -> T:
            result = work(connection)
            with suppress(NotSaved):  # a disk that takes no second copy may still take the first
                records.keep(connection, self.root, run_id)
            return result

        return self.database.transact(recorded)

    def _change(self, run_id: str, statement: str, *values: object) -> bool:
        """One statement about a run, and its record; whether any row changed."""
        return self.changing(run_id, lambda connection: bool(connection.execute(statement, values).rowcount))

    def runs(self) -> list[Run]:
        """All runs, the newest first."""
        return self._select("ORDER BY number DESC")

    def active(self) -> list[Run]:
        """Queued, starting and running runs in the order in which they have their turn."""
        return self._select(f"WHERE state IN ({quoted(ACTIVE)}) ORDER BY turn")

    def run(self, prefix: str) -> Run:
        """The run whose id is or begins with `prefix`; UnknownRun where none or several do."""
        found = [run for run in self._select("ORDER BY number DESC") if run.id.startswith(prefix)] if prefix else []
        if len(found) == 1:
            return found[0]
        if not found:
            raise UnknownRun(f"run {prefix!a}: no such run; `python -m mnistnet runs` lists them")
        names = ", ".join(run.id for run in found[:5])
        raise UnknownRun(f"run {prefix!a}: {len(found)} runs begin so ({names}); give more of the id")

    def metrics(self, run_id: str) -> list[Metrics]:
        """The stored epochs of a run, in order."""
        rows = self.database.rows(f"SELECT {', '.join(_METRICS)} FROM epochs WHERE run = ? ORDER BY epoch", run_id)
        return [Metrics(*row) for row in rows]

    def stop_requested(self, run_id: str) -> bool:
        """Whether someone wants the run to end. Costs a worker a tenth of a millisecond."""
        rows = self.database.rows("SELECT stop_requested FROM runs WHERE id = ?", run_id)
        return not rows or bool(rows[0][0])

    def claim(self, slots: int) -> Run | None:
        """The next queued run, now starting, if its threads fit beside those at work into `slots`.

        A run that alone wants more than all slots starts when nothing else runs. First in, first out:
        a small run does not overtake a large one that waits.
        """
        claimed = self.database.transact(lambda connection: self._claim(connection, slots))
        return self.run(claimed) if claimed else None

    def _claim(self, connection: sqlite3.Connection, slots: int) -> str | None:
        busy = connection.execute(
            f"SELECT coalesce(sum(threads), 0) FROM runs WHERE state IN ({quoted(CLAIMED)})"
        ).fetchone()[0]
        row = connection.execute(
            "SELECT id, threads FROM runs WHERE state = ? ORDER BY turn LIMIT 1", (State.QUEUED,)
        ).fetchone()
        if row is None or (busy and busy + row[1] > slots):
            return None
        connection.execute(
            "UPDATE runs SET state = ?, attempt = attempt + 1, stage = 'starting' WHERE id = ?",
            (State.STARTING, row[0]),
        )
        return str(row[0])

    def unclaim(self, run: Run) -> bool:
        """Put a claimed run whose worker never came back where it stood in the queue."""
        return self.database.change(
            "UPDATE runs SET state = ?, stage = '' WHERE id = ? AND state = ? AND attempt = ?",
            State.QUEUED,
            run.id,
            State.STARTING,
            run.attempt,
        )

    def start(self, run_id: str, attempt: int) -> Run | None:
        """From starting to running, for the worker of this attempt; None where it came too late."""
        won = self._change(
            run_id,
            "UPDATE runs SET state = ?, started = coalesce(started, ?) WHERE id = ? AND state = ? AND attempt = ?",
            State.RUNNING,
            time.time(),
            run_id,
            State.STARTING,
            attempt,
        )
        return self.run(run_id) if won else None

    def advance(
        self, run_id: str, stage: str, step: int = 0, steps: int = 0, images_per_second: float | None = None
    ) -> None:
        """What the worker is doing, for people to look at. Nothing depends on it."""
        self.database.change(
            "UPDATE runs SET stage = CASE stop_requested WHEN 1 THEN stage ELSE ? END, step = ?, steps = ?,"
            " images_per_second = coalesce(?, images_per_second) WHERE id = ? AND state = ?",
            stage,
            step,
            steps,
            images_per_second,
            run_id,
            State.RUNNING,
        )

    def record_epoch(self, run_id: str, metrics: Metrics) -> None:
        """An epoch and the hash of its checkpoint, as one transaction."""
        values = [getattr(metrics, name) for name in _METRICS]
        marks = ", ".join("?" * (len(_METRICS) + 1))

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                f"INSERT OR REPLACE INTO epochs (run, {', '.join(_METRICS)}) VALUES ({marks})",
                (run_id, *values),
            )
            connection.execute(
                "UPDATE runs SET step = 0, images_per_second = ? WHERE id = ?",
                (metrics.images_per_second, run_id),
            )

        self.changing(run_id, work)

    def forget_epochs_after(self, run_id: str, epoch: int, message: str = "") -> None:
        """Drop epochs whose checkpoints turned out damaged, and say so; they are trained again."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM epochs WHERE run = ? AND epoch > ?", (run_id, epoch))
            connection.execute("UPDATE runs SET message = ? WHERE id = ?", (message, run_id))

        self.changing(run_id, work)

    def complete(self, run_id: str, test_errors: int, test_total: int, weights_sha256: str) -> bool:
        """From running to done with the final score; False where another terminal state came first."""
        return self._change(
            run_id,
            "UPDATE runs SET state = ?, ended = ?, stage = '', test_errors = ?, test_total = ?,"
            " weights_sha256 = ? WHERE id = ? AND state = ?",
            State.DONE,
            time.time(),
            test_errors,
            test_total,
            weights_sha256,
            run_id,
            State.RUNNING,
        )

    def finish(self, run_id: str, state: State, message: str = "", *, attempt: int | None = None) -> bool:
        """From claimed to the terminal `state`; False where another terminal state came first.

        With `attempt`, only if the run is still in it: whoever looked before it was resumed comes too late.
        """
        return self._change(
            run_id,
            "UPDATE runs SET state = ?, ended = ?, stage = '', message = ?"
            f" WHERE id = ? AND state IN ({quoted(CLAIMED)}) AND attempt = coalesce(?, attempt)",
            state,
            time.time(),
            message,
            run_id,
            attempt,
        )

    def _select(self, clause: str) -> list[Run]:
        return [_run(row) for row in self.database.rows(f"SELECT {_COLUMNS} FROM overview {clause}")]


def quoted(states: tuple[State, ...]) -> str:
    """The states as SQL lists them."""
    return ", ".join(f"'{state}'" for state in states)


def _run(row: tuple[object, ...]) -> Run:
    values = dict(zip((field.name for field in fields(Run)), row, strict=True))
    values["state"] = State(str(values["state"]))
    values["stop_requested"] = bool(values["stop_requested"])
    return Run(**values)  # type: ignore[arg-type]
