"""A run's predictions, read from its folder or the gallery or, where neither has them, computed from its weights.

Looking never changes a run: nothing is written. torch is imported only to compute.
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
    """The answers of the run's final weights, written when it was done; None where there are none."""
    if entry := gallery_runs.entry_of(run.id):
        return gallery_runs.predictions(entry) if split == "test" else None
    if run.weights_sha256 is None:
        return None
    found = predictions.read(store.folder(run.id), split, run.weights_sha256, run.answers_sha256(split))
    return found if found and len(found.labels) == _images(run, split) else None


def guesses(store: Store, run: Run, epoch: EpochMetrics) -> Guesses | None:
    """What the run answered for its validation images after an epoch; None where that was not kept."""
    found = predictions.read_guesses(store.folder(run.id), epoch.epoch, epoch.guesses_sha256)
    return found if found and len(found.labels) == _images(run, "validation") else None


def _images(run: Run, split: SplitName) -> int:
    """How many images the split has; answers for more or fewer are none for these."""
    return int(getattr(splits.counts(datasets.source(run.recipe.dataset), run.recipe.protocol), split))


def compute(store: Store, run: Run, split: SplitName) -> Steps[Predictions]:
    """The answers of the run's newest weights, computed now in fp32.

    Raises weights.NoWeights or gallery.Damaged where the weights cannot be had, DataError without the data set.
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
