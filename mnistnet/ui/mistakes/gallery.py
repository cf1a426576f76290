"""The gallery of mistakes: small pictures with true and predicted class."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from mnistnet.charts import mistakes as charts
from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.insight.predictions import label_errors
from mnistnet.insight.predictions.evaluation import Mistake
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run
from mnistnet.ui import controls, session, widgets
from mnistnet.ui.mistakes import filters

_PER_PAGE = 48


def gallery(shown: Sequence[Mistake], all_images: Bytes, run: Run, split: SplitName) -> None:
    """The mistakes that pass the filters, in the chosen order; a click opens one beside them."""
    if not shown:
        with st.container(border=True):
            st.markdown("No mistake matches these filters.")
            st.button("Show all mistakes", on_click=filters.reset)
        return
    classes = datasets.source(run.recipe.dataset).classes
    pages = -(-len(shown) // _PER_PAGE)
    page = 1
    if pages > 1:
        # The key belongs to the filter: another filter starts at its first page.
        page = st.pagination(pages, key=f"gallery-page-{hash(filters.selection(classes))}")
    part = shown[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    marked = "; ? marks labels judged wrong by people" if label_errors.covers(run.recipe.dataset, split) else ""
    st.caption(f"True label → predicted, with its confidence{marked}.")
    key = controls.clickable(f"gallery-{page}")
    doubtful = label_errors.VALIDATED if label_errors.covers(run.recipe.dataset, split) else {}
    widgets.draw(
        charts.gallery([all_images[mistake.index] for mistake in part], part, classes, session.digit.value, doubtful),
        key,
        f"{len(part)} of {len(shown)} wrong digits",
        on_select=partial(_digit_chosen, key),
        selection_mode=charts.DIGIT,
    )


def _digit_chosen(key: str) -> None:
    chosen = st.session_state[key]["selection"].get(charts.DIGIT, [])
    if chosen:
        session.digit.set(int(chosen[0]["index"]))
