"""The time that a training takes on this machine, from the speed of the runs that it has seen."""

from itertools import islice

from mnistnet.data import datasets, splits
from mnistnet.nets.architecture import Architecture
from mnistnet.system import cores
from mnistnet.training.estimate import Estimate, Measured, estimate
from mnistnet.training.recipe import Recipe
from mnistnet.ui import cache

_RUNS_TO_LEARN_FROM = 20


def training_time(architecture: Architecture, recipe: Recipe) -> Estimate:
    """Training time on this machine, corrected by the speed of runs here with the same number of threads.

    The offline sample's small batches are slower per image, so it and the other data sets do not correct each other.
    """
    is_sample = recipe.dataset == datasets.OFFLINE.name
    seen = (
        Measured(run.architecture, run.images_per_second)
        for run in cache.latest_runs()
        if run.epochs_done
        and run.images_per_second
        and run.threads == (recipe.threads or cores())
        and (run.recipe.dataset == datasets.OFFLINE.name) == is_sample
    )
    images = splits.counts(datasets.source(recipe.dataset), recipe.protocol).train
    return estimate(architecture, images, recipe.epochs, islice(seen, _RUNS_TO_LEARN_FROM))
