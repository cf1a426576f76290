"""The Train page's figures: the verdict on a run that has ended, and what is said while it trains."""

import pytest

from mnistnet.runs.run import RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import recipe
from mnistnet.ui import cache
from tests.support.pages import opened, texts
from tests.support.samples import metrics
from tests.support.situations import running

pytestmark = pytest.mark.usefixtures("still")


def test_the_streak_at_the_goal_is_shown_for_mnist(store: Store) -> None:
    running(store, recipe({"dataset": "mnist", "epochs": 3}))
    assert "Latest epochs in a row at 99.4% or above: **1**" in texts(opened("train"))


def test_a_course_run_says_once_that_its_best_epoch_is_optimistic(store: Store) -> None:
    running(store, recipe({"dataset": "mnist", "protocol": "course", "epochs": 3}))
    said = texts(opened("train"))
    assert said.count("Best epoch was picked on the test set, so it is slightly optimistic.") == 1
    assert "test set of MNIST, also used for validation: 48 errors in 10,000" in said


def test_equal_figures_are_shown_once(store: Store) -> None:
    run = running(store, recipe({"dataset": "mnist", "protocol": "course", "epochs": 1}))
    transitions.finish(store, run.id, RunState.DONE)
    with store.database.transaction() as connection:
        connection.execute("UPDATE runs SET test_errors = 48, test_total = 10000")
    app = opened("train")
    assert [(metric.label, metric.value) for metric in app.metric] == [
        ("Epoch 1 (latest and best), Final weights", "99.52%")
    ]
    assert "Assignment met: 99.52%, 16,010 parameters, 1 epoch, no fully connected layer" in _unescaped(texts(app))


def test_a_finished_run_shows_each_rule_with_its_figure(store: Store) -> None:
    run = running(store, recipe({"dataset": "mnist", "protocol": "course", "epochs": 20}))
    transitions.finish(store, run.id, RunState.DONE)
    with store.database.transaction() as connection:
        connection.execute("UPDATE runs SET test_errors = 61, test_total = 10000")
    said = _unescaped(texts(opened("train")))
    assert "Assignment not met: 99.39%, 16,010 parameters, 20 epochs" in said
    assert ":red-badge[:material/close: not met] **at least 99.4% on MNIST**: 99.39%: 61 errors in 10,000" in said
    assert ":green-badge[:material/check: met] **under 20,000 parameters**: 16,010; must be under 20,000" in said
    assert ":red-badge[:material/close: not met] **under 20 epochs**: 20; must be under 20" in said
    assert "First epoch at the goal: 1. Latest epochs in a row at the goal: 1" in said


@pytest.mark.parametrize(("accuracy", "warned"), [(0.95, True), (0.994, False)])
def test_a_run_below_its_peers_is_warned_of_unless_it_reaches_the_goal(
    store: Store, accuracy: float, warned: bool
) -> None:
    run = running(store, recipe({"dataset": "mnist", "protocol": "course", "epochs": 19}))
    for epoch in (1, 2):
        transitions.record_epoch(store, run.id, metrics(epoch, validation_accuracy=accuracy))
    cache.forget()
    app = opened("train")
    assert "had a higher validation accuracy" in texts(app) + "".join(warning.value for warning in app.warning)
    assert any("Check its design" in warning.value for warning in app.warning) == warned


def test_a_run_that_still_trains_has_no_verdict_yet(store: Store) -> None:
    running(store, recipe({"dataset": "mnist", "epochs": 3}))
    said = _unescaped(texts(opened("train")))
    assert "Assignment" not in said
    assert "No verdict" not in said


def _unescaped(text: str) -> str:
    return text.replace("\\", "")


def test_finished_epochs_are_counted_alike_on_every_page(store: Store) -> None:
    running(store)
    train, design = opened("train"), opened()
    assert "1 of 3 epochs finished" in train.get("progress")[0].proto.text
    assert any("1 of 3 epochs finished" in link.label.replace("\\", "") for link in design.page_link)
