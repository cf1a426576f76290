"""The drawing of the current design: widths, feature-map sizes and receptive fields from left to right."""

import streamlit as st

from mnistnet.charts import design as charts
from mnistnet.charts import receptive_fields
from mnistnet.nets.summary import IMAGE_SIZE, Summary
from mnistnet.ui import cache, session, widgets


def drawing(summary: Summary) -> None:
    """The two charts, each with a caption; nothing where no layer fits."""
    if not summary.rows:
        return
    layers = len(session.design.value.layers)
    widgets.draw(
        charts.drawing(summary),
        "drawing",
        f"{layers} layers, from a {IMAGE_SIZE}×{IMAGE_SIZE} image to {summary.rows[-1].channels} channels",
    )
    st.caption(
        "Bar height: feature-map size. Bar width and the number above it: channels." + _not_drawn(summary),
    )
    widgets.draw(
        receptive_fields.small(cache.named_layers(session.design.value)),
        "fields-small",
        f"Receptive field layer by layer, up to {summary.field} of {IMAGE_SIZE} pixels",
    )
    st.caption("Receptive field of each layer, in pixels. Dashed line: the whole image.")


def _not_drawn(summary: Summary) -> str:
    numbers = sorted({row.layer + 1 for row in summary.rows if row.type in ("dropout", "dropout2d")})
    return f" Dropout is not drawn: it is in layer {', '.join(map(str, numbers))}." if numbers else ""
