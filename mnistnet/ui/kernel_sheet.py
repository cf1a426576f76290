"""The kernels of a network's first layer as one picture, made once for all sessions that show the same."""

import hashlib
import io

import streamlit as st

from mnistnet.charts.pictures import sheet
from mnistnet.data.datasets import Floats

_SIDE = 36  # pixels that one kernel may take
_IN_A_ROW = 12


def kernel_sheet(kernels: Floats) -> None:
    """The kernels (channels, k, k) under a heading, and what their shades mean."""
    st.subheader("Kernels of the first layer", anchor=False)
    picture = _png(hashlib.blake2b(kernels.tobytes()).hexdigest(), kernels.shape, kernels)
    st.image(picture, alt=f"{len(kernels)} kernels of the first convolution")
    st.caption(
        f"{len(kernels)} kernels of {kernels.shape[1]}×{kernels.shape[2]}. White: positive weights, which respond to "
        "ink. Black: negative weights, which respond to missing ink."
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _png(digest: str, shape: tuple[int, ...], _kernels: Floats) -> bytes:
    buffer = io.BytesIO()
    sheet(_kernels, _IN_A_ROW, max(1, _SIDE // shape[1]), grey_is_zero=True).save(buffer, "PNG")
    return buffer.getvalue()
