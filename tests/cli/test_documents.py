"""The JSON documents of the command line's contract, key by key."""

import json

import numpy as np
import pytest

from mnistnet.cli import documents
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.files.predictions import Predictions
from mnistnet.runs.run import Run
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from tests.support.samples import TINY, metrics, recipe, running

OUTCOME = ["run", "state", "epochs", "validation_accuracy", "best_validation_accuracy", "test_accuracy"]
LISTED = ["architecture", "recipe", "started_from", "epochs_before"]
OUTCOME += ["test_errors", "test_total", "test_interval", "train_seconds", "weights_sha256"]


@pytest.fixture
def done(store: Store) -> Run:
    run = running(store)
    transitions.record_epoch(store, run.id, metrics(1, validation_accuracy=0.75))
    transitions.record_epoch(store, run.id, metrics(2, validation_accuracy=0.5))
    transitions.complete(store, run.id, (3, 300), "ab" * 32)
    return store.run(run.id)


def test_an_outcome_has_the_keys_of_the_contract(done: Run) -> None:
    assert list(documents.outcome(done)) == OUTCOME


def test_an_outcome_holds_fractions_with_their_interval(done: Run) -> None:
    assert documents.outcome(done) == {
        "run": done.id,
        "state": "done",
        "epochs": 2,
        "validation_accuracy": 0.5,
        "best_validation_accuracy": 0.75,
        "test_accuracy": 0.99,
        "test_errors": 3,
        "test_total": 300,
        "test_interval": pytest.approx([0.9710, 0.9966], abs=1e-4),
        "train_seconds": 4.0,
        "weights_sha256": "ab" * 32,
    }


def test_what_is_not_known_yet_is_null(store: Store) -> None:
    run = store.enqueue(TINY, recipe())
    known = {"run": run.id, "state": "queued", "epochs": 0}
    assert documents.outcome(run) == {**dict.fromkeys(OUTCOME), **known}


def test_a_listed_run_adds_its_design_and_recipe(done: Run) -> None:
    listed = documents.listed(done)
    assert list(listed) == [*OUTCOME, *LISTED]
    assert listed["architecture"] == json.loads(TINY.model_dump_json())
    assert listed["recipe"] == json.loads(recipe().model_dump_json())


def test_a_whole_run_adds_one_object_an_epoch(store: Store, done: Run) -> None:
    whole = documents.whole(done, store.metrics(done.id))
    assert list(whole) == [*OUTCOME, *LISTED, "metrics"]
    assert [row["epoch"] for row in whole["metrics"]] == [1, 2]
    assert {"train_loss", "validation_accuracy", "learning_rate", "seconds"} <= set(whole["metrics"][0])


def test_an_evaluation_has_the_keys_of_the_contract() -> None:
    probabilities = np.eye(10, dtype=np.float32)
    document = documents.evaluation(Evaluation(Predictions(probabilities, np.array([*range(9), 4], np.uint8))))
    assert list(document) == ["accuracy", "errors", "total", "interval", "confusion", "mistakes"]
    assert (document["accuracy"], document["errors"], document["total"]) == (0.9, 1, 10)
    assert document["mistakes"] == [{"index": 9, "label": 4, "predicted": 9, "probability": 1.0}]
    assert [sum(row) for row in document["confusion"]] == [1, 1, 1, 1, 2, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_entry_says_its_size_and_origin(name: str) -> None:
    entry = documents.preset(PRESETS[name])
    assert list(entry) == ["name", "total_params", "origin"]
    assert entry["total_params"] == documents.summary(PRESETS[name].architecture, 18)["total_params"]


def test_a_summary_has_the_keys_of_the_contract() -> None:
    summary = documents.summary(TINY, 18)
    assert list(summary) == ["name", "total_params", "macs", "receptive_field", "layers", "rules"]
    assert {tuple(row) for row in summary["layers"]} == {("type", "output_shape", "params", "receptive_field", "jump")}
    assert {tuple(rule) for rule in summary["rules"]} == {("rule", "passed", "detail")}


def test_a_summary_lists_operations_in_order_and_relu_not_at_all() -> None:
    rows = [(row["type"], row["output_shape"], row["params"]) for row in documents.summary(TINY, 18)["layers"]]
    assert rows == [
        ("conv", [8, 12, 12], 200),
        ("batchnorm", [8, 12, 12], 16),
        ("dropout", [8, 12, 12], 0),
        ("maxpool", [8, 6, 6], 0),
        ("conv", [8, 4, 4], 584),
        ("batchnorm", [8, 4, 4], 16),
        ("dropout2d", [8, 4, 4], 0),
        ("globalavgpool", [8, 1, 1], 0),
        ("linear", [10, 1, 1], 90),
    ]


def test_every_document_is_json_without_nan(store: Store, done: Run) -> None:
    for document in (documents.whole(done, store.metrics(done.id)), documents.summary(TINY, 18)):
        assert json.loads(json.dumps(document, allow_nan=False)) == document
