"""Receptive fields by depth."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeAlias

import altair as alt
import pandas as pd

from mnistnet.charts.palette import HIGHLIGHT, LIMIT, NEUTRAL, TARGET, TRAINING, VALIDATION
from mnistnet.charts.template import Spec, filled, rows_to_come, template
from mnistnet.nets.summary import IMAGE_SIZE, LayerSummary

Coverage: TypeAlias = Literal["none", "middle", "every"]
_SEES: dict[Coverage, str] = {
    "none": "part of the image",
    "middle": "whole image, middle unit only",
    "every": "whole image, every unit",
}
_LABEL_ROOM = 15  # pixels along the axis that a slanted label needs
_FIGURE_ROOM = 30  # pixels along the axis that a figure like "100%" needs
_SMALL_MOST = 40  # pixels; a larger field is cut here, its figure is not


def extent(row: LayerSummary) -> str:
    """A receptive field in words: `8×8`, or `30×30, clipped to 28×28` where it is larger than the image."""
    clipped = f", clipped to {IMAGE_SIZE}×{IMAGE_SIZE}" if row.field > IMAGE_SIZE else ""
    return f"{row.field}×{row.field}{clipped}"


def along_depth(
    rows: Sequence[tuple[str, LayerSummary]], effective: Mapping[str, Sequence[float]] | None = None
) -> alt.LayerChart:
    """Receptive field after each named layer, with the image's 28 pixels as a line.

    `effective` has sizes in pixels, one a layer, by who has them: `untrained`, `trained`.
    """
    names = [name for name, _ in rows]
    frame = pd.DataFrame(
        [(place, name, row.field, _SEES[_coverage(row)]) for place, (name, row) in enumerate(rows)],
        columns=["place", "layer", "field", "sees"],
    )
    along = alt.X(
        "layer:N", sort=names, axis=alt.Axis(title=None, labelAngle=-40, labelLimit=180, labelOverlap=_overlap(names))
    )
    bars = (
        alt.Chart(frame)
        .mark_bar(size=18)
        .encode(
            x=along,
            y=alt.Y("field:Q", axis=alt.Axis(title="receptive field, pixels")),
            color=alt.Color(
                "sees:N",
                scale=alt.Scale(domain=list(_SEES.values()), range=[NEUTRAL, TARGET, VALIDATION]),
                legend=_legend("top"),
            ),
            tooltip=_hints("layer"),
        )
    )
    numbers = (
        alt.Chart(frame)
        .mark_text(dy=-8, fontWeight="bold")
        .encode(x=alt.X("layer:N", sort=names), y="field:Q", text="field:Q")
    )
    marks = [_effective(names, effective)] if effective else []
    return alt.LayerChart(layer=[bars, numbers, *_image_side(), *marks], height=380)


def _image_side() -> list[alt.Chart]:
    """The image's side as a dashed line, with its name."""
    image = alt.Chart(pd.DataFrame({"pixels": [IMAGE_SIZE], "label": [f"the image: {IMAGE_SIZE} px"]}))
    line = image.mark_rule(color=LIMIT, strokeDash=[6, 4], strokeWidth=1.5).encode(y="pixels:Q", tooltip=["label:N"])
    name = image.mark_text(align="left", baseline="bottom", dx=4, dy=-3, fontWeight="bold").encode(
        y="pixels:Q", x=alt.value(0), text="label:N"
    )
    return [line, name]


def _overlap(names: Sequence[str]) -> alt.ExprRef:
    """Labels are left out only where the chart is too narrow for all."""
    return alt.ExprRef(f"width < {_LABEL_ROOM * len(names)} ? 'parity' : false")


def _legend(orient: Literal["top", "bottom"], **looks: Any) -> alt.Legend:
    """Its entries side by side, below each other on a phone."""
    return alt.Legend(orient=orient, title=None, columns=alt.ExprRef("width < 500 ? 1 : 3"), labelLimit=300, **looks)


def _hints(name: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{name}:N", title="layer"),
        alt.Tooltip("field:Q", title="receptive field, pixels"),
        alt.Tooltip("sees:N", title="sees"),
    ]


