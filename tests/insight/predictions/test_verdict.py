"""The verdict on a run: met and not met at the exact boundary, rule by rule, and where there is none."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mnistnet.insight.predictions.evaluation import Score
from mnistnet.insight.predictions.verdict import Consistency, Reached, RunVerdict, judged, rules_of, verdict_of
from mnistnet.nets.architecture import Architecture, GlobalAvgPool, Linear
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import COURSE, PROFILES, Profile, Verdict, card
from mnistnet.nets.summary import require
from mnistnet.runs.run import EpochMetrics, Run, RunState
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import Recipe
from tests.support.samples import conv, design, metrics, running

DESIGN = PRESETS["mnistnet-16k"].architecture


def rows(*accuracies: float) -> list[EpochMetrics]:
    return [metrics(epoch, validation_accuracy=accuracy) for epoch, accuracy in enumerate(accuracies, 1)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Done under `course`: 16,010 parameters, 3 epochs, 55 errors in 10,000."""
    how = Recipe(protocol="course", epochs=3)
    queued = Store(tmp_path).enqueue(DESIGN, how)
    return replace(queued, state=RunState.DONE, epochs_done=3, test_errors=55, test_total=10_000)


def verdict(run: Run, *accuracies: float, profile: Profile = COURSE) -> RunVerdict:
    return verdict_of(run, rows(*(accuracies or (0.98, 0.994, 0.9945))), profile)


def accuracy(run: Run, *accuracies: float) -> Verdict:
    """The verdict on the accuracy, the last rule of the assignment."""
    return verdict(run, *accuracies).rules[-1]


def with_design(run: Run, design: Architecture) -> Run:
    return replace(run, architecture_json=design.to_json())


def with_recipe(run: Run, **fields: object) -> Run:
    return replace(run, recipe_json=run.recipe.changed(**fields).model_dump_json())


def test_a_run_that_meets_every_rule_says_so_with_its_figures(run: Run) -> None:
    found = verdict(run)
    assert found.met
    assert found.headline == "Assignment met: 99.45%, 16,010 parameters, 3 epochs, no fully connected layer"


def test_the_accuracy_stands_with_its_split_errors_and_interval(run: Run) -> None:
    assert accuracy(run).rule == "at least 99.4% on the test set of MNIST"
    assert accuracy(run).detail == (
        "99.45%: 55 errors in 10,000 (test set of MNIST, final weights); 95% interval 99.28% to 99.58%"
    )


@pytest.mark.parametrize(("errors", "met"), [(59, True), (60, True), (61, False)])
def test_the_goal_is_met_at_60_errors_in_10_000_and_not_at_61(run: Run, errors: int, met: bool) -> None:
    found = verdict(replace(run, test_errors=errors))
    assert (found.met, found.rules[-1].passed) == (met, met)


def test_too_many_epochs_are_not_met_however_good_the_accuracy(run: Run) -> None:
    found = verdict(with_recipe(run, epochs=20))
    assert (found.met, found.rules[-1].passed) == (False, True)
    assert found.headline.startswith("Assignment not met: 99.45%, 16,010 parameters, 20 epochs")
    assert [rule.passed for rule in found.rules] == [True, False, True, True]


def test_a_fully_connected_layer_is_not_met_and_named(run: Run) -> None:
    linear = DESIGN.with_layers((*DESIGN.layers[:-2], GlobalAvgPool(), Linear(features=10)))
    found = verdict(with_design(run, linear))
    assert found.met is False
    assert found.headline.endswith("fully connected: layer 18")


def test_another_profile_is_named_by_its_title(run: Run) -> None:
    found = verdict(run, profile=PROFILES["10k"])
    assert found.met is False
    assert found.headline.startswith("“Half the budget: 10,000 parameters” not met: 99.45%")


def test_the_first_epoch_at_the_goal_and_the_latest_in_a_row_are_counted(run: Run) -> None:
    found = verdict(run, 0.9941, 0.98, 0.994, 0.9945)
    assert found.consistency == Consistency(first=1, in_a_row=2, at_goal=3, of=4)
    assert verdict(run, 0.98).consistency == Consistency(first=None, in_a_row=0, at_goal=0, of=1)


def test_under_course_it_says_that_validation_was_the_test_set(run: Run) -> None:
    assert verdict(run).counted.startswith("Validation used the test set of MNIST after every epoch.")


def test_under_holdout_the_final_weights_on_the_test_set_count_and_not_the_validation(run: Run) -> None:
    honest = with_recipe(run, protocol="holdout")
    found = verdict(replace(honest, test_errors=61), 0.9999)
    assert found.met is False
    assert (
        found.counted
        == "The test set of MNIST was used once, with the final weights: the rule is checked on this figure."
    )


