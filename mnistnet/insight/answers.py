"""A run's predictions, read from its folder or, where it has none, computed from its last weights.

Looking never changes a run: nothing is written. torch is imported only to compute.
"""

from collections.abc import Mapping
from typing import Any

from mnistnet import gallery
from mnistnet.errors import OperationFailed
from mnistnet.gallery import Entry
from mnistnet.runs import exhibits, predictions
from mnistnet.runs.predictions import Predictions, SplitName
from mnistnet.runs.run import Run
from mnistnet.runs.store import Store


class NoWeights(OperationFailed):
    """The run has no whole checkpoint to answer with."""


def stored(store: Store, run: Run, split: SplitName) -> Predictions | None:
    """The answers the run itself wrote when it was done; None for a run that has not got so far."""
    if run.weights_sha256 is None:
        return None
    return predictions.read(store.folder(run.id), split, run.weights_sha256)


def compute(store: Store, run: Run, split: SplitName) -> Predictions:
    """The answers of the run's newest whole checkpoint, computed now in fp32.

    Raises NoWeights before the first stored epoch, DataError where the data set cannot be had.
    """
    from mnistnet.runs import checkpoint

    found = checkpoint.newest(store.folder(run.id), store.metrics(run.id))
    if found is None:
        raise NoWeights(f"run {run.id}: no epoch is stored yet; wait for its first epoch or resume it")
    if run.weights_sha256 not in (None, checkpoint.weights_sha256(found[1]["kept"])):
        raise NoWeights(f"run {run.id}: the checkpoint of its final weights is damaged; train it again")
    return _answers(run, found[1]["kept"], split)


def of_gallery(entry: Entry, split: SplitName) -> Predictions:
    """The answers of a gallery entry's weights: for the test images as they were stored, else computed now.

    Raises gallery.Damaged where the weights are not those that were scored, DataError without the data set.
    """
    if split == "test" and (known := exhibits.predictions(entry)):
        return known
    from safetensors.torch import load

    return _answers(exhibits.as_run(entry), load(gallery.weights(entry)), split)


def _answers(run: Run, weights: Mapping[str, Any], split: SplitName) -> Predictions:
    import torch

    from mnistnet.data import datasets, splits
    from mnistnet.nets.network import build
    from mnistnet.training.inference import logits, pixels

    network = build(run.architecture)
    network.load_state_dict(weights)
    dataset = datasets.load(run.recipe.dataset, fetch=False)
    part = getattr(splits.split(dataset, run.recipe.protocol), split)
    images = pixels(part.images, dataset.source, torch.device("cpu"))
    answers = logits(network, images, dataset.source)
    return Predictions(answers.softmax(1).numpy(), part.labels)
