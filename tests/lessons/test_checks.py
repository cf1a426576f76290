"""What each check sees as done, and the figure that it says."""

from typing import Any

import pytest

from mnistnet.lessons.checks import CHECKS, Settings
from mnistnet.lessons.work import Look, Work
from mnistnet.nets.architecture import Architecture
from mnistnet.runs.run import RunState
from mnistnet.training.recipe import recipe
from tests.support.lessons import run
from tests.support.samples import conv, design

POOL, GAP = {"type": "maxpool", "size": 2}, {"type": "globalavgpool"}
BN: dict[str, Any] = {"after": ["batchnorm", "relu"]}
# Parameters: 72 + 16 of batch norm, 576 + 16 behind the pool, 80 of the head.
SMALL = design(conv(8, **BN), POOL, conv(8, **BN), conv(10, 1), GAP)


def check(kind: str, **settings: Any) -> Settings:
    made: Settings = CHECKS[kind](**settings)
    return made


@pytest.mark.parametrize(
    ("made", "done", "figure"),
    [
        (check("params", low=760, high=760), True, "760 now"),
        (check("params", low=0, high=759), False, "760 now"),
        (check("field", at_least=8), True, "8×8 now"),
        (check("field", at_least=9), False, "8×8 now"),
        (check("pool_field", low=3, high=3), True, "3×3 now"),
        (check("pool_field", low=4, high=9), False, "3×3 now"),
        (check("pool_distance", at_least=2), True, "2 now"),
        (check("pool_distance", at_least=3), False, "2 now"),
        (check("transition", at_least=1), False, "0 now"),
        (check("batchnorm"), True, "2 of 2"),
        (check("dropout"), False, "no dropout yet"),
    ],
)
def test_a_design_is_measured(made: Settings, done: bool, figure: str) -> None:
    outcome = made.outcome(Work(SMALL))
    assert (outcome.done, outcome.figure) == (done, figure)


def test_a_transition_layer_reduces_channels_and_is_not_the_head() -> None:
    made = check("transition")
    assert made.outcome(Work(design(conv(16), conv(8, 1), conv(10, 1), GAP))).done
    assert not made.outcome(Work(design(conv(16), conv(16, 1), conv(10, 1), GAP))).done
    assert not made.outcome(Work(design(conv(16), conv(10, 1), GAP))).done


def test_batch_norm_is_missed_where_one_convolution_lacks_it() -> None:
    assert not check("batchnorm").outcome(Work(design(conv(8, **BN), conv(8), conv(10, 1), GAP))).done


def test_dropout_is_seen_as_a_step_and_as_a_layer() -> None:
    made = check("dropout", low=0.05, high=0.1)
    step = conv(8, after=["relu", "dropout"], dropout=0.05)
    assert made.outcome(Work(design(step, {"type": "dropout2d", "rate": 0.1}, conv(10, 1), GAP))).done
    assert not made.outcome(Work(design(step, {"type": "dropout", "rate": 0.3}, conv(10, 1), GAP))).done


def test_a_field_behind_global_pooling_does_not_count() -> None:
    assert not check("field", at_least=9).outcome(Work(design(conv(8), GAP, conv(10, 1)))).done


@pytest.mark.parametrize(
    "kind", ["params", "field", "pool_field", "pool_distance", "transition", "batchnorm", "dropout"]
)
def test_a_design_with_a_fault_does_no_task(kind: str) -> None:
    broken = design(*[POOL] * 4, conv(8, 7, after=["dropout"], dropout=0.1), conv(10, 1), GAP)
    outcome = CHECKS[kind]().outcome(Work(broken))
    assert not outcome.done


def test_a_finished_run_is_held_against_the_accuracy() -> None:
    runs = (run(SMALL, DIGITS, 0.91), run(SMALL, DIGITS, 0.99, state=RunState.STOPPED))
    assert check("run", accuracy=0.9).outcome(Work(SMALL, runs)).done
    assert not check("run", accuracy=0.95).outcome(Work(SMALL, runs)).done
    assert check("run").outcome(Work(SMALL)).figure == "no finished run yet"


DIGITS = recipe({"dataset": "digits", "epochs": 3})


def compared(*changes: dict[str, Any], designs: tuple[Architecture, ...] = ()) -> Work:
    made = designs or (SMALL,) * len(changes)
    return Work(SMALL, tuple(run(one, DIGITS.changed(**change)) for one, change in zip(made, changes, strict=True)))


def test_runs_are_compared_where_one_setting_differs() -> None:
    made = check("compare", field="learning_rate", runs=2)
    rates: tuple[dict[str, Any], ...] = ({"learning_rate": 0.1}, {"learning_rate": 0.2})
    assert made.outcome(compared(*rates)).done
    assert made.outcome(compared(*rates)).figure == "2 of 2: 0.1, 0.2"
    assert not made.outcome(compared(rates[0], rates[0])).done
    assert not made.outcome(compared(rates[0], {**rates[1], "epochs": 4})).done
    assert not made.outcome(compared(*rates, designs=(SMALL, design(conv(10), GAP)))).done
    assert made.outcome(compared(*rates, designs=(SMALL, SMALL.renamed("other")))).done


def test_a_rate_at_which_training_diverged_was_tried() -> None:
    work = compared({"learning_rate": 0.1}, {"learning_rate": 10.0})
    diverged = run(SMALL, DIGITS.changed(learning_rate=10.0), state=RunState.DIVERGED)
    assert check("compare").outcome(Work(SMALL, (work.runs[0], diverged))).done
    running = run(SMALL, DIGITS.changed(learning_rate=10.0), state=RunState.RUNNING)
    assert not check("compare").outcome(Work(SMALL, (work.runs[0], running))).done


@pytest.mark.parametrize("step", ["batchnorm", "dropout"])
def test_an_ablation_needs_both_and_nothing_else_changed(step: str) -> None:
    made = check("ablation", step=step)
    before = design(conv(8, after=["relu"]), conv(10, 1), GAP)
    after = design(conv(8, after=[step, "relu"], dropout=0.1 if step == "dropout" else 0.0), conv(10, 1), GAP)
    wider = design(conv(9, after=[step, "relu"]), conv(10, 1), GAP)
    with_and_without = tuple(run(one, DIGITS) for one in (before, after))
    assert made.outcome(Work(SMALL, with_and_without)).done
    assert not made.outcome(Work(SMALL, with_and_without[:1])).done
    assert not made.outcome(Work(SMALL, (with_and_without[0], run(wider, DIGITS)))).done
    assert not made.outcome(Work(SMALL, (with_and_without[0], run(after, DIGITS.changed(seed=2))))).done


def test_a_digit_counts_once_and_for_its_explanation() -> None:
    looks = (Look("a", "test", 1, "why"), Look("a", "test", 1, "alike"), Look("a", "test", 2, "pixels"))
    work = Work(SMALL, looks=looks)
    assert check("mistakes", digits=2).outcome(work).done
    assert not check("mistakes", digits=3).outcome(work).done
    assert check("mistakes", digits=1, question="why").outcome(work).done
    assert check("mistakes", digits=2, question="why").outcome(work).figure == "1 of 2"


def test_every_check_has_words_for_its_choice_and_its_task() -> None:
    assert len({kind.label for kind in CHECKS.values()}) == len(CHECKS)
    assert len({kind().task for kind in CHECKS.values()}) == len(CHECKS)