def test_a_stopped_run_has_no_verdict_but_its_figures(run: Run) -> None:
    stopped = replace(run, state=RunState.STOPPED, epochs_done=1, test_errors=None, test_total=None)
    found = verdict(with_recipe(stopped, protocol="holdout", epochs=18), 0.9942)
    assert (found.met, found.rules[-1].passed) == (None, None)
    assert found.headline == "No verdict: stopped after 1 of 18 epochs"
    assert found.rules[-1].detail.startswith("99.42%: 29 errors in 5,000 (held-out images of MNIST, last epoch)")
    assert found.counted == "The test set of MNIST is used once, at the end: this run has not reached it."


@pytest.mark.parametrize("state", [RunState.STOPPED, RunState.INTERRUPTED, RunState.FAILED, RunState.DIVERGED])
def test_a_run_that_ended_before_its_first_epoch_has_no_figure(run: Run, state: RunState) -> None:
    ended = replace(run, state=state, epochs_done=0, test_errors=None, test_total=None)
    found = verdict_of(ended, [])
    assert (found.met, found.rules[-1].detail) == (None, "no epoch was finished")
    assert found.headline == f"No verdict: {state} after 0 of 3 epochs"


def test_the_offline_sample_has_no_verdict_on_mnist(run: Run) -> None:
    sample = replace(with_recipe(run, dataset="digits"), test_errors=0, test_total=297)
    found = verdict(sample, 1.0)
    assert (found.met, found.rules[-1].passed, found.consistency.first) == (None, None, None)
    assert found.headline == (
        "No verdict: the goal is on MNIST, this run was trained on Offline sample (scikit-learn digits, not MNIST)"
    )
    assert found.rules[-1].detail.startswith("100.00%: 0 errors in 297")


# The rules by a run's row alone, as a table of runs has them: each with the run's own figure, at its limit and beyond.

WITH_LINEAR = design(conv(8, 5, stride=2), {"type": "maxpool", "size": 2}, {"type": "linear", "features": 10})


@pytest.fixture
def small(tmp_path: Path) -> Run:
    """Done: 10,040 parameters, 19 epochs, 60 of MNIST's 10,000 test images wrong."""
    made = running(Store(tmp_path), PRESETS["course-10040"].architecture, dataset="mnist", epochs=19)
    return replace(made, state=RunState.DONE, epochs_done=19, test_errors=60, test_total=10_000)


def failed(run: Run, profile: Profile = COURSE) -> list[str]:
    return [verdict.figure for verdict in rules_of(run, profile) if not verdict.passed]


def test_a_run_that_meets_every_rule_fails_none(small: Run) -> None:
    assert [verdict.rule for verdict in rules_of(small, COURSE)] == [
        "under 20,000 parameters",
        "under 20 epochs",
        "no fully connected layer",
        "at least 99.4% on the test set of MNIST",
    ]
    assert failed(small) == []


@pytest.mark.parametrize(("params", "found"), [(19_999, []), (20_000, ["20,000 parameters"])])
def test_parameters_have_to_be_under_the_limit(small: Run, params: int, found: list[str]) -> None:
    assert failed(replace(small, params=params)) == found


@pytest.mark.parametrize(("errors", "found"), [(60, []), (61, ["99.39% on the test set"])])
def test_accuracy_has_to_reach_the_goal_exactly(small: Run, errors: int, found: list[str]) -> None:
    assert failed(replace(small, test_errors=errors)) == found


def test_epochs_have_to_be_under_the_limit(small: Run) -> None:
    twenty = small.recipe.changed(epochs=20).model_dump_json()
    assert failed(replace(small, recipe_json=twenty)) == ["20 epochs"]


def test_a_fully_connected_layer_is_named_by_its_number(small: Run) -> None:
    changed = replace(small, architecture_json=WITH_LINEAR.to_json())
    assert failed(changed) == ["fully connected layer 3"]
    assert failed(changed, COURSE.changed(name="lenient", linear_allowed=True)) == []


def test_a_design_called_linear_has_no_fully_connected_layer(small: Run) -> None:
    named = PRESETS["course-10040"].architecture.renamed("linear")
    assert failed(replace(small, architecture_json=named.to_json())) == []


def test_a_run_that_is_not_done_has_no_accuracy_yet(small: Run) -> None:
    stopped = replace(small, state=RunState.STOPPED, epochs_done=2, test_errors=None, test_total=None)
    assert failed(stopped) == ["stopped after 2 of 19 epochs"]


def test_another_data_set_is_no_mnist_accuracy(small: Run) -> None:
    digits = small.recipe.changed(dataset="digits").model_dump_json()
    assert failed(replace(small, recipe_json=digits)) == ["data set digits"]


def test_the_chosen_profile_sets_the_limits(small: Run) -> None:
    assert failed(small, PROFILES["8k/15"]) == ["10,040 parameters", "19 epochs"]


# How consistently the accuracy is reached, by the epochs. The figures are those of public hand-ins for the assignment.

