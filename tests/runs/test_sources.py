"""Runs of a store and of the gallery are read alike; one function decides which of the two a run comes from."""

import subprocess
import sys

import pytest

from mnistnet import gallery
from mnistnet.nets.network import build
from mnistnet.runs.files import checkpoint
from mnistnet.runs.run import Run
from mnistnet.runs.sources import GALLERY, NoWeights, StoredRuns, source_of
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from tests.support.samples import metrics, running


def test_a_run_of_the_store_is_read_from_the_store(store: Store) -> None:
    run = running(store)
    transitions.record_epoch(store, run.id, metrics(1))
    source = source_of(store, run)
    assert source == StoredRuns(store)
    assert (source.runs(), source.metrics(run)) == ([store.run(run.id)], [metrics(1)])
    assert source.predictions(run, "test") is None
    assert source.guesses(run, metrics(1)) is None


def test_a_run_of_the_store_without_a_checkpoint_has_no_weights(store: Store) -> None:
    run = running(store)
    with pytest.raises(NoWeights, match="no epoch is stored yet"):
        source_of(store, run).weights(run, {})


@pytest.mark.parametrize("run", GALLERY.runs(), ids=lambda run: run.name)
def test_a_run_of_the_gallery_is_read_from_the_gallery(store: Store, run: Run) -> None:
    source, entry = source_of(store, run), gallery.entries()[run.name]
    assert source is GALLERY
    assert [row.validation_loss for row in source.metrics(run)] == [
        row.validation_loss for row in entry.outcomes[0].curve
    ]
    weights = source.weights(run, build(run.architecture).state_dict())
    assert checkpoint.weights_sha256(weights) == run.weights_sha256
    assert source.predictions(run, "test") is not None
    assert not store.root.exists()


def test_the_gallery_has_answers_to_the_test_images_only(store: Store) -> None:
    for run in GALLERY.runs():
        assert GALLERY.predictions(run, "validation") is None
        assert [GALLERY.guesses(run, row) for row in GALLERY.metrics(run)] == [None] * run.epochs_done


def test_the_gallery_is_read_without_torch() -> None:
    code = "import sys; from mnistnet.runs.sources import GALLERY\n"
    code += "for run in GALLERY.runs(): GALLERY.metrics(run), GALLERY.predictions(run, 'test')\n"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
