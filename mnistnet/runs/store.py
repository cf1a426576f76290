"""The truth about every run: its row and its folder. Owns every state change; knows no process, no torch."""

import os
import secrets
import shutil
import time
from dataclasses import fields
from pathlib import Path

from mnistnet.errors import BadInput
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.geometry import require
from mnistnet.runs.database import Database, StoreError
from mnistnet.runs.run import ACTIVE, CLAIMED, RESUMABLE, Metrics, Run, State
from mnistnet.training.recipe import Recipe

MINIMUM_FREE_BYTES = 200 * 1024**2
_COLUMNS = ", ".join(field.name for field in fields(Run))
_METRICS = [field.name for field in fields(Metrics)]


class UnknownRun(BadInput):
    """No run, or more than one, has this id or prefix."""


class WrongState(BadInput):
    """The run is not in a state in which this can be done."""


def default_root() -> Path:
    """$MNISTNET_STORE, or `runs` where we stand."""
    return Path(os.environ.get("MNISTNET_STORE") or "runs")


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Store:
    """The runs under one folder. Cheap to make; every call opens and closes its own connection."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or default_root()).resolve()
        self.database = Database(self.root / "runs.sqlite")

    def folder(self, run_id: str) -> Path:
        """Where the files of a run lie: checkpoints, predictions, log, lock."""
        return self.root / run_id

    # Reading

    def runs(self) -> list[Run]:
        """All runs, the newest first."""
        return self._select("ORDER BY number DESC")

    def active(self) -> list[Run]:
        """Queued, starting and running runs in the order in which they have their turn."""
        return self._select(f"WHERE state IN ({_quoted(ACTIVE)}) ORDER BY turn")

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

    # Changing, for whoever starts and stops runs

    def enqueue(self, architecture: Architecture, recipe: Recipe, token: str | None = None) -> Run:
        """Put a run at the end of the queue; the same `token` again gives the run it already made.

        Raises DesignError for a design that cannot be built, StoreError where the disk is full or
        cannot be written; nothing is left behind then.
        """
        params = require(architecture).params
        run_id = secrets.token_hex(4)
        threads = min(recipe.threads, cores()) or cores()
        folder = self.folder(run_id)
        stored_id = None
        try:
            self._make_room()
            folder.mkdir(parents=True)
            (folder / "design.json").write_text(architecture.to_json())
            (folder / "recipe.json").write_text(recipe.model_dump_json(indent=2) + "\n")
            stored_id = self._insert(run_id, token, architecture, recipe, params, threads)
        except OSError as error:
            raise StoreError(
                f"{self.root}: {error.strerror}: nothing was started; choose another MNISTNET_STORE"
            ) from None
        finally:
            if stored_id != run_id:
                shutil.rmtree(folder, ignore_errors=True)
        return self.run(stored_id)

    def _insert(
        self, run_id: str, token: str | None, architecture: Architecture, recipe: Recipe, params: int, threads: int
    ) -> str:
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO runs (id, token, turn, name, architecture_json, recipe_json, params, threads, state,"
                " created) VALUES (?, ?, (SELECT coalesce(max(turn), 0) + 1 FROM runs), ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (token) DO NOTHING",
                (
                    run_id,
                    token,
                    architecture.name,
                    architecture.model_dump_json(),
                    recipe.model_dump_json(),
                    params,
                    threads,
                    State.QUEUED,
                    time.time(),
                ),
            )
            row = connection.execute("SELECT id FROM runs WHERE id = ? OR token = ?", (run_id, token)).fetchone()
        return str(row[0])

    def request_stop(self, run_id: str) -> Run:
        """Ask a run to end: at once if it waits in the queue, else at its worker's next look.

        Raises WrongState for a run that has ended already.
        """
        with self.database.writing() as connection:
            connection.execute(
                "UPDATE runs SET state = ?, ended = ?, stage = '' WHERE id = ? AND state = ?",
                (State.STOPPED, time.time(), run_id, State.QUEUED),
            )
            connection.execute(
                "UPDATE runs SET stop_requested = 1, stage = 'stopping'"
                f" WHERE id = ? AND state IN ({_quoted(CLAIMED)})",
                (run_id,),
            )
            changed = connection.execute("SELECT state, stop_requested FROM runs WHERE id = ?", (run_id,)).fetchone()
        run = self.run(run_id)
        if changed and not run.stop_requested and run.state is not State.STOPPED:
            raise WrongState(f"run {run.id}: it is {run.state} already; there is nothing to stop")
        return run

    def resume(self, run_id: str) -> Run:
        """Put an interrupted or stopped run back into the queue; WrongState for any other."""
        self._make_room()
        with self.database.writing() as connection:
            done = connection.execute(
                "UPDATE runs SET state = ?, stop_requested = 0, ended = NULL, message = '', stage = '',"
                " step = 0, images_per_second = NULL, turn = (SELECT max(turn) + 1 FROM runs)"
                f" WHERE id = ? AND state IN ({_quoted(RESUMABLE)})",
                (State.QUEUED, run_id),
            ).rowcount
        run = self.run(run_id)
        if not done:
            raise WrongState(f"run {run.id}: it is {run.state}; only an interrupted or stopped run can be resumed")
        return run

    # Changing, for the supervisor and the workers

    def claim(self, slots: int) -> Run | None:
        """The next queued run, now starting, if its threads fit beside those at work into `slots`.

        A run that alone wants more than all slots starts when nothing else runs. First in, first out:
        a small run does not overtake a large one that waits.
        """
        with self.database.writing() as connection:
            busy = connection.execute(
                f"SELECT coalesce(sum(threads), 0) FROM runs WHERE state IN ({_quoted(CLAIMED)})"
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
        return self.run(row[0])

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
        won = self.database.change(
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
        with self.database.writing() as connection:
            connection.execute(
                f"INSERT OR REPLACE INTO epochs (run, {', '.join(_METRICS)}) VALUES ({marks})",
                (run_id, *values),
            )
            connection.execute(
                "UPDATE runs SET step = 0, images_per_second = ? WHERE id = ?",
                (metrics.images_per_second, run_id),
            )

    def forget_epochs_after(self, run_id: str, epoch: int) -> None:
        """Drop epochs whose checkpoints turned out damaged; they are trained again."""
        self.database.change("DELETE FROM epochs WHERE run = ? AND epoch > ?", run_id, epoch)

    def complete(self, run_id: str, test_errors: int, test_total: int, weights_sha256: str) -> bool:
        """From running to done with the final score; False where another terminal state came first."""
        return self.database.change(
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
        return self.database.change(
            "UPDATE runs SET state = ?, ended = ?, stage = '', message = ?"
            f" WHERE id = ? AND state IN ({_quoted(CLAIMED)}) AND attempt = coalesce(?, attempt)",
            state,
            time.time(),
            message,
            run_id,
            attempt,
        )

    def _select(self, clause: str) -> list[Run]:
        return [_run(row) for row in self.database.rows(f"SELECT {_COLUMNS} FROM overview {clause}")]

    def _make_room(self) -> None:
        place = self.root
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(place).free
        if free < MINIMUM_FREE_BYTES:
            raise StoreError(
                f"{self.root}: {free // 1024**2} MB free: at least {MINIMUM_FREE_BYTES // 1024**2} MB are needed;"
                " free some space or choose another MNISTNET_STORE"
            )


def _quoted(states: tuple[State, ...]) -> str:
    return ", ".join(f"'{state}'" for state in states)


def _run(row: tuple[object, ...]) -> Run:
    values = dict(zip((field.name for field in fields(Run)), row, strict=True))
    values["state"] = State(str(values["state"]))
    values["stop_requested"] = bool(values["stop_requested"])
    return Run(**values)  # type: ignore[arg-type]
