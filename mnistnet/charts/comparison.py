"""Runs side by side: their curves over each other, and accuracy against parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import altair as alt
import pandas as pd

from mnistnet.charts.curves import FLOOR
from mnistnet.charts.palette import NEUTRAL, TARGET
from mnistnet.nets.presets import PRESETS, PUBLIC
from mnistnet.runs.run import EpochMetrics

_LINE = 30  # pixels that a line of the legend takes
_ALIKE = 800  # parameters apart, in which there is no room for a name


@dataclass(frozen=True)
class Point:
    """A run, or the mean of several, in the accuracy-parameters plane, with the ends of its 95% interval."""

    label: str
    params: int
    accuracy: float
    low: float
    high: float
    protocol: str


def overlay(curves: Mapping[str, Sequence[EpochMetrics]], target: float) -> alt.LayerChart:
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
            color=_colour("run:N", list(curves)),
            strokeDash=alt.StrokeDash("run:N", sort=list(curves), legend=None),
            tooltip=[
                "run:N",
                "epoch:Q",
                alt.Tooltip("accuracy:Q", format=".2%", title="validation accuracy"),
            ],
        )
    )
    return alt.LayerChart(layer=[lines, _goal(1 - target, target)], height=270 + _LINE * len(curves))


def _colour(field: str, order: Sequence[str], shown: Sequence[str] = ()) -> alt.Color:
    """A colour for each of `order`, with a line of the legend for each of `shown`, or of them all."""
    legend = alt.Legend(
        orient="bottom", columns=1, title=None, labelLimit={"expr": "max(120, width - 20)"}, values=list(shown or order)
    )
    return alt.Color(field, scale=alt.Scale(domain=list(order)), legend=legend)


def plane(
    points: Sequence[Point],
    gallery: Sequence[Point],
    final_fits: Sequence[Point],
    target: float,
    order: Sequence[str] = (),
) -> alt.LayerChart:
    """Test accuracy against parameters with 95% intervals.

    Runs are dots, the gallery's means squares (hollow where trained on all training images), published solutions
    hollow diamonds, other public results crosses. `order` has the labels of all runs that another chart beside this
    one colours, so that a run has one colour in both.
    """
    columns = [field.name for field in fields(Point)]
    own, means, finals = (pd.DataFrame(some, columns=columns) for some in (points, gallery, final_fits))
    stated = pd.DataFrame(_stated(), columns=["label", "params", "accuracy", "protocol", "kind"])
    ends = [*stated["accuracy"], target]
    for frame in (own, means, finals):
        ends += [*frame["low"], *frame["high"]]
    axes = _Axes(max(0.0, min(ends) - 0.0008), min(1.0, max(ends) + 0.0004))
    layers = [
        _reference(stated, axes),
        *_squares(finals, axes, "gallery, final fit", filled=False),
        *_squares(means, axes, "gallery", filled=True),
        *_names(means, finals, axes),
        *_dots(own, axes, order),
        _goal(target, target),
    ]
    return alt.LayerChart(layer=layers, height=400 + _LINE * len(points))


@dataclass(frozen=True)
class _Axes:
    """The axes that every layer shares; accuracies from `low` to `high`."""

    low: float
    high: float

    @property
    def along(self) -> alt.X:
        return alt.X(
            "params:Q",
            scale=alt.Scale(zero=False, padding=30),
            axis=alt.Axis(title="parameters", format=",.0f", tickCount=5),
        )

    def up(self, field: str) -> alt.Y:
        return alt.Y(
            f"{field}:Q",
            scale=alt.Scale(domain=[self.low, self.high], nice=False),
            axis=alt.Axis(title=f"test accuracy (axis starts at {self.low:.2%})", format=".2%"),
        )


def _names(means: pd.DataFrame, finals: pd.DataFrame, axes: _Axes) -> list[alt.Chart]:
    """Our own nets' above their intervals, the published ones' beside their squares and those of their like."""
    is_ours = means["protocol"] == "holdout"
    tops = pd.concat([means, finals]).groupby("label")["high"].max()
    ours = means[is_ours].assign(high=means["label"].map(tops))
    above = alt.Chart(ours).mark_text(fontSize=10, align="center", dy=-6)
    published = means[~is_ours]
    reach = [
        max(other for other in published["params"] if 0 <= other - params < _ALIKE) for params in published["params"]
    ]
    beside = alt.Chart(published.assign(params=reach)).mark_text(fontSize=10, align="left", dx=7, dy=-8)
    return [
        text.encode(x=axes.along, y=axes.up(field), text="label:N")
        for text, field in ((above, "high"), (beside, "accuracy"))
    ]


def _stated() -> list[tuple[str, int, float, str, str]]:
    """The published results of others."""
    rows = [
        (preset.name, preset.params, preset.published.accuracy, "one run", "published")
        for preset in PRESETS.values()
        if preset.published
    ]
    return rows + [
        (f"{result.params:,} parameters", result.params, result.accuracy, result.protocol, "public")
        for result in PUBLIC
    ]


def _reference(stated: pd.DataFrame, axes: _Axes) -> alt.Chart:
    kinds = alt.Scale(domain=["published", "public"], range=["diamond", "cross"])
    marks: alt.Chart = (
        alt.Chart(stated)
        .mark_point(size=90, color=NEUTRAL, strokeWidth=2, filled=False, opacity=1)
        .encode(
            x=axes.along,
            y=axes.up("accuracy"),
            shape=alt.Shape("kind:N", scale=kinds, legend=None),
            tooltip=[
                alt.Tooltip("label:N", title="as stated"),
                "protocol:N",
                alt.Tooltip("params:Q", format=","),
                alt.Tooltip("accuracy:Q", format=".2%"),
            ],
        )
    )
    return marks


def _squares(means: pd.DataFrame, axes: _Axes, title: str, *, filled: bool) -> list[alt.Chart]:
    base = alt.Chart(means)
    spans = base.mark_rule(color=TARGET, strokeWidth=1.5, strokeDash=[1, 0] if filled else [2, 3]).encode(
        x=axes.along, y=axes.up("low"), y2="high:Q"
    )
    marks = base.mark_point(shape="square", filled=filled, size=80, color=TARGET, opacity=1).encode(
        x=axes.along, y=axes.up("accuracy"), tooltip=_tooltip(title, "mean test accuracy", ".3%")
    )
    return [spans, marks]


def _dots(own: pd.DataFrame, axes: _Axes, order: Sequence[str]) -> list[alt.Chart]:
    if own.empty:  # a layer without marks would be announced as a symbol without a name
        return []
    base = alt.Chart(own)
    labels = list(own["label"])
    colour = _colour("label:N", order or labels, labels)
    spans = base.mark_rule(strokeWidth=2).encode(x=axes.along, y=axes.up("low"), y2="high:Q", color=colour)
    marks = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=axes.along,
        y=axes.up("accuracy"),
        color=colour,
        tooltip=_tooltip("run", "test accuracy", ".2%"),
    )
    return [spans, marks]


def _tooltip(title: str, accuracy: str, form: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title=title),
        alt.Tooltip("params:Q", format=","),
        alt.Tooltip("accuracy:Q", format=form, title=accuracy),
        alt.Tooltip("low:Q", format=".2%", title="95% interval from"),
        alt.Tooltip("high:Q", format=".2%", title="to"),
        alt.Tooltip("protocol:N"),
    ]


def _goal(level: float, target: float) -> alt.Chart:
    frame = pd.DataFrame({"level": [level], "label": [f"goal {target:.1%}"]})
    rule: alt.Chart = (
        alt.Chart(frame)
        .mark_rule(color=TARGET, strokeDash=[6, 4], strokeWidth=1.5)
        .encode(y="level:Q", tooltip=["label:N"])
    )
    return rule
