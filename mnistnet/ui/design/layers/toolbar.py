"""The bar above the layers: add a layer, change every convolution at once, fit the budget."""

import streamlit as st

from mnistnet.lessons.controls import ADD
from mnistnet.nets.architecture import KERNELS, MAX_LAYERS
from mnistnet.nets.layer_types import STEP_TYPES, TITLES, has_rate
from mnistnet.ui import session
from mnistnet.ui.design.layers import edits
from mnistnet.ui.design.layers.fit import fit_budget
from mnistnet.ui.lessons import held

_OF_ALL = ("kernel", "after", "dropout", "padding")


def toolbar() -> None:
    """The menu of layer types to add, the menu for all convolutions, and the widths that fit the budget."""
    full = len(session.design.value.layers) >= MAX_LAYERS
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if not held.is_hidden(ADD):
            st.menu_button(
                "Add a layer",
                list(edits.NEW),
                icon=":material/add:",
                key=edits.ADD,
                on_click=edits.add,
                **held.options(ADD, disabled=full),
            )
        if not held.is_held(*_OF_ALL):
            with st.popover("All convolutions", icon=":material/select_all:"):
                _all_convolutions()
        fit_budget()


def _all_convolutions() -> None:
    st.caption("Changes every convolution except the last one, which gives the ten outputs, and depthwise ones.")
    st.segmented_control("Kernel", KERNELS, default=3, key=f"{edits.ALL}-kernel", required=True)
    st.multiselect(
        "Followed by",
        list(STEP_TYPES),
        default=["batchnorm", "relu"],
        format_func=lambda step: TITLES[step],
        key=f"{edits.ALL}-after",
    )
    if has_rate(st.session_state[f"{edits.ALL}-after"]):
        st.slider("Dropout rate", 0.0, 0.6, 0.05, 0.01, key=f"{edits.ALL}-dropout")
    st.toggle("Same size: pad so that feature maps keep their size", value=True, key=f"{edits.ALL}-pad")
    st.button("Apply to all", on_click=edits.apply_to_all, type="primary")