def _effective(names: Sequence[str], effective: Mapping[str, Sequence[float]]) -> alt.Chart:
    rows = [
        {"layer": name, "size": round(size, 1), "who": f"effective, {who}"}
        for who, sizes in effective.items()
        for name, size in zip(names, sizes, strict=True)
    ]
    shown = [f"effective, {who}" for who in effective]
    marks: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_point(filled=True, size=80, opacity=1, color=TRAINING, stroke="#ffffff", strokeWidth=1)
        .encode(
            x=alt.X("layer:N", sort=list(names)),
            y=alt.Y("size:Q"),
            shape=alt.Shape(
                "who:N",
                scale=alt.Scale(domain=shown, range=["triangle-up", "diamond"][: len(shown)]),
                legend=_legend("bottom", symbolFillColor=TRAINING, symbolStrokeColor=TRAINING, symbolSize=60),
            ),
            tooltip=[
                alt.Tooltip("layer:N"),
                alt.Tooltip("size:Q", title="pixels"),
                alt.Tooltip("who:N", title="field"),
            ],
        )
    )
    return marks


def small(rows: Sequence[tuple[str, LayerSummary]]) -> Spec:
    """The receptive fields along depth in a small chart beside a design: a bar a layer, 28 pixels marked."""
    return filled(
        _small(),
        [
            {
                "layer": row.layer + 1,
                "name": name,
                "field": row.field,
                "shown": min(row.field, _SMALL_MOST),
                "sees": _SEES[_coverage(row)],
            }
            for name, row in rows
        ],
    )


@cache
def _small() -> str:
    bars = (
        alt.Chart()
        .mark_bar(size=12)
        .encode(
            alt.X("layer:O", axis=alt.Axis(title=None, labelAngle=0)),
            alt.Y(
                "shown:Q",
                scale=alt.Scale(domain=[0, _SMALL_MOST]),
                axis=alt.Axis(title="receptive field, px", values=[0, IMAGE_SIZE // 2, IMAGE_SIZE]),
            ),
            alt.Color(
                "sees:N",
                scale=alt.Scale(domain=list(_SEES.values()), range=[NEUTRAL, TARGET, VALIDATION]),
                legend=None,
            ),
            tooltip=_hints("name"),
        )
    )
    numbers = alt.Chart().mark_text(dy=-6, fontSize=10).encode(alt.X("layer:O"), alt.Y("shown:Q"), alt.Text("field:Q"))
    whole = alt.Chart(alt.InlineData(values=[{"pixels": IMAGE_SIZE}]))
    line = whole.mark_rule(color=LIMIT, strokeDash=[6, 4], strokeWidth=1.5).encode(alt.Y("pixels:Q"))
    return template(alt.LayerChart(data=rows_to_come, layer=[bars, numbers, line], height=130))


def unseen(names: Sequence[str], shares: Sequence[float], chosen: str) -> alt.LayerChart:
    """Share of a digit's ink, 0 to 1, outside two receptive fields, layer by layer; `chosen` stands out."""
    rows = [
        {"layer": name, "share": share, "label": f"{share:.0%}", "chosen": name == chosen}
        for name, share in zip(names, shares, strict=True)
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        alt.X(
            "layer:N",
            sort=list(names),
            axis=alt.Axis(title=None, labelAngle=-40, labelLimit=140, labelOverlap=_overlap(names)),
        ),
        alt.Y(
            "share:Q",
            scale=alt.Scale(domain=[0, 1.15], nice=False),
            axis=alt.Axis(title="ink outside both", format="%", values=[0, 0.5, 1]),
        ),
        tooltip=[alt.Tooltip("layer:N"), alt.Tooltip("label:N", title="ink outside both")],
    )
    bars = base.mark_bar(size=16).encode(
        color=alt.condition(alt.datum.chosen, alt.value(HIGHLIGHT), alt.value(NEUTRAL))
    )
    crowded = alt.value(alt.ExprRef(f"width < {_FIGURE_ROOM * len(names)} ? 0 : 11"))
    labels = base.mark_text(dy=-7).encode(
        text=alt.Text("label:N"), size=alt.condition(alt.datum.chosen, alt.value(11), crowded)
    )
    return alt.LayerChart(layer=[bars, labels], height=240)


def _coverage(row: LayerSummary) -> Coverage:
    if row.covers_image:
        return "every"
    middle = row.receptive_fields[row.size // 2]
    return "middle" if (middle.start, middle.stop) == (0, IMAGE_SIZE) else "none"
