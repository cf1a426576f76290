"""Runs to be queued, their rows, and their place in the queue. Every function works within a transaction."""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.summary import require
from mnistnet.runs import limits
from mnistnet.runs.files.atomic import write_atomic
from mnistnet.runs.files.names import DESIGN, RECIPE, START
from mnistnet.runs.run import RESUMABLE, RunState
from mnistnet.runs.store.bounds import LARGEST
from mnistnet.runs.store.run_rows import in_states
from mnistnet.system import cores
from mnistnet.training.recipe import Recipe


@dataclass(frozen=True)
class Start:
    """The run that a new one starts from, the epochs trained until then, and the bytes of its last checkpoint."""

    run_id: str
    epochs: int
    state: bytes
    sha256: str


@dataclass(frozen=True)
class Trial:
    """The search that starts a run, and the number of its trial; `scored` is False where the test set is not asked."""

    search: str
    number: int
    scored: bool = False


@dataclass(frozen=True)
class NewRun:
    """A run to be queued. `token`: given by whoever starts it, so that a repeated request makes no second run.

    `start` is None where it starts from random weights, `trial` where people started it.
    """

    id: str
    architecture: Architecture
    recipe: Recipe
    token: str | None
    owner: str
    start: Start | None = None
    trial: Trial | None = None

    def write(self, folder: Path) -> None:
        """Make its folder, with its design, its recipe and the weights that it starts from. Raises OSError."""
        folder.mkdir(parents=True)
        (folder / DESIGN).write_text(self.architecture.to_json(), "utf-8")
        (folder / RECIPE).write_text(self.recipe.model_dump_json(indent=2) + "\n", "utf-8")
        if self.start:
            write_atomic(folder / START, self.start.state)


def require_short(connection: sqlite3.Connection, more: int) -> None:
    """OverLimit where so many more runs would make the queue too long."""
    waiting = connection.execute("SELECT count(*) FROM runs WHERE state = ?", (RunState.QUEUED,)).fetchone()[0]
    if waiting + more > limits.current().queued:
        raise limits.OverLimit(
            f"{waiting} runs are queued and {more} more were asked for: at most {limits.current().queued} may "
            "wait; let some finish, or stop them"
        )


def insert(connection: sqlite3.Connection, run: NewRun) -> str:
    """Put the run at the end of the queue; its id, or that of the run that its token has made already."""
    connection.execute(
        "INSERT INTO runs (number, id, token, turn, name, architecture_json, recipe_json, params, threads, state,"
        " created, owner, started_from, epochs_before, start_sha256, search, trial, scored)"
        f" VALUES ({_next('number')}, ?, ?, {_next('turn')}, {', '.join('?' * 14)})"
        " ON CONFLICT (token) DO NOTHING",
        (
            run.id,
            run.token,
            run.architecture.name,
            run.architecture.model_dump_json(),
            run.recipe.model_dump_json(),
            require(run.architecture).params,
            min(run.recipe.threads, cores()) or cores(),
            RunState.QUEUED,
            time.time(),
            run.owner,
            *((run.start.run_id, run.start.epochs, run.start.sha256) if run.start else (None, 0, None)),
            *((run.trial.search, run.trial.number, run.trial.scored) if run.trial else (None, None, True)),
        ),
    )
    row = connection.execute("SELECT id FROM runs WHERE id = ? OR token = ?", (run.id, run.token)).fetchone()
    return str(row[0])


def requeue(connection: sqlite3.Connection, run_id: str) -> bool:
    """Put an interrupted or stopped run at the end of the queue; False for a run in any other state."""
    statement = (
        "UPDATE runs SET state = ?, stop_requested = 0, ended = NULL, message = '', stage = '', step = 0,"
        f" images_per_second = NULL, turn = {_next('turn')} WHERE id = ? AND {in_states(RESUMABLE)}"
    )
    return bool(connection.execute(statement, (RunState.QUEUED, run_id)).rowcount)


def _next(column: str) -> str:
    """The first number after all others in a column of `runs`, as SQL.

    It ignores values that are not integers, and those in the upper half of what is allowed: nothing but an edit by
    hand writes them, and no number could follow.
    """
    known = f"FROM runs WHERE typeof({column}) = 'integer' AND {column} <= {LARGEST // 2}"
    return f"(SELECT coalesce(max({column}), 0) + 1 {known})"
