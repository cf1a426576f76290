"""A run against the assignment: each rule with the run's own figure, at its limit and beyond it."""

from dataclasses import replace
from pathlib import Path

import pytest

from mnistnet.insight.predictions.rubric import meets
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import COURSE, PROFILES, Profile
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.store import Store
from tests.support.samples import conv, design, running

WITH_LINEAR = design(conv(8, 5, stride=2), {"type": "maxpool", "size": 2}, {"type": "linear", "features": 10})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Done: 10,040 parameters, 19 epochs, 60 of MNIST's 10,000 test images wrong."""
    made = running(Store(tmp_path), PRESETS["course-10040"].architecture, dataset="mnist", epochs=19)
    return replace(made, state=RunState.DONE, epochs_done=19, test_errors=60, test_total=10_000)


def failed(run: Run, profile: Profile = COURSE) -> list[str]:
    return [verdict.detail for verdict in meets(run, profile) if not verdict.passed]


def test_a_run_that_meets_every_rule_fails_none(run: Run) -> None:
    assert [verdict.rule for verdict in meets(run, COURSE)] == [
        "under 20,000 parameters",
        "under 20 epochs",
        "no fully connected layer",
        "at least 99.4% on the test set of MNIST",
    ]
    assert failed(run) == []


@pytest.mark.parametrize(("params", "found"), [(19_999, []), (20_000, ["20,000 parameters"])])
def test_parameters_have_to_be_under_the_limit(run: Run, params: int, found: list[str]) -> None:
    assert failed(replace(run, params=params)) == found


@pytest.mark.parametrize(("errors", "found"), [(60, []), (61, ["99.39% on the test set"])])
def test_accuracy_has_to_reach_the_goal_exactly(run: Run, errors: int, found: list[str]) -> None:
    assert failed(replace(run, test_errors=errors)) == found


def test_epochs_have_to_be_under_the_limit(run: Run) -> None:
    twenty = run.recipe.changed(epochs=20).model_dump_json()
    assert failed(replace(run, recipe_json=twenty)) == ["20 epochs"]


def test_a_fully_connected_layer_is_named_by_its_number(run: Run) -> None:
    changed = replace(run, architecture_json=WITH_LINEAR.to_json())
    assert failed(changed) == ["fully connected layer 3"]
    assert failed(changed, replace(COURSE, linear_allowed=True)) == []


def test_a_design_called_linear_has_no_fully_connected_layer(run: Run) -> None:
    named = PRESETS["course-10040"].architecture.renamed("linear")
    assert failed(replace(run, architecture_json=named.to_json())) == []


def test_a_run_that_is_not_done_has_no_accuracy_yet(run: Run) -> None:
    stopped = replace(run, state=RunState.STOPPED, epochs_done=2, test_errors=None, test_total=None)
    assert failed(stopped) == ["stopped after 2 of 19 epochs"]


def test_another_data_set_is_no_mnist_accuracy(run: Run) -> None:
    digits = run.recipe.changed(dataset="digits").model_dump_json()
    assert failed(replace(run, recipe_json=digits)) == ["data set digits"]


def test_the_chosen_profile_sets_the_limits(run: Run) -> None:
    assert failed(run, PROFILES["hard"]) == ["10,040 parameters", "19 epochs"]
