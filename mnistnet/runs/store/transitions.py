"""The rows of all runs: reading them, and every change of state that the supervisor and the workers make."""

import shlex
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from mnistnet.errors import BadInput
from mnistnet.runs.files.atomic import WriteError
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import ACTIVE, CLAIMED, DamagedRun, EpochMetrics, Run, RunState
from mnistnet.runs.store import bounds, run_json
from mnistnet.runs.store.database import Database, StoreError
from mnistnet.runs.store.reading import Reading, query, read
from mnistnet.runs.store.run_json import Records

T = TypeVar("T")
Answered: TypeAlias = Mapping[SplitName, str]
_NOT_HASHED: Answered = MappingProxyType({})

_METRICS = [field.name for field in fields(EpochMetrics)]
_LONGEST_MESSAGE = 2000
_MISSING = "missing: the database was replaced by an older one while it trained"
_IS_ACTIVE = f"runs.state IN ({', '.join(repr(str(state)) for state in ACTIVE)})"


class UnknownRun(BadInput):
    """No run, or more than one, has this id or prefix."""


class DamagedRunError(StoreError):
    """The run's row holds what no run can have."""

    def __init__(self, damaged: DamagedRun) -> None:
        super().__init__(
            f"run {damaged.id}: damaged: {damaged.fault}; `python -m mnistnet delete {shlex.quote(damaged.id)}` "
            "removes it"
        )


