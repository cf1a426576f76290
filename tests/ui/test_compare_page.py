"""The Compare page: the best run first, what differs, and the labels in its charts."""

from dataclasses import replace

import pytest

from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.nets.summary import require
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import recipe
from mnistnet.ui import cache
from mnistnet.ui.compare import run_selection
from tests.support.pages import opened, texts
from tests.support.samples import conv, design, metrics, started
from tests.support.situations import queued, running

pytestmark = pytest.mark.usefixtures("still")


def test_without_any_run_the_gallery_can_be_compared() -> None:
    app = opened("compare")
    assert app.multiselect(key="compare-runs").value == [f"gallery-{name}" for name in list(PRESETS)[:5]]
    app.multiselect(key="compare-runs").set_value(["gallery-mnistnet-16k"]).run()
    assert not app.exception
    assert "gallery" in texts(app)


OVER_BUDGET = design(conv(40), conv(60), conv(10, 1), {"type": "globalavgpool"})


def test_compare_has_the_best_run_that_meets_the_assignment_first_and_says_why_others_do_not(store: Store) -> None:
    names = {12: "over", 45: "best", 50: "second", 90: "poor"}
    for errors, name in names.items():
        architecture = OVER_BUDGET if name == "over" else PRESETS["mnistnet-min"].architecture
        queued(store, recipe({"epochs": 1}), architecture.renamed(name))
        run = started(store)
        transitions.record_epoch(store, run.id, metrics(1, validation_accuracy=0.99))
        transitions.complete(store, run.id, (errors, 10_000), "ab" * 32)
    queued(store)
    app = opened("compare")
    assert not app.exception
    shown = app.dataframe[0].value
    assert list(shown["name"]) == ["best", "second", "over", "poor", FIRST.name]
    assert list(shown["meets assignment"]) == [
        "yes",
        "yes",
        f"no: {require(OVER_BUDGET).params:,} parameters",
        "no: 99.10% on the test set",
        "not yet: data set digits",
    ]
    assert list(shown["test accuracy"])[:2] == [pytest.approx(99.55), pytest.approx(99.5)]
    assert "**Best run that meets the assignment:" in texts(app)
    assert "45 errors in 10,000; 95% interval 99.40% to 99.66%" in texts(app)
    chosen = app.multiselect(key="compare-runs").value
    assert store.run(chosen[0]).name == "best"


def test_compare_says_where_no_run_meets_the_assignment(store: Store) -> None:
    running(store)
    assert "No run meets the assignment yet." in texts(opened("compare"))


def test_compare_shows_what_differs_and_that_epochs_do(store: Store) -> None:
    app = opened("compare")
    app.multiselect(key="compare-runs").set_value(["gallery-mnistnet-16k", "gallery-mnistnet-10k"]).run()
    differing = app.dataframe[0].value
    assert list(differing.columns) == ["field", "gallery · mnistnet-16k", "gallery · mnistnet-10k"]
    assert list(differing.iloc[0]) == ["parameters", "16,010", "9,482"]
    short = running(store)
    cache.forget()
    app.multiselect(key="compare-runs").set_value(["gallery-mnistnet-16k", short.id]).run()
    assert "different numbers of epochs, 1 to 19" in texts(app)
    assert "1 of 3 epochs" in "\n".join(app.multiselect(key="compare-runs").options)


def test_runs_of_one_name_have_labels_of_their_own_in_the_charts(store: Store) -> None:
    one, other = queued(store), queued(store)
    alone = queued(store, recipe({"dataset": "digits", "epochs": 1}), FIRST.architecture.renamed("alone"))
    names = run_selection.labels([one, other, alone])
    assert names[alone.id] == "alone · digits · 0 of 1 epoch"
    assert names[one.id] == f"{FIRST.name} ({one.id[:4]}) · digits · 0 of 3 epochs"
    twin = replace(one, id=one.id[:4] + "ffff")
    assert len(set(run_selection.labels([one, twin]).values())) == 2
