"""A run's predictions: read from its folder or the gallery, or computed from its weights where neither has them.

Writes nothing. Imports torch when it computes, not before.
"""

from mnistnet.data import datasets, splits
from mnistnet.data.splits import Part
from mnistnet.insight.network.steps import Steps
from mnistnet.runs import gallery_runs
from mnistnet.runs.files import predictions
from mnistnet.runs.files.predictions import Guesses, Predictions, SplitName
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.runs.store.store import Store


def stored(store: Store, run: Run, split: SplitName) -> Predictions | None:
    """The predictions of the run's final weights, stored when training ended; None where none are stored."""
    if entry := gallery_runs.entry_of(run.id):
        return gallery_runs.predictions(entry) if split == "test" else None
    if run.weights_sha256 is None:
        return None
    found = predictions.read(store.folder(run.id), split, run.weights_sha256, run.answers_sha256(split))
    return found if found and len(found.labels) == _images(run, split) else None


def guesses(store: Store, run: Run, epoch: EpochMetrics) -> Guesses | None:
    """The classes predicted for the run's validation images after an epoch; None where they were not stored."""
    found = predictions.read_guesses(store.folder(run.id), epoch.epoch, epoch.guesses_sha256)
    return found if found and len(found.labels) == _images(run, "validation") else None


def _images(run: Run, split: SplitName) -> int:
    """The number of images in the split. Stored predictions of another number belong to other images."""
    return int(getattr(splits.counts(datasets.source(run.recipe.dataset), run.recipe.protocol), split))


def compute(store: Store, run: Run, split: SplitName) -> Steps[Predictions]:
    """The predictions of the run's newest weights, computed in fp32.

    Raises weights.NoWeights or gallery.DamagedEntry where the weights are not available, DataError without the data
    set.
    """
    import torch

    from mnistnet.insight.network.probe import Probe
    from mnistnet.insight.network.weights import network_of

    probe = Probe(network_of(store, run), datasets.source(run.recipe.dataset))
    part = _part(run, split)
    answers = yield from probe.answers(part.images)
    return Predictions(torch.from_numpy(answers).softmax(1).numpy(), part.labels)


def _part(run: Run, split: SplitName) -> Part:
    if split == "test" or run.recipe.protocol == "course":
        return Part(*datasets.load_test(run.recipe.dataset))
    return splits.split(datasets.load(run.recipe.dataset, fetch=False), run.recipe.protocol).validation
