"""The network and the digits of the Receptive fields page."""

from dataclasses import dataclass

import streamlit as st

from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run
from mnistnet.runs.sources import GALLERY
from mnistnet.ui import cache, controls, session, widgets

_NETWORK, _RUNS_OFFERED = "field-whose", 200


def network_picker() -> None:
    """The choice of a network: the current design or a run."""
    titles = {session.CURRENT_DESIGN: f"Current design: {session.design.value.name}"}
    titles |= {run.id: widgets.run_title(run) for run in (*cache.snapshot().runs[:_RUNS_OFFERED], *GALLERY.runs())}
    current = session.network.value if session.network.value in titles else session.CURRENT_DESIGN
    key = controls.control(_NETWORK, current)
    st.selectbox(
        "Network",
        list(titles),
        index=list(titles).index(current),
        format_func=titles.__getitem__,
        key=key,
        on_change=_network_chosen,
    )


def _network_chosen() -> None:
    session.network.set(st.session_state[_NETWORK])


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
