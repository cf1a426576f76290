"""How receptive fields grow with depth."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import altair as alt
import pandas as pd

from mnistnet.charts.palette import LIMIT, NEUTRAL, TARGET, VALIDATION
from mnistnet.nets.geometry import IMAGE_SIZE, Row

Coverage: TypeAlias = Literal["none", "middle", "every"]
_SEES: dict[Coverage, str] = {
    "none": "sees a part",
    "middle": "only its middle sees the whole image",
    "every": "covers the whole image",
}


def along_depth(rows: Sequence[tuple[str, Row]]) -> alt.LayerChart:
    """Receptive field after each named layer, with the image's 28 pixels as a line."""
    frame = pd.DataFrame(
        [(place, name, row.field, _SEES[_coverage(row)]) for place, (name, row) in enumerate(rows)],
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
                scale=alt.Scale(domain=list(_SEES.values()), range=[NEUTRAL, TARGET, VALIDATION]),
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


def _coverage(row: Row) -> Coverage:
    if row.covers_image:
        return "every"
    middle = row.windows[row.size // 2]
    return "middle" if (middle.start, middle.stop) == (0, IMAGE_SIZE) else "none"
