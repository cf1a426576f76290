"""The layer table: each operation with shape, parameters, multiply-accumulates, receptive field and jump."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.layer_types import TITLES
from mnistnet.nets.summary import Summary
from mnistnet.training import acceleration
from mnistnet.ui import session

if TYPE_CHECKING:
    import pandas as pd

_WAYS = (
    "On a CPU. chain: with its neighbours, in one compiled operation. compiled: by a compiled loop. torch: by "
    "torch's own operation. A chain is pairs of a depthwise 3×3 and a 1×1 convolution with stride 1, the same size "
    "out as in, no bias, then batch norm and ReLU; before them a 3×3 convolution of the image with 2×2 max pool, "
    "behind them a global mean."
)


def layer_table(summary: Summary) -> None:
    """The table, and the summary by torchinfo to compare it with."""
    frame = _frame(summary)
    st.dataframe(
        frame,
        hide_index=True,
        height=min(38 + 35 * len(frame), 560),
        key="layer-table",
        alt=f"Layer table: {summary.params:,} parameters and {summary.macs:,} multiply-accumulates in total",
        column_config=_columns(),
    )
    st.caption(
        f"{summary.params:,} parameters, {summary.macs:,} multiply-accumulates for one image. "
        + acceleration.described(session.design.value, summary)
    )
    witness = st.expander("Summary by torchinfo", icon=":material/fact_check:", on_change="rerun", key="witness")
    if witness.open:
        with witness:
            if summary.fault:
                st.markdown("torchinfo needs a design without errors.")
            else:
                st.code(_torchinfo_summary(session.design.value), language=None)


def _frame(summary: Summary) -> "pd.DataFrame":
    import pandas as pd  # 0.3 s at its first call: what stands above the table is there by then

    total = max(1, summary.params)
    ways = acceleration.fast_path(session.design.value, summary).rows
    return pd.DataFrame(
        [
            (
                row.layer + 1,
                TITLES[row.type],
                "×".join(map(str, row.shape)),
                row.params,
                100 * row.params / total,
                row.macs,
                f"{row.field}×{row.field}" + (" · whole image" if row.covers_image else ""),
                row.jump,
                way,
            )
            for row, way in zip(summary.rows, ways, strict=True)
        ],
        columns=["layer", "operation", "output", "parameters", "share", "MACs", "field", "jump", "trains"],
    )


def _columns() -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "layer": number(width=50),
        "operation": text(width=140),
        "share": st.column_config.ProgressColumn(
            "share", format="%.0f %%", min_value=0, max_value=100, help="Share of all parameters"
        ),
        "parameters": number(format="localized"),
        "MACs": number(format="localized", help="Multiply-accumulates for one image"),
        "field": text("receptive field, px", width=190, help="How many pixels of the image one unit depends on"),
        "jump": number("jump, px", help="Distance between neighbouring units, in image pixels"),
        "trains": text("trains as", width=80, help=_WAYS),
    }


@st.cache_data(max_entries=64, show_spinner="torchinfo is counting…")
def _torchinfo_summary(architecture: Architecture) -> str:
    """torchinfo's table of the design. Imports torch at its first call, and not before."""
    from mnistnet.nets.network import torchinfo_summary

    return torchinfo_summary(architecture)
