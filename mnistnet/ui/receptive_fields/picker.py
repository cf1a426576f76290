"""The network and the digits of the Receptive fields page."""

from dataclasses import dataclass

from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run
from mnistnet.ui import cache, controls, session

_NETWORK = "field-whose"


def network_picker() -> None:
    """The choice of a network: the current design or a run."""
    controls.subject_picker("Network", session.network.value, _NETWORK, session.network.set)


def picked_run() -> Run | None:
    """The run that was picked; None for the current design."""
    return None if session.network.value == session.CURRENT_DESIGN else cache.chosen(session.network.value)


def architecture() -> Architecture:
    """The design that was picked."""
    run = picked_run()
    return run.architecture if run else session.design.value


@dataclass(frozen=True, eq=False)
class Digits:
    """Images (n, 28, 28) uint8, the name of their data set, and their title."""

    images: Bytes
    dataset: str
    title: str


def digits() -> Digits:
    """The images of the picked run's or recipe's data set, else those of the offline sample."""
    run = picked_run()
    recipe = run.recipe if run else session.recipe.value
    split: SplitName = session.split.value if run and session.split.value in run.scorable else "test"
    try:
        images = cache.images(recipe.dataset, recipe.protocol, split)
        return Digits(images, recipe.dataset, f"the {split} images of {datasets.source(recipe.dataset).title}")
    except MnistnetError:
        images = cache.images(datasets.OFFLINE.name, "course", "test")
        return Digits(images, datasets.OFFLINE.name, datasets.OFFLINE.title)
