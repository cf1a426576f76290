"""Runs side by side: their curves over each other, and accuracy against parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import altair as alt
import pandas as pd

from mnistnet.charts.curves import FLOOR
from mnistnet.charts.palette import NEUTRAL, TARGET
from mnistnet.nets.presets import PRESETS, PUBLIC
from mnistnet.runs.run import Metrics


@dataclass(frozen=True)
class Point:
    """A run, or the mean of several, in the accuracy-parameters plane, with the ends of its 95% interval."""

    label: str
    params: int
    accuracy: float
    low: float
    high: float
    protocol: str


def overlay(curves: Mapping[str, Sequence[Metrics]], target: float) -> alt.LayerChart:
    """Validation error of each run over its epochs, on a logarithmic axis."""
    frame = pd.DataFrame(
        [
            (label, row.epoch, max(FLOOR, 1 - row.validation_accuracy), row.validation_accuracy)
            for label, rows in curves.items()
            for row in rows
        ],
        columns=["run", "epoch", "error", "accuracy"],
    )
    lines = (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=30), strokeWidth=2)
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(title="epoch", format="d", tickMinStep=1, grid=False)),
            y=alt.Y(
                "error:Q",
                scale=alt.Scale(type="log", nice=True),
                axis=alt.Axis(title="validation error (log axis)", format="~%", grid=True, tickCount=5),
            ),
            color=alt.Color("run:N", legend=alt.Legend(orient="bottom", columns=2, title=None, labelLimit=260)),
            strokeDash=alt.StrokeDash("run:N", legend=None),
            tooltip=[
                "run:N",
                "epoch:Q",
                alt.Tooltip("accuracy:Q", format=".2%", title="validation accuracy"),
            ],
        )
    )
    return alt.LayerChart(layer=[lines, _goal(1 - target, target)], height=340)


def plane(points: Sequence[Point], gallery: Sequence[Point], target: float) -> alt.LayerChart:
    """Test accuracy against parameters with 95% intervals.

    Runs are dots, the gallery's means squares, published solutions hollow diamonds, other public results crosses.
    """
    published = pd.DataFrame(_stated(), columns=["label", "params", "accuracy", "protocol", "kind"])
    columns = [field.name for field in fields(Point)]
    own, means = pd.DataFrame(points, columns=columns), pd.DataFrame(gallery, columns=columns)
    ends = [*published["accuracy"], *own["low"], *own["high"], *means["low"], *means["high"], target]
    low = max(0.0, min(ends) - 0.0008)
    levels = alt.Scale(domain=[low, min(1.0, max(ends) + 0.0004)], nice=False)
    up = alt.Axis(title=f"test accuracy (axis starts at {low:.2%})", format=".2%")
    along = alt.X(
        "params:Q",
        scale=alt.Scale(zero=False, padding=30),
        axis=alt.Axis(title="parameters", format=",.0f", tickCount=5),
    )
    reference = (
        alt.Chart(published)
        .mark_point(size=90, color=NEUTRAL, strokeWidth=2, filled=False, opacity=1)
        .encode(
            x=along,
            y=alt.Y("accuracy:Q", scale=levels, axis=up),
            shape=alt.Shape(
                "kind:N", scale=alt.Scale(domain=["published", "public"], range=["diamond", "cross"]), legend=None
            ),
            tooltip=[
                alt.Tooltip("label:N", title="as stated"),
                "protocol:N",
                alt.Tooltip("params:Q", format=","),
                alt.Tooltip("accuracy:Q", format=".2%"),
            ],
        )
    )
    bars = (
        alt.Chart(own)
        .mark_rule(strokeWidth=2)
        .encode(
            x=along,
            y=alt.Y("low:Q", scale=levels, axis=up),
            y2="high:Q",
            color=alt.Color("label:N", legend=None),
        )
    )
    dots = (
        alt.Chart(own)
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            x=along,
            y=alt.Y("accuracy:Q", scale=levels, axis=up),
            color=alt.Color("label:N", legend=alt.Legend(orient="bottom", columns=2, title=None, labelLimit=260)),
            tooltip=[
                alt.Tooltip("label:N", title="run"),
                alt.Tooltip("params:Q", format=","),
                alt.Tooltip("accuracy:Q", format=".2%", title="test accuracy"),
                alt.Tooltip("low:Q", format=".2%", title="95% interval from"),
                alt.Tooltip("high:Q", format=".2%", title="to"),
                "protocol:N",
            ],
        )
    )
    squares = _means(means, along, levels, up)
    return alt.LayerChart(layer=[reference, *squares, bars, dots, _goal(target, target)], height=400)


def _stated() -> list[tuple[str, int, float, str, str]]:
    """What others say of their networks."""
    rows = [
        (preset.name, preset.params, preset.published.accuracy, "one run", "published")
        for preset in PRESETS.values()
        if preset.published
    ]
    return rows + [
        (f"{result.params:,} parameters", result.params, result.accuracy, result.protocol, "public")
        for result in PUBLIC
    ]


def _means(means: pd.DataFrame, along: alt.X, levels: alt.Scale, up: alt.Axis) -> list[alt.Chart]:
    base = alt.Chart(means)
    accuracy = alt.Y("accuracy:Q", scale=levels, axis=up)
    tooltip = [
        alt.Tooltip("label:N", title="gallery"),
        alt.Tooltip("params:Q", format=","),
        alt.Tooltip("accuracy:Q", format=".3%", title="mean test accuracy"),
        alt.Tooltip("low:Q", format=".2%", title="95% interval from"),
        alt.Tooltip("high:Q", format=".2%", title="to"),
        "protocol:N",
    ]
    spans = base.mark_rule(color=TARGET, strokeWidth=1.5).encode(
        x=along, y=alt.Y("low:Q", scale=levels, axis=up), y2="high:Q"
    )
    squares = base.mark_point(shape="square", filled=True, size=80, color=TARGET, opacity=1).encode(
        x=along, y=accuracy, tooltip=tooltip
    )
    names = base.mark_text(align="left", dx=7, dy=-8, fontSize=10).encode(x=along, y=accuracy, text="label:N")
    return [spans, squares, names]


def _goal(level: float, target: float) -> alt.Chart:
    frame = pd.DataFrame({"level": [level], "label": [f"goal {target:.1%}"]})
    rule: alt.Chart = (
        alt.Chart(frame)
        .mark_rule(color=TARGET, strokeDash=[6, 4], strokeWidth=1.5)
        .encode(y="level:Q", tooltip=["label:N"])
    )
    return rule