class Ledger:
    """The rows of the runs under one folder. Every call opens and closes its own connection."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = Database(root / "runs.sqlite", Records(root))

    def changing(self, run_id: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction with `work` in it, and the run's own record written anew. Raises StoreError."""

        def recorded(connection: sqlite3.Connection) -> T:
            result = work(connection)
            with suppress(WriteError):  # a disk that takes no second copy may still take the first
                run_json.keep(connection, self.root, run_id)
            return result

        return self.database.transact(recorded)

    def _change(self, run_id: str, statement: str, *values: object) -> bool:
        """One statement about a run, and its record; whether any row changed."""
        return self.changing(run_id, lambda connection: bool(connection.execute(statement, values).rowcount))

    def runs(self) -> list[Run]:
        """All runs, the newest first, but for those whose rows are damaged."""
        return self.reading().runs

    def reading(self) -> Reading:
        """All runs, and the damaged ones."""
        return read(self.database.rows(query()))

    def folders_aside(self) -> list[Path]:
        """Folders of runs that could not be taken into a new database."""
        return Records(self.root).set_aside()

    def active(self) -> list[Run]:
        """Queued, starting and running runs in the order in which they have their turn; no damaged ones."""
        return read(self.database.rows(query(_IS_ACTIVE, "turn"))).runs

    def run(self, prefix: str) -> Run:
        """The run whose id is or begins with `prefix`; UnknownRun where none or several do, DamagedRunError."""
        found = self.found(prefix)
        if isinstance(found, DamagedRun):
            raise DamagedRunError(found)
        return found

    def found(self, prefix: str) -> Run | DamagedRun:
        """The same, damaged or not. Raises UnknownRun."""
        if bounds.ID_PREFIX.fullmatch(prefix):  # of many runs it takes a while to look at each
            reading = read(self.database.rows(query("substr(runs.id, 1, ?) = ?"), len(prefix), prefix))
        else:
            reading = self.reading()
        rows: list[Run | DamagedRun] = [*reading.runs, *reading.damaged]
        found = [row for row in rows if row.id.startswith(prefix)] if prefix else []
        if len(found) == 1:
            return found[0]
        if not found:
            raise UnknownRun(f"run {prefix!a}: no such run; `python -m mnistnet runs` lists them")
        names = ", ".join(run.id for run in found[:5])
        raise UnknownRun(f"run {prefix!a}: {len(found)} runs begin so ({names}); give more of the id")

    def metrics(self, run_id: str) -> list[EpochMetrics]:
        """The stored epochs of a run, in order; without those that hold what no epoch can have (it is damaged then)."""
        rows = self.database.rows(
            f"SELECT {', '.join(_METRICS)} FROM epochs WHERE run = ? AND {bounds.condition(bounds.EPOCH, 'epochs')}"
            " ORDER BY epoch",
            run_id,
        )
        return [EpochMetrics(*row) for row in rows]

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
        active = read(connection.execute(query(_IS_ACTIVE, "turn"))).runs
        busy = sum(run.threads for run in active if run.state in CLAIMED)
        first = next((run for run in active if run.state is RunState.QUEUED), None)
        if first is None or (busy and busy + first.threads > slots):
            return None
        connection.execute(
            "UPDATE runs SET state = ?, attempt = attempt + 1, stage = 'starting' WHERE id = ?",
            (RunState.STARTING, first.id),
        )
        return first.id

    def unclaim(self, run: Run) -> bool:
        """Put a claimed run whose worker never came back where it stood in the queue."""
        return self.database.change(
            "UPDATE runs SET state = ?, stage = '' WHERE id = ? AND state = ? AND attempt = ?",
            RunState.QUEUED,
            run.id,
            RunState.STARTING,
            run.attempt,
        )

    def start(self, run_id: str, attempt: int) -> Run | None:
        """From starting to running, for the worker of this attempt; None where it came too late."""
        won = self._change(
            run_id,
            "UPDATE runs SET state = ?, started = coalesce(started, ?) WHERE id = ? AND state = ? AND attempt = ?",
            RunState.RUNNING,
            time.time(),
            run_id,
            RunState.STARTING,
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
            RunState.RUNNING,
        )

    def record_epoch(self, run_id: str, metrics: EpochMetrics) -> None:
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
            say_what_is_missing(connection, run_id, metrics.epoch)

        self.changing(run_id, work)

    def forget_epochs_after(self, run_id: str, epoch: int, message: str = "") -> None:
        """Drop epochs whose checkpoints turned out damaged, and say so; they are trained again."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM epochs WHERE run = ? AND epoch > ?", (run_id, epoch))
            connection.execute("UPDATE runs SET message = ? WHERE id = ?", (message, run_id))

        self.changing(run_id, work)

    def complete(
        self, run_id: str, test_errors: int, test_total: int, weights_sha256: str, answers: Answered = _NOT_HASHED
    ) -> bool:
        """From running to done with the final score; False where another terminal state came first.

        `answers`: the sha256 of the file with each split's answers.
        """
        values = (time.time(), test_errors, test_total, weights_sha256, answers.get("validation"), answers.get("test"))

        def work(connection: sqlite3.Connection) -> bool:
            done = connection.execute(
                "UPDATE runs SET state = ?, ended = ?, stage = '', test_errors = ?, test_total = ?, weights_sha256 = ?,"
                " validation_answers_sha256 = ?, test_answers_sha256 = ? WHERE id = ? AND state = ?",
                (RunState.DONE, *values, run_id, RunState.RUNNING),
            ).rowcount
            if done:
                (recipe,) = connection.execute("SELECT recipe_json FROM runs WHERE id = ?", (run_id,)).fetchone()
                say_what_is_missing(connection, run_id, bounds.epochs_of(recipe))
            return bool(done)

        return self.changing(run_id, work)

    def finish(self, run_id: str, state: RunState, message: str = "", *, attempt: int | None = None) -> bool:
        """From claimed to the terminal `state`; False where another terminal state came first.

        With `attempt`, only if the run is still in it: whoever looked before it was resumed comes too late.
        """
        values = (state, time.time(), _shown(message), run_id, attempt)

        def work(connection: sqlite3.Connection) -> bool:
            ended = connection.execute(
                "UPDATE runs SET state = ?, ended = ?, stage = '', message = ?"
                f" WHERE id = ? AND state IN ({quoted(CLAIMED)}) AND attempt = coalesce(?, attempt)",
                values,
            ).rowcount
            if ended:
                say_what_is_missing(connection, run_id)
            return bool(ended)

        return self.changing(run_id, work)


def quoted(states: tuple[RunState, ...]) -> str:
    """The states as SQL lists them."""
    return ", ".join(f"'{state}'" for state in states)


def _shown(message: str) -> str:
    """The message as it may be stored: what an error says can hold anything."""
    return "".join(char if char.isprintable() else " " for char in message[:_LONGEST_MESSAGE])


def say_what_is_missing(connection: sqlite3.Connection, run_id: str, epoch: int = 0) -> None:
    """Add to the run's message which epochs before its last one, or up to `epoch`, are gone that were stored.

    They are not trained again. Whatever else the message says stays.
    """
    known = {number for (number,) in connection.execute("SELECT epoch FROM epochs WHERE run = ?", (run_id,))}
    missing = [number for number in range(1, max(known | {epoch}) + 1) if number not in known]
    if missing:
        one = len(missing) == 1
        which = f"epoch {missing[0]} of it is" if one else f"epochs {missing[0]} to {missing[-1]} of it are"
        (message,) = connection.execute("SELECT message FROM runs WHERE id = ?", (run_id,)).fetchone()
        others = [said for said in message.split("; ") if said and not said.endswith(_MISSING)]
        connection.execute(
            "UPDATE runs SET message = ? WHERE id = ?", ("; ".join([*others, f"{which} {_MISSING}"]), run_id)
        )
