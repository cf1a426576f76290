"""A run's predictions, computed from its weights. Writes nothing. Imports torch when it computes, not before."""

from mnistnet.data import datasets, splits
from mnistnet.data.splits import Part
from mnistnet.insight.network.steps import Steps
from mnistnet.runs.files.predictions import Predictions, SplitName
from mnistnet.runs.run import Run
from mnistnet.runs.store.store import Store


def compute(store: Store, run: Run, split: SplitName) -> Steps[Predictions]:
    """The predictions of the run's newest weights, computed in fp32.

    Raises NoWeights or gallery.DamagedEntry where the weights are not available, DataError without the data
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
