"""The changes that the supervisor and the workers make to a run, from its claim to its end.

The first terminal state wins: every function that ends a run names the states that it may come from.
"""

import sqlite3
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import CLAIMED, EpochMetrics, Run, RunState
from mnistnet.runs.store import bounds, messages, run_rows
from mnistnet.runs.store.run_rows import in_states
from mnistnet.runs.store.store import EPOCH_COLUMNS, Store

Sha256OfAnswers: TypeAlias = Mapping[SplitName, str]
_NOT_HASHED: Sha256OfAnswers = MappingProxyType({})


def claim(store: Store, slots: int, after: Run | None = None) -> Run | None:
    """The next queued run, now starting, if its threads fit beside those at work into `slots`; else None.

    A run that alone wants more than all slots starts when nothing else runs. First in, first out:
    a small run does not overtake a large one that waits. `after`: a run whose worker is free now; it takes none but
    a trial of the same search that wants as many threads.
    """

    def work(connection: sqlite3.Connection) -> str | None:
        active = run_rows.parse(connection.execute(run_rows.IN_TURN)).runs
        busy = sum(run.threads for run in active if run.state in CLAIMED)
        first = next((run for run in active if run.state is RunState.QUEUED), None)
        if first is None or (busy and busy + first.threads > slots):
            return None
        if after and (first.search, first.threads) != (after.search, after.threads):
            return None
        connection.execute(
            "UPDATE runs SET state = ?, attempt = attempt + 1, stage = 'starting' WHERE id = ?",
            (RunState.STARTING, first.id),
        )
        return first.id

    claimed = store.database.transact(work)
    return store.run(claimed) if claimed else None


def unclaim(store: Store, run: Run) -> bool:
    """Put a claimed run whose worker did not start back to its place in the queue. True where it was still starting."""
    return store.database.change(
        "UPDATE runs SET state = ?, stage = '' WHERE id = ? AND state = ? AND attempt = ?",
        RunState.QUEUED,
        run.id,
        RunState.STARTING,
        run.attempt,
    )


def start(store: Store, run_id: str, attempt: int) -> Run | None:
    """From starting to running, for the worker of this attempt; None where it came too late."""
    started = store.database.change(
        "UPDATE runs SET state = ?, started = coalesce(started, ?) WHERE id = ? AND state = ? AND attempt = ?",
        RunState.RUNNING,
        time.time(),
        run_id,
        RunState.STARTING,
        attempt,
        run_id=run_id,
    )
    return store.run(run_id) if started else None


def advance(
    store: Store, run_id: str, stage: str, step: int = 0, steps: int = 0, images_per_second: float | None = None
) -> None:
    """Store what the worker is doing, for people to look at. Nothing depends on it.

    `step` of `steps` batches of the epoch are done. `images_per_second`: None leaves the stored speed.
    """
    store.database.change(
        "UPDATE runs SET stage = CASE stop_requested WHEN 1 THEN stage ELSE ? END, step = ?, steps = ?,"
        " images_per_second = coalesce(?, images_per_second) WHERE id = ? AND state = ?",
        stage,
        step,
        steps,
        images_per_second,
        run_id,
        RunState.RUNNING,
    )


def record_epoch(store: Store, run_id: str, metrics: EpochMetrics) -> None:
    """Store an epoch and the hash of its checkpoint, as one transaction."""
    values = [getattr(metrics, name) for name in EPOCH_COLUMNS]
    marks = ", ".join("?" * (len(EPOCH_COLUMNS) + 1))

    def work(connection: sqlite3.Connection) -> None:
        connection.execute(
            f"INSERT OR REPLACE INTO epochs (run, {', '.join(EPOCH_COLUMNS)}) VALUES ({marks})", (run_id, *values)
        )
        connection.execute(
            "UPDATE runs SET step = 0, images_per_second = ? WHERE id = ?", (metrics.images_per_second, run_id)
        )
        messages.report_missing_epochs(connection, run_id, metrics.epoch)

    store.database.transact(work, run_id=run_id)


def forget_epochs_after(store: Store, run_id: str, epoch: int, message: str = "") -> None:
    """Delete the epochs after `epoch`, whose checkpoints are damaged, and say so; they are trained again."""

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM epochs WHERE run = ? AND epoch > ?", (run_id, epoch))
        connection.execute("UPDATE runs SET message = ? WHERE id = ?", (message, run_id))

    store.database.transact(work, run_id=run_id)


def complete(
    store: Store,
    run_id: str,
    test_errors: tuple[int, int] | None,
    weights_sha256: str,
    answers: Sha256OfAnswers = _NOT_HASHED,
) -> bool:
    """From running to done with the final score; False where another terminal state came first.

    `test_errors`: how many of how many test images; None for a run that is not scored. `answers`: the sha256 of the
    file with each split's predictions.
    """
    values = (
        time.time(),
        *(test_errors or (None, None)),
        weights_sha256,
        answers.get("validation"),
        answers.get("test"),
    )

    def work(connection: sqlite3.Connection) -> bool:
        done = connection.execute(
            "UPDATE runs SET state = ?, ended = ?, stage = '', test_errors = ?, test_total = ?, weights_sha256 = ?,"
            " validation_answers_sha256 = ?, test_answers_sha256 = ? WHERE id = ? AND state = ?",
            (RunState.DONE, *values, run_id, RunState.RUNNING),
        ).rowcount
        if done:
            (recipe,) = connection.execute("SELECT recipe_json FROM runs WHERE id = ?", (run_id,)).fetchone()
            messages.report_missing_epochs(connection, run_id, bounds.epochs_of(recipe))
        return bool(done)

    return store.database.transact(work, run_id=run_id)


def finish(store: Store, run_id: str, state: RunState, message: str = "", *, attempt: int | None = None) -> bool:
    """From starting or running to the terminal `state`; False where another terminal state came first.

    With `attempt`, only if the run is still in it: it may have been resumed since the caller looked.
    """
    values = (state, time.time(), messages.storable(message), run_id, attempt)

    def work(connection: sqlite3.Connection) -> bool:
        ended = connection.execute(
            "UPDATE runs SET state = ?, ended = ?, stage = '', message = ?"
            f" WHERE id = ? AND {in_states(CLAIMED)} AND attempt = coalesce(?, attempt)",
            values,
        ).rowcount
        if ended:
            messages.report_missing_epochs(connection, run_id)
        return bool(ended)

    return store.database.transact(work, run_id=run_id)


def explain(store: Store, run: Run, said: str, reason: str) -> None:
    """Replace `said` at the beginning of an interrupted run's message by the `reason`, which was learned later."""
    if reason != said:
        store.database.change(
            "UPDATE runs SET message = ? || substr(message, ?)"
            " WHERE id = ? AND state = ? AND substr(message || '; ', 1, ?) = ?",
            reason,
            len(said) + 1,
            run.id,
            RunState.INTERRUPTED,
            len(said) + 2,
            f"{said}; ",
            run_id=run.id,
        )