LAST_5 = PROFILES["last-5"]
ONCE = COURSE.changed(name="once", consistency="once", split="validation")
# Its summary says "maximum validation accuracy reached: 99.43 at epoch 17th"; epochs 16 to 20 of its log.
CLAIMS_ITS_BEST = (0.9922, 0.9943, 0.9927, 0.9925, 0.9933)
# Its summary says 99.55 %; the last five epochs of its log.
CONSISTENT = (0.9950, 0.9955, 0.9944, 0.9948, 0.9952)


def reached(accuracies: Sequence[float], errors: int | None = None) -> Reached:
    last = round((1 - accuracies[-1]) * 10_000) if accuracies else None
    known = last if errors is None else errors
    return Reached(tuple(accuracies), None if known is None else Score(known, 10_000), "course")


def passed(accuracies: Sequence[float], profile: Profile, errors: int | None = None) -> list[bool | None]:
    return [rule.passed for rule in judged(reached(accuracies, errors), profile)]


def test_a_best_epoch_alone_is_reached_once_and_neither_at_the_end_nor_consistently() -> None:
    assert passed(CLAIMS_ITS_BEST, ONCE) == [True]
    assert passed(CLAIMS_ITS_BEST, COURSE) == [False]
    assert passed(CLAIMS_ITS_BEST, LAST_5) == [False, False]
    rule = judged(reached(CLAIMS_ITS_BEST), LAST_5)[-1]
    assert rule.rule == "at least 99.4% validation accuracy in each of the last 5 epochs"
    assert rule.detail == "1 of the last 5 epochs at the goal; first epoch at the goal: 2"


def test_a_claim_of_99_4_percent_with_61_errors_is_rounded_and_not_met() -> None:
    assert passed((0.9939,), COURSE) == [False]


def test_five_last_epochs_at_the_goal_are_consistent() -> None:
    assert passed(CONSISTENT, LAST_5) == [True, True]


@pytest.mark.parametrize(
    ("accuracies", "consistent"),
    [
        ((0.98, 0.994, 0.994, 0.994, 0.994, 0.994), True),
        ((0.994, 0.9939, 0.994, 0.994, 0.994, 0.994), False),
        ((0.994, 0.994, 0.994, 0.994), False),
        ((0.994,) * 9 + (0.9939,), False),
    ],
    ids=["exactly the last five", "one of them below", "only four epochs", "the last one below"],
)
def test_each_of_the_last_epochs_has_to_be_at_the_goal(accuracies: tuple[float, ...], consistent: bool) -> None:
    assert passed(accuracies, LAST_5, errors=50)[-1] is consistent


def test_final_weights_at_the_goal_do_not_make_the_last_epochs_consistent() -> None:
    assert passed(CLAIMS_ITS_BEST, LAST_5, errors=50) == [True, False]


def test_the_split_that_counts_may_be_the_validation_images() -> None:
    validated = COURSE.changed(name="validated", split="validation")
    assert passed((0.994, 0.9939), validated, errors=0) == [False]
    held_out = Reached((0.98, 0.994), Score(100, 10_000), "holdout")
    [rule] = judged(held_out, validated)
    assert (rule.rule, rule.passed) == ("at least 99.4% on the validation images of MNIST", True)
    assert rule.detail.startswith("99.40%: 30 errors in 5,000 (held-out images of MNIST, last epoch)")


def test_what_is_not_known_is_not_judged() -> None:
    assert passed((), LAST_5) == [None, None]
    stopped = Reached((0.995,) * 5, None, "course", unfinished="stopped after 5 of 19 epochs")
    assert [(rule.passed, rule.figure) for rule in judged(stopped, LAST_5)] == [
        (None, "stopped after 5 of 19 epochs")
    ] * 2


def test_a_runs_epochs_are_read_only_where_they_decide(small: Run) -> None:
    def unread(run: Run) -> list[EpochMetrics]:
        raise AssertionError(f"run {run.id}: its epochs were read")

    below = replace(small, validation_accuracy=0.9939, best_validation_accuracy=0.995)
    assert rules_of(below, COURSE, unread)[-1].passed
    assert [rule.passed for rule in rules_of(below, LAST_5, unread)[-2:]] == [True, False]
    at_goal = replace(below, validation_accuracy=0.994)
    assert rules_of(at_goal, LAST_5, lambda _: rows(*CONSISTENT))[-1].passed
    assert rules_of(at_goal, LAST_5)[-1].passed is None


def test_a_run_that_is_consistent_meets_the_profile_and_one_epoch_less_does_not(run: Run) -> None:
    assert verdict(run, *CONSISTENT, profile=LAST_5).met
    missed = verdict(run, 0.98, *CONSISTENT[1:], profile=LAST_5)
    assert missed.met is False
    assert missed.headline.endswith("4 of the last 5 epochs at the goal")


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_after_training_the_rules_stand_in_the_order_of_the_card_before_it(run: Run, profile: Profile) -> None:
    before = card(DESIGN, require(DESIGN), run.recipe.epochs, profile)
    after = verdict(run, profile=profile).rules
    assert [rule.rule for rule in after] == [rule.rule for rule in before]
    assert after[:2] == tuple(before[:2])
