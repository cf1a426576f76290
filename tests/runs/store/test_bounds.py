"""What a run's columns may hold: the values of real runs pass, those that no run can have are named."""

import sqlite3
from typing import Any

import pytest

from mnistnet.runs.store import bounds, transitions
from mnistnet.runs.store.column_types import Integer, Json, Real, Text
from mnistnet.runs.store.store import Store
from tests.support.samples import TINY, metrics, recipe, running

BEYOND: dict[str, list[Any]] = {
    "number": [0, -1, 2**31 + 1, 2**63 - 1, None],
    "id": ["", "../../x", "0123ABCD", "0123abcd0", b"0123abcd", None],
    "token": ["a\0", "t" * 201, 1],
    "turn": [-1, 2**63 - 1, None],
    "attempt": [-1, 0.5],
    "name": ["another", "tiny\x1b[2J", "", None],
    "architecture_json": ["", "{}", "[" * 100_000, b"", None],
    "recipe_json": ["", "{", '{"epochs": 0}', '{"epochs": 1e400}', None],
    "params": [-1, 20_000, 2**63 - 1],
    "threads": [0, -1, 10**9],
    "state": ["asleep", "", None],
    "stage": ["\x07", "s" * 201],
    "message": ["\x1b]0;title\x07", "m" * 10_001, "\udcff"],
    "stop_requested": [2, -1, None],
    "created": [-1.0, 1e300, float("inf"), "now", None],
    "started": [-1.0, 1e300],
    "ended": [-1.0, 1e300],
    "step": [-1, 2**63 - 1],
    "steps": [-1, 2**63 - 1],
    "images_per_second": [-1.0, 1e300],
    "test_errors": [-5, 500, 298, 1.5, None],
    "test_total": [0, -1, 10_001, 2, None],
    "weights_sha256": ["ab", "g" * 64, b"ab"],
    "validation_answers_sha256": ["ab", "A" * 64],
    "test_answers_sha256": ["ab", ""],
    "owner": ["ann\x00", "o" * 1001, None],
    "started_from": ["../../x", "0123ABCD"],
    "epochs_before": [-1, 0.5, 3, None],  # 3: without a run that they were trained by
    "start_sha256": ["ab", "g" * 64],
    "search": ["../../x", "0123ABCD"],
    "trial": [-1, 0.5, 2**63 - 1],
    "scored": [2, -1, None],
}
BEYOND_OF_EPOCHS: dict[str, list[Any]] = {
    "epoch": [0, -1, 101, 1.5, 2**63 - 1],
    "train_loss": [-0.1, 1e300, float("inf"), "low"],
    "train_accuracy": [-0.1, 1.1],
    "validation_loss": [-0.1, 1e300, b""],
    "validation_accuracy": [5.0, -1e300, "all"],
    "learning_rate": [-0.1, 11.0],
    "seconds": [-1.0, 1e300],
    "images_per_second": [-1.0, 1e300],
    "checkpoint": ["../../x", "epoch-1.pt", "epoch-0001.pt\n", "epoch-\u0661\u0661\u0661\u0661.pt", ""],
    "checkpoint_sha256": ["ab", "g" * 64],
    "guesses_sha256": ["ab", ""],
}
CASES = [(column, value) for column, values in BEYOND.items() for value in values]
CASES_OF_EPOCHS = [(column, value) for column, values in BEYOND_OF_EPOCHS.items() for value in values]


def rows_of(store: Store, table: str) -> list[dict[str, Any]]:
    connection = sqlite3.connect(store.database.path)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    connection.close()
    return found


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run's row and an epoch's, as a store has written them."""
    store = Store(tmp_path_factory.mktemp("done"))
    run = running(store, TINY)
    for epoch in (1, 2, 3):
        transitions.record_epoch(store, run.id, metrics(epoch))
    transitions.complete(store, run.id, (7, 297), "ab" * 32, {"validation": "cd" * 32, "test": "ef" * 32})
    return rows_of(store, "runs")[0], rows_of(store, "epochs")[0]


def test_every_column_has_a_bound_and_a_value_beyond_it(done: tuple[dict[str, Any], dict[str, Any]]) -> None:
    run, epoch = done
    assert run.keys() == bounds.RUN.keys() == BEYOND.keys()
    assert epoch.keys() - {"run"} == bounds.EPOCH.keys() == BEYOND_OF_EPOCHS.keys()


def test_what_a_store_has_written_is_within_the_bounds(done: tuple[dict[str, Any], dict[str, Any]]) -> None:
    run, epoch = done
    assert (bounds.run_fault(run), bounds.epoch_fault(epoch)) == (None, None)


@pytest.mark.parametrize(("column", "value"), CASES, ids=lambda value: ascii(value)[:30])
def test_a_value_that_no_run_can_have_is_named(
    done: tuple[dict[str, Any], dict[str, Any]], column: str, value: object
) -> None:
    fault = bounds.run_fault({**done[0], column: value})
    assert fault is not None
    assert fault.isprintable()
    assert fault.startswith(column if column != "test_total" else "test_")


@pytest.mark.parametrize(("column", "value"), CASES_OF_EPOCHS, ids=lambda value: ascii(value)[:30])
def test_a_value_that_no_epoch_can_have_is_named(
    done: tuple[dict[str, Any], dict[str, Any]], column: str, value: object
) -> None:
    fault = bounds.epoch_fault({**done[1], column: value})
    assert fault is not None
    assert fault.isprintable()
    assert fault.startswith(f"{column}=")


def test_more_epochs_than_the_recipe_asks_for_are_named(done: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert bounds.run_fault({**done[0], "epochs_done": 4}) == "epochs=4: allowed is at most its recipe's 3"


@pytest.mark.parametrize("table", ["runs", "epochs"])
def test_the_condition_for_sqlite_agrees_with_the_bounds(
    done: tuple[dict[str, Any], dict[str, Any]], table: str
) -> None:
    """But for the letters of texts, which are looked at when a row is read."""
    columns, sound = (bounds.RUN, done[0]) if table == "runs" else (bounds.EPOCH, done[1])
    cases = CASES if table == "runs" else CASES_OF_EPOCHS
    connection = sqlite3.connect(":memory:")
    kinds = {
        Integer: "INTEGER",
        Real: "REAL",
        Text: "TEXT",
        Json: "TEXT",
    }
    connection.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kinds[type(b)]}' for name, b in columns.items())})")
    marks = ", ".join("?" * len(columns))
    for column, value in [("epoch" if table == "epochs" else "number", 1), *cases]:
        if isinstance(value, str):
            continue
        row = {**{name: sound[name] for name in columns}, column: value}
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", tuple(row.values()))
        *stored, holds = connection.execute(f"SELECT *, {bounds.condition(columns, table)} FROM {table}").fetchone()
        # As they come back: a column of texts makes one of a number.
        allowed = [bound.allows(one) for bound, one in zip(columns.values(), stored, strict=True)]
        assert bool(holds) == all(allowed), (column, value)
        connection.execute(f"DELETE FROM {table}")
    connection.close()


def test_a_recipe_of_an_older_version_is_within_the_bounds(done: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Fields that came later have their defaults."""
    assert bounds.run_fault({**done[0], "recipe_json": '{"dataset": "digits", "epochs": 3}'}) is None
    assert bounds.epochs_of(recipe(epochs=7).model_dump_json()) == 7
