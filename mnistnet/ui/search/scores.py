"""The accuracy of a trial, with what must stand beside it."""

import streamlit as st

from mnistnet.data import datasets, splits
from mnistnet.insight.predictions.evaluation import Score
from mnistnet.search.search import Search
from mnistnet.search.trials import Trial
from mnistnet.ui import widgets


def score(search: Search, trial: Trial, label: str) -> None:
    """The validation accuracy of a trial that is done, with its split, and its errors and interval for one seed."""
    source = datasets.source(search.recipe.dataset)
    split, images = f"held-out images of {source.title}", splits.counts(source, "holdout").validation
    accuracy = trial.accuracy or 0.0
    if len(trial.accuracies) == 1:
        widgets.score(label, Score(round((1 - accuracy) * images), images), split)
        return
    st.metric(label, f"{accuracy:.2%}", help=f"Mean share of right answers on the {split}.")
    st.caption(f"{split}: mean of {len(trial.accuracies)} seeds, {images:,} images each")
