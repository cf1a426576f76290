"""How receptive fields grow with depth."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from mnistnet.charts.palette import LIMIT, NEUTRAL, VALIDATION
from mnistnet.nets.geometry import IMAGE_SIZE, Row


def along_depth(rows: Sequence[tuple[str, Row]]) -> alt.LayerChart:
    """Receptive field after each named layer, with the image's 28 pixels as a line."""
    frame = pd.DataFrame(
        [
            (place, name, row.field, "covers the whole image" if row.covers_image else "sees a part")
            for place, (name, row) in enumerate(rows)
        ],
        columns=["place", "layer", "field", "sees"],
    )
    bars = (
        alt.Chart(frame)
        .mark_bar(size=18)
        .encode(
            x=alt.X("layer:N", sort=list(frame["layer"]), axis=alt.Axis(title=None, labelAngle=-40, labelLimit=180)),
            y=alt.Y("field:Q", axis=alt.Axis(title="receptive field, pixels")),
            color=alt.Color(
                "sees:N",
                scale=alt.Scale(domain=["sees a part", "covers the whole image"], range=[NEUTRAL, VALIDATION]),
                legend=alt.Legend(orient="top", title=None),
            ),
            tooltip=["layer:N", alt.Tooltip("field:Q", title="field, pixels"), "sees:N"],
        )
    )
    numbers = (
        alt.Chart(frame)
        .mark_text(dy=-8, fontWeight="bold")
        .encode(x=alt.X("layer:N", sort=list(frame["layer"])), y="field:Q", text="field:Q")
    )
    image = alt.Chart(pd.DataFrame({"pixels": [IMAGE_SIZE], "label": [f"the image: {IMAGE_SIZE} px"]}))
    line = image.mark_rule(color=LIMIT, strokeDash=[6, 4], strokeWidth=1.5).encode(y="pixels:Q", tooltip=["label:N"])
    name = image.mark_text(align="left", baseline="bottom", dx=4, dy=-3, fontWeight="bold").encode(
        y="pixels:Q", x=alt.value(0), text="label:N"
    )
    return alt.LayerChart(layer=[bars, numbers, line, name], height=320)
