"""What a row of the store says about itself."""

from typing import Any

import pytest

from mnistnet.runs.run import ACTIVE, CLAIMED, RESUMABLE, Run, RunState
from tests.support.samples import TINY, recipe


def a_run(**fields: Any) -> Run:
    values: dict[str, Any] = {
        "id": "0123abcd",
        "name": TINY.name,
        "state": RunState.RUNNING,
        "architecture_json": TINY.model_dump_json(),
        "recipe_json": recipe(epochs=4, batch_size=100).model_dump_json(),
        "params": 1_000,
        "threads": 1,
        "attempt": 1,
    }
    return Run(**{**values, **fields})


def test_every_state_is_either_active_or_terminal() -> None:
    assert {state for state in RunState if state.is_active} == {"queued", "starting", "running"}


def test_only_stopped_and_interrupted_runs_can_be_resumed() -> None:
    assert {state for state in RunState if state.is_resumable} == {"stopped", "interrupted"}


def test_what_is_claimed_is_active_and_what_can_be_resumed_is_not() -> None:
    assert set(CLAIMED) < set(ACTIVE)
    assert not set(RESUMABLE) & set(ACTIVE)


def test_design_and_recipe_read_back_as_they_were_stored() -> None:
    run = a_run()
    assert (run.architecture, run.recipe) == (TINY, recipe(epochs=4, batch_size=100))


@pytest.mark.parametrize(("errors", "total", "accuracy"), [(None, None, None), (0, 297, 1.0), (60, 10_000, 0.994)])
def test_test_accuracy_is_known_once_the_errors_are(
    errors: int | None, total: int | None, accuracy: float | None
) -> None:
    assert a_run(test_errors=errors, test_total=total).test_accuracy == accuracy


@pytest.mark.parametrize(
    ("epochs_done", "step", "steps", "share"), [(0, 0, 0, 0.0), (1, 0, 10, 0.25), (1, 5, 10, 0.375), (4, 10, 10, 1.0)]
)
def test_progress_counts_epochs_and_steps_within_one(epochs_done: int, step: int, steps: int, share: float) -> None:
    assert a_run(epochs_done=epochs_done, step=step, steps=steps).progress == share


def test_seconds_left_are_the_images_left_at_the_measured_speed() -> None:
    run = a_run(epochs_done=1, step=5, steps=10, images_per_second=500.0)
    assert run.seconds_left == pytest.approx((2.5 * 1_000) / 500)


@pytest.mark.parametrize(
    "fields",
    [
        {"steps": 10},
        {"images_per_second": 500.0},
        {"steps": 10, "step": 1, "images_per_second": 500.0},
        {"state": RunState.DONE, "steps": 10, "images_per_second": 1.0},
    ],
)
def test_seconds_left_are_unknown_before_a_speed_is_measured_and_after_the_end(fields: dict[str, Any]) -> None:
    assert a_run(**fields).seconds_left is None
