"""Runs side by side: their curves over each other, and accuracy against parameters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import altair as alt
import pandas as pd

from mnistnet.charts.curves import FLOOR, ticks_of_errors
from mnistnet.charts.palette import NEUTRAL, TARGET
from mnistnet.nets.presets import PRESETS, PUBLIC
from mnistnet.runs.run import EpochMetrics

_LINE = 30  # pixels that a line of the legend takes
_ALIKE = 800  # parameters apart, in which there is no room for a name
_BESIDE = "width > 330"  # whether names fit beside their marks, and beside the rightmost: not on a phone
_NAME_HEIGHT, _PLANE_HEIGHT = 13, 290  # pixels
_NAME_PARAMS = 3_500  # parameters that the width of a name covers on a wide screen


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
    ends = [0.85 * min([*frame["error"], 1 - target]), min(1.0, 1.15 * max([*frame["error"], 1 - target]))]
    lines = (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=30), strokeWidth=2)
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(title="epoch", format="d", tickMinStep=1, grid=False)),
            y=alt.Y(
                "error:Q",
                scale=alt.Scale(type="log", domain=ends, nice=False),
                axis=alt.Axis(title="validation error (log axis)", format="~%", values=ticks_of_errors(*ends)),
            ),
            color=_colour("run:N", list(curves), symbolType="stroke", symbolStrokeWidth=3, symbolSize=500),
            strokeDash=alt.StrokeDash("run:N", sort=list(curves), legend=None),
            tooltip=[
                "run:N",
                "epoch:Q",
                alt.Tooltip("accuracy:Q", format=".2%", title="validation accuracy"),
            ],
        )
    )
    return alt.LayerChart(layer=[lines, _goal(1 - target, target)], height=370 + _LINE * len(curves))


def _colour(field: str, order: Sequence[str], shown: Sequence[str] = (), **looks: Any) -> alt.Color:
    """A colour for each of `order`, with a line of the legend for each of `shown`, or of them all."""
    legend = alt.Legend(
        orient="bottom",
        columns=1,
        title=None,
        labelLimit={"expr": "max(120, width - 20)"},
        values=list(shown or order),
        **looks,
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
    widest = max(size for frame in (own, means, finals, stated) for size in frame["params"])
    axes = _Axes(max(0.0, min(ends) - 0.0008), min(1.0, max(ends) + 0.0004), -(-widest // 5_000) * 5_000)
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
    """The axes that every layer shares; accuracies from `low` to `high`, parameters up to `widest`."""

    low: float
    high: float
    widest: int

    @property
    def along(self) -> alt.X:
        return alt.X(
            "params:Q",
            scale=alt.Scale(
                domain=[0, self.widest], nice=False, range=[0, alt.ExprRef(f"width - ({_BESIDE} ? 70 : 0)")]
            ),
            axis=alt.Axis(title="parameters", format=",.0f", tickCount=5),
        )

    def up(self, field: str) -> alt.Y:
        return alt.Y(
            f"{field}:Q",
            scale=alt.Scale(domain=[self.low, self.high], nice=False),
            axis=alt.Axis(title=f"test accuracy (axis starts at {self.low:.2%})", format=".2%"),
        )


def _names(means: pd.DataFrame, finals: pd.DataFrame, axes: _Axes) -> list[alt.Chart]:
    """Our own nets' above their intervals, or below where a better one is near; others' beside those of their like."""
    is_ours = means["protocol"] == "holdout"
    both = pd.concat([means, finals]).groupby("label")
    ours = means[is_ours].assign(high=means["label"].map(both["high"].max()), low=means["label"].map(both["low"].min()))
    is_below = [
        bool(((ours["params"] - params).abs().lt(_ALIKE) & ours["high"].gt(high)).any())
        for params, high in zip(ours["params"], ours["high"], strict=True)
    ]
    others = means[~is_ours]
    reach = [max(other for other in others["params"] if 0 <= other - params < _ALIKE) for params in others["params"]]
    others = others.assign(params=reach)
    levels = _apart(ours["params"], ours["high"], axes), _apart(others["params"], others["accuracy"], axes)
    ours, others = ours.assign(high=levels[0]), others.assign(accuracy=levels[1])
    above = alt.Chart(ours[[not below for below in is_below]]).mark_text(fontSize=10, align="center", dy=-6)
    below = alt.Chart(ours[is_below]).mark_text(fontSize=10, align="center", baseline="top", dy=4)
    beside = alt.Chart(others).mark_text(fontSize=alt.ExprRef(f"{_BESIDE} ? 10 : 0"), align="left", dx=7, dy=-8)
    return [
        text.encode(x=axes.along, y=axes.up(field), text="label:N")
        for text, field in ((above, "high"), (below, "low"), (beside, "accuracy"))
    ]


def _apart(places: Iterable[int], levels: Iterable[float], axes: _Axes) -> list[float]:
    """The levels of names at these places along the axis, raised where a name would lie on one that is lower."""
    least = (axes.high - axes.low) * _NAME_HEIGHT / _PLANE_HEIGHT
    wanted = list(zip(places, levels, strict=True))
    found = dict[int, float]()
    for name in sorted(range(len(wanted)), key=lambda one: wanted[one][1]):
        place, level = wanted[name]
        for taken in sorted(found[other] for other in found if abs(wanted[other][0] - place) < _NAME_PARAMS):
            level = taken + least if taken - least < level < taken + least else level
        found[name] = level
    return [found[name] for name in range(len(wanted))]


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
    rule = alt.Chart(frame).mark_rule(color=TARGET, strokeDash=[6, 4], strokeWidth=1.5)
    named: alt.Chart = rule.encode(y="level:Q", tooltip=["label:N"])
    return named
