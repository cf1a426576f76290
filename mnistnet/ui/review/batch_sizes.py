"""The experiment with batch sizes on the Review page."""

import streamlit as st

from mnistnet.review import experiments
from mnistnet.ui.review import runs
from mnistnet.ui.review.subject import Reviewed


def batch_sizes(reviewed: Reviewed) -> None:
    """Short runs with other batch sizes."""
    st.subheader("Which batch size?", anchor=False)
    how = "in proportion" if reviewed.recipe.optimizer == "sgd" else "by its square root"
    st.caption(
        f"Runs of {experiments.SHORT_EPOCHS} epochs with a quarter of the batch size, the same and four times it, from "
        f"8 to 2,048. The learning rate is scaled with the batch size, {how}. Short runs tell which size learns "
        "faster, not where long ones end."
    )
    runs.runs(experiments.batch_sizes(reviewed.architecture, reviewed.recipe), "learning rate")
