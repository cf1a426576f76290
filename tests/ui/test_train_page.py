"""The Train page's figures: the verdict on a run that has ended, and what is said while it trains."""

import io
import tracemalloc

import pytest

from mnistnet.runs.run import RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import recipe
from mnistnet.ui import cache
from mnistnet.ui.train import run_panel
from tests.support.pages import button, opened, texts
from tests.support.samples import metrics
from tests.support.situations import done, ended, running

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
    assert "Assignment met: 99.52%, 16,170 parameters, 1 epoch, no fully connected layer" in _unescaped(texts(app))


def test_a_finished_run_shows_each_rule_with_its_figure(store: Store) -> None:
    run = running(store, recipe({"dataset": "mnist", "protocol": "course", "epochs": 20}))
    transitions.finish(store, run.id, RunState.DONE)
    with store.database.transaction() as connection:
        connection.execute("UPDATE runs SET test_errors = 61, test_total = 10000")
    said = _unescaped(texts(opened("train")))
    assert "Assignment not met: 99.39%, 16,170 parameters, 20 epochs" in said
    assert (
        ":red-badge[:material/close: not met] **at least 99.4% on the test set of MNIST**: 99.39%: 61 errors in 10,000"
        in said
    )
    assert ":green-badge[:material/check: met] **under 20,000 parameters**: 16,170; must be under 20,000" in said
    assert ":red-badge[:material/close: not met] **under 20 epochs**: 20; must be under 20" in said
    assert "First epoch at the goal: 1. Epochs at the goal: 1 of the last 1, 1 in a row up to the last." in said


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


def test_a_running_run_shows_stage_progress_and_stop(store: Store) -> None:
    run = running(store)
    app = opened("train")
    assert "training" in texts(app)
    assert not app.button(key="stop-run").disabled
    app.button(key="stop-run").click().run()
    assert store.run(run.id).stop_requested


def test_an_interrupted_run_says_where_and_can_be_resumed(store: Store) -> None:
    run = ended(RunState.INTERRUPTED)(store)
    app = opened("train")
    assert "Interrupted after epoch 1" in texts(app)
    app.button(key="resume-run").click().run()
    assert store.run(run.id).state is RunState.QUEUED


def test_accuracy_stands_with_split_errors_and_interval(store: Store) -> None:
    running(store)
    app = opened("train")
    said = texts(app)
    assert "held-out images of Offline sample (scikit-learn digits, not MNIST): 1 error in 125; 95% interval" in said
    assert "epochs in a row" not in texts(app), "99.4% is a goal on MNIST only"


def test_of_a_long_log_only_the_end_is_read(store: Store) -> None:
    run = ended(RunState.FAILED)(store)
    log = store.folder(run.id) / "log.txt"
    with log.open("wb") as file:
        file.truncate(1 << 30)  # a gigabyte that takes no room
        file.seek(0, io.SEEK_END)
        file.write("".join(f"\nline {number}" for number in range(30)).encode())
    tracemalloc.start()
    said = run_panel.log_tail(run)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert said.splitlines() == [f"line {number}" for number in range(10, 30)]
    assert peak < 1 << 20


def test_a_finished_run_is_trained_further_as_typed_and_says_where_it_starts(store: Store) -> None:
    first = done(store)
    app = opened("train", run=first.id)
    app.number_input(key=f"further-epochs-{first.id}").set_value(2)
    app.number_input(key=f"further-rate-{first.id}").set_value(0.01)
    button(app, "Start the added epochs").click().run()
    assert not app.exception
    (new,) = [run for run in store.runs() if run.id != first.id]
    assert (new.started_from, new.recipe.epochs, new.recipe.learning_rate) == (first.id, 2, 0.01)
    said = _unescaped(texts(app))
    assert f"Starts from the weights of run {first.id} after 3 epochs; the rules count those as well: 5 in all." in said
    assert "Waiting." in said


def test_a_run_that_is_not_done_is_not_offered_to_be_trained_further(store: Store) -> None:
    ended(RunState.STOPPED)(store)
    assert "Start the added epochs" not in [one.label for one in opened("train").button]
