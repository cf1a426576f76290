"""A run's answers: stored or computed the same, and never at the run's expense."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mnistnet.data import datasets, splits
from mnistnet.insight.network import answers
from mnistnet.insight.network.steps import finish
from mnistnet.insight.predictions.evaluation import Evaluation, Score
from mnistnet.runs.files import predictions
from mnistnet.runs.files.predictions import Guesses, Predictions, SplitName
from mnistnet.runs.run import Run
from mnistnet.runs.sources import NoWeights, source_of
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor, training_job
from tests.support.samples import running

SPLITS: list[SplitName] = ["validation", "test"]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with two runs, the later with its last checkpoint damaged."""
    threads = torch.get_num_threads()
    store = Store(tmp_path_factory.mktemp("full"))
    training_job.train(store, running(store))
    damaged = running(store)
    training_job.train(store, damaged)
    (store.folder(damaged.id) / "epoch-0003.pt").write_bytes(b"")
    yield store
    torch.set_num_threads(threads)


@pytest.fixture
def done(full: Store) -> Run:
    return full.runs()[1]


@pytest.mark.parametrize("split", SPLITS)
def test_computed_answers_are_those_the_run_stored(full: Store, done: Run, split: SplitName) -> None:
    stored, computed = source_of(full, done).predictions(done, split), finish(answers.compute(full, done, split))
    assert stored is not None
    np.testing.assert_array_equal(computed.labels, stored.labels)
    np.testing.assert_allclose(computed.probabilities, stored.probabilities, atol=1e-5)


@pytest.mark.parametrize("split", SPLITS)
def test_answers_are_probabilities_for_every_image_of_the_split(full: Store, done: Run, split: SplitName) -> None:
    part = getattr(splits.split(datasets.load("digits"), "holdout"), split)
    computed = finish(answers.compute(full, done, split))
    assert computed.probabilities.shape == (len(part), 10)
    np.testing.assert_allclose(computed.probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(computed.labels, part.labels)


def test_the_score_of_the_answers_is_the_runs(full: Store, done: Run) -> None:
    score = Evaluation(finish(answers.compute(full, done, "test"))).score
    assert score == Score(done.test_errors or 0, done.test_total or 0)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_looking_predicting_and_evaluating_change_nothing(full: Store, done: Run) -> None:
    before, rows = contents(full.folder(done.id)), full.metrics(done.id)
    supervisor.refresh(full)
    for split in SPLITS:
        assert Evaluation(finish(answers.compute(full, done, split))).mistakes
        source_of(full, done).predictions(done, split)
    assert full.run(done.id) == done
    assert full.metrics(done.id) == rows
    assert contents(full.folder(done.id)) == before


def test_a_run_without_an_epoch_has_no_weights_to_answer_with(store: Store) -> None:
    run = running(store)
    with pytest.raises(NoWeights, match=r"no epoch is stored yet; wait for its first epoch or resume it$"):
        finish(answers.compute(store, run, "test"))


def test_a_run_that_is_not_done_has_stored_no_answers(store: Store) -> None:
    run = running(store)
    assert source_of(store, run).predictions(run, "test") is None


def test_stored_answers_that_are_damaged_are_not_used(full: Store, done: Run, tmp_path: Path) -> None:
    other = Store(tmp_path)
    other.folder(done.id).mkdir()
    (other.folder(done.id) / "predictions-test.npz").write_bytes(b"PK damaged")
    assert source_of(other, done).predictions(done, "test") is None


def test_an_older_checkpoint_never_passes_for_the_final_weights(full: Store) -> None:
    damaged = full.runs()[0]
    with pytest.raises(NoWeights, match=r"the checkpoint of its final weights is damaged; train it again$"):
        finish(answers.compute(full, damaged, "validation"))


def test_the_newest_whole_checkpoint_answers_for_a_run_that_is_not_done(full: Store) -> None:
    unfinished = replace(full.runs()[0], weights_sha256=None)
    rows = full.metrics(unfinished.id)
    score = Evaluation(finish(answers.compute(full, unfinished, "validation"))).score
    assert score.accuracy == pytest.approx(rows[1].validation_accuracy)


@pytest.mark.parametrize("split", SPLITS)
def test_answers_for_another_number_of_images_are_not_those_of_the_split(
    full: Store, done: Run, split: SplitName
) -> None:
    """Whoever made them: images are looked up by their places."""
    path = predictions.path(full.folder(done.id), split)
    whole = path.read_bytes()
    found = source_of(full, done).predictions(done, split)
    assert found is not None
    more = Predictions(np.tile(found.probabilities, (2, 1)), np.tile(found.labels, 2))
    packed = predictions.pack(more, done.weights_sha256 or "")
    path.write_bytes(packed)
    field = f"{split}_answers_sha256"
    assert source_of(full, done).predictions(replace(done, **{field: predictions.sha256(packed)}), split) is None  # type: ignore[arg-type]
    path.write_bytes(whole)


def test_guesses_for_another_number_of_images_are_none(full: Store, done: Run) -> None:
    row = full.metrics(done.id)[1]
    path = predictions.guesses_path(full.folder(done.id), row.epoch)
    whole = path.read_bytes()
    assert source_of(full, done).guesses(done, row) is not None
    packed = predictions.pack_guesses(Guesses(np.zeros(1, np.uint8), np.zeros(1, np.uint8)))
    path.write_bytes(packed)
    assert source_of(full, done).guesses(done, replace(row, guesses_sha256=predictions.sha256(packed))) is None
    path.write_bytes(whole)
