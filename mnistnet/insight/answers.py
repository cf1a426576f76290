"""A run's predictions, read from its folder or, where it has none, computed from its last checkpoint.

Looking never changes a run: nothing is written. torch is imported only to compute.
"""

from mnistnet.errors import OperationFailed
from mnistnet.runs import predictions
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
    import torch

    from mnistnet.data import datasets, splits
    from mnistnet.nets.network import build
    from mnistnet.runs import checkpoint
    from mnistnet.training.inference import logits, pixels

    found = checkpoint.newest(store.folder(run.id), store.metrics(run.id))
    if found is None:
        raise NoWeights(f"run {run.id}: no epoch is stored yet; wait for its first epoch or resume it")
    network = build(run.architecture)
    network.load_state_dict(found[1]["kept"])
    if run.weights_sha256 not in (None, checkpoint.weights_sha256(found[1]["kept"])):
        raise NoWeights(f"run {run.id}: the checkpoint of its final weights is damaged; train it again")
    dataset = datasets.load(run.recipe.dataset, fetch=False)
    part = getattr(splits.split(dataset, run.recipe.protocol), split)
    images = pixels(part.images, dataset.source, torch.device("cpu"))
    answers = logits(network, images, dataset.source)
    return Predictions(answers.softmax(1).numpy(), part.labels)
