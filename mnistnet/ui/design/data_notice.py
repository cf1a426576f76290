"""A notice where the chosen data set is small, or not on this machine yet."""

import math

import streamlit as st

from mnistnet.data import datasets, files
from mnistnet.data.datasets import Source
from mnistnet.data.files import DataError
from mnistnet.data.splits import counts
from mnistnet.ui import session, widgets

_FEW_STEPS = 150  # mnistnet-min on the sample: 19 % after 33 steps, 84 % after 129, 77 to 83 % after 258


def data_notice() -> None:
    """The state of the chosen data set where it is not complete here, and a button that chooses the offline sample."""
    source = datasets.source(session.recipe.value.dataset)
    try:
        if datasets.is_here(source.name):
            if source is datasets.OFFLINE:
                st.info(_about_sample(source), icon=":material/info:")
            return
    except DataError as error:
        st.error(widgets.plain(str(error)), icon=":material/error:")
        return
    place = datasets.folder(source).resolve()
    with st.container(border=True):
        st.markdown(f":material/download: {source.title} is not on this machine yet. The first run downloads it.")
        megabytes = sum(files.size(name) for name in files.NAMES) / 1e6
        st.caption(
            f"It is stored in `{place}` ({megabytes:.0f} MB). To download it now, or to check a copy that you have:"
        )
        st.code(f"MNISTNET_DATA=/your/copy python -m mnistnet data --dataset {source.name}", language="bash")
        offline = session.recipe.value.on("digits")
        st.button("Use the offline sample instead", on_click=session.recipe.set, args=(offline,))


def _about_sample(source: Source) -> str:
    recipe = session.recipe.value
    images = counts(source, recipe.protocol).train
    steps = math.ceil(images / recipe.batch_size) * recipe.epochs
    said = f"{source.title}: {images:,} training images. No accuracy on it is an MNIST accuracy."
    if steps < _FEW_STEPS:
        said += f" {steps} training steps are too few to learn: choose a smaller batch size or more epochs."
    return said
