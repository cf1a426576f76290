"""Runs that are cut off, and what they must come to all the same."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from mnistnet.nets.presets import PRESETS
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor, training_job
from tests.support.samples import figures, running

# A quarter of a second an epoch on the digits: long enough to be caught in the middle.
SLOW = PRESETS["mnistnet-16k"].architecture


@dataclass(frozen=True)
class Outcome:
    """What must be the same however often a run was cut off."""

    state: RunState
    weights_sha256: str | None
    test_errors: int | None
    figures: list[dict[str, Any]]


def outcome(store: Store, run_id: str) -> Outcome:
    run = store.run(run_id)
    return Outcome(run.state, run.weights_sha256, run.test_errors, figures(store.metrics(run_id)))


def looking(store: Store, condition: Callable[[], bool]) -> Callable[[], bool]:
    """The condition, asked as people see it: after a look that makes the states true."""

    def look() -> bool:
        supervisor.refresh(store)
        return condition()

    return look


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Run], Outcome]:
    """What a run comes to without a break: the same design and recipe trained in this process."""
    known: dict[tuple[str, str], Outcome] = {}

    def train(run: Run) -> Outcome:
        key = (run.architecture_json, run.recipe_json)
        if key not in known:
            threads = torch.get_num_threads()
            store = Store(tmp_path_factory.mktemp("undisturbed"))
            again = running(store, run.architecture, **run.recipe.model_dump())
            training_job.train(store, again)
            torch.set_num_threads(threads)
            known[key] = outcome(store, again.id)
        return known[key]

    return train
