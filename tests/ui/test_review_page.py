"""The Review page: what is reviewed, where answers lead, the range test, and experiments that are queued once."""

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet import links
from mnistnet.nets.architecture import Architecture
from mnistnet.review.experiments import ablation, batch_sizes
from mnistnet.runs.run import RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import training_job
from mnistnet.training.recipe import Recipe
from mnistnet.ui import session
from tests.support.pages import button, opened, texts
from tests.support.samples import TINY, conv, design, recipe, started
from tests.support.situations import STATES

pytestmark = pytest.mark.usefixtures("still")

HOW = recipe(epochs=1)


def reviewed(architecture: Architecture = TINY, how: Recipe = HOW, **address: str) -> AppTest:
    return opened(
        "review", design=links.encode_design(architecture), recipe=links.encode_recipe(how), **address
    )  # fmt: skip


def table(app: AppTest, name: str) -> dict[str, list[str]]:
    frame = next(one for one in app.dataframe if name in str(one.proto.alt or one.key))
    return {column: list(frame.value[column]) for column in frame.value.columns}


def click(app: AppTest, label: str) -> AppTest:
    button(app, label).click()
    return app.run()


# What is reviewed


@pytest.mark.parametrize("state", STATES)
def test_a_run_in_each_state_is_reviewed(store: Store, state: str) -> None:
    run = STATES[state](store)
    app = opened("review", **({"review": run.id} if run else {}))
    assert not app.exception
    assert "Is it going badly, told early?" in texts(app)
    without = run is None or not run.epochs_done
    assert ("no finished epoch to tell it from" in texts(app)) == without


def test_a_design_that_cannot_be_built_says_so_and_offers_no_experiment(store: Store) -> None:
    app = reviewed(design(conv(8, 7), conv(9, 1)))
    assert "cannot be built" in texts(app)
    assert not [one for one in app.button if one.label.startswith("Start")]


def test_a_card_leads_to_the_design_of_the_run(store: Store) -> None:
    app = opened("review", review="gallery-course-10040")
    app.button(key="to-design-layers").click()
    app.run()
    assert app.title[0].value == "Design"
    assert app.session_state[session.design.key].name == "course-10040"


def test_a_hostile_name_is_shown_as_it_is(store: Store) -> None:
    app = reviewed(TINY.renamed("[x](javascript:alert) <img onerror=1>"))
    assert not app.exception
    assert "](javascript" not in texts(app)


# The range test


def test_the_range_test_is_made_once_asked_for_and_taken_over_with_a_click(store: Store) -> None:
    how = HOW.changed(optimizer="adam", learning_rate=1e-5, batch_size=64)
    app = reviewed(how=how)
    assert "Range:" not in texts(app)
    app = click(app, "Run the range test")
    assert not app.exception
    assert "Range:" in texts(app)
    assert "range test: " in texts(app).replace("\\", "")  # the answer above knows it as well
    label = next(one.label for one in app.button if one.label.startswith("Use "))
    app = click(app, label)
    assert app.session_state[session.recipe.key].learning_rate == float(label.split()[1])
    assert store.runs() == []


def test_a_range_test_that_is_not_allowed_says_why(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    app = reviewed()
    monkeypatch.setenv("MNISTNET_LIMITS", "memory_mb=10")
    app = click(app, "Run the range test")
    assert "GB are allowed here" in texts(app).replace("\\", "")


# Experiments


def test_an_experiment_queues_exactly_its_runs_once(store: Store) -> None:
    app = reviewed(how=recipe())
    start = app.button(key="start-batch sizes")
    start.click()
    app.run()
    wanted = batch_sizes(TINY, recipe()).variants
    assert [(run.architecture, run.recipe) for run in reversed(store.runs())] == [
        (one.architecture, one.recipe) for one in wanted
    ]
    start.click()  # a second click on the page as it was
    app.run()
    assert len(store.runs()) == len(wanted)


def test_the_baseline_of_both_experiments_is_trained_once_and_found_after_a_refresh(store: Store) -> None:
    app = reviewed(how=recipe())  # three epochs, as long as the short runs
    click(app, "Start 3 runs")
    app = reviewed(how=recipe())
    assert [one.label for one in app.button if one.label.startswith("Start")] == ["Start 3 runs"]  # of the ablation
    assert table(app, "batch sizes")["result"][0].startswith("queued")
    click(app, "Start 3 runs")
    assert len(store.runs()) == 6


def test_a_queue_without_room_refuses_all_with_the_reason(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    app = reviewed()
    monkeypatch.setenv("MNISTNET_LIMITS", "queued=2")
    app.button(key="start-with and without").click()
    app.run()
    assert "at most 2 may wait" in texts(app)
    assert store.runs() == []


def test_finished_runs_are_compared_with_intervals_and_their_seed(store: Store) -> None:
    found = ablation(TINY, HOW, 1)
    for variant in found.variants[:3]:
        store.enqueue(variant.architecture, variant.recipe)
        training_job.train(store, started(store))
    store.enqueue(found.variants[3].architecture, found.variants[3].recipe)
    last = started(store)
    transitions.finish(store, last.id, RunState.DIVERGED, "the reason")
    app = reviewed()
    rows = table(app, "with and without")
    assert rows["result"][0] == "done"
    assert set(rows["result"][1:3]) <= {"better", "worse", "not distinguishable"}
    assert all("of 125 wrong (" in text for text in rows["accuracy"][:3])
    assert rows["result"][3].startswith("diverged")
    assert "1 seed each (1), 1 epoch" in texts(app)
    assert "among 2 comparisons" in texts(app)
