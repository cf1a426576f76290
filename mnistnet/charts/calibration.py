"""Calibration of a network, and its accuracy by class, both with intervals."""

from collections.abc import Sequence

import altair as alt

from mnistnet.charts.palette import NEUTRAL, TARGET, TRAINING, VALIDATION
from mnistnet.insight.predictions.calibration import Bin
from mnistnet.insight.predictions.evaluation import Score

_LETTER = 6.2  # pixels, of a text of 11 pixels
_DOMAIN = alt.Scale(domain=[0, 1], nice=False)


def reliability(as_said: Sequence[Bin], mended: Sequence[Bin], temperature: float) -> alt.LayerChart:
    """Accuracy by confidence, bin by bin with 95 % intervals: as trained, and at the temperature.

    On the dashed diagonal accuracy equals confidence.
    """
    names = ["as trained", f"at temperature {temperature:.2f}"]
    rows = [_point(name, one) for name, found in zip(names, (as_said, mended), strict=True) for one in found]
    along = alt.X("confidence:Q", scale=_DOMAIN, axis=alt.Axis(title="confidence", format="%"))
    up = alt.Y("accuracy:Q", scale=_DOMAIN, axis=alt.Axis(title="accuracy", format="%"))
    colour = alt.Color(
        "who:N",
        scale=alt.Scale(domain=names, range=[TRAINING, VALIDATION]),
        legend=alt.Legend(orient="top", title=None),
    )
    base = alt.Chart(alt.InlineData(values=rows)).encode(along, up, colour)
    intervals = base.mark_rule(strokeWidth=1.5).encode(
        alt.Y("low:Q", scale=_DOMAIN, axis=alt.Axis(title="accuracy", format="%")), alt.Y2("high:Q")
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        shape=alt.Shape("who:N", scale=alt.Scale(domain=names, range=["circle", "square"]), legend=None),
        tooltip=[
            alt.Tooltip("who:N", title="predictions"),
            alt.Tooltip("confidence:Q", format=".2%"),
            alt.Tooltip("accuracy:Q", format=".2%"),
            alt.Tooltip("right:Q", format=",", title="correct"),
            alt.Tooltip("answers:Q", format=",", title="images"),
        ],
    )
    ends = alt.Chart(alt.InlineData(values=[{"at": 0}, {"at": 1}]))
    diagonal = ends.mark_line(color=NEUTRAL, strokeDash=[6, 4], strokeWidth=1.5).encode(
        alt.X("at:Q", scale=_DOMAIN, axis=alt.Axis(title="confidence", format="%")),
        alt.Y("at:Q", scale=_DOMAIN, axis=alt.Axis(title="accuracy", format="%")),
    )
    return alt.LayerChart(layer=[diagonal, intervals, points], height=380)


def _point(name: str, one: Bin) -> dict[str, object]:
    return {
        "who": name,
        "confidence": one.confidence,
        "accuracy": one.accuracy,
        "low": one.interval.low,
        "high": one.interval.high,
        "answers": one.count,
        "right": one.right,
    }


def by_class(scores: Sequence[Score], classes: Sequence[str]) -> alt.LayerChart:
    """Accuracy of each class's images with its 95 % interval; the axis starts a little below the lowest."""
    rows = [
        {
            "class": name,
            "accuracy": score.accuracy,
            "low": score.interval.low,
            "high": score.interval.high,
            "label": f"{score.accuracy:.2%}, {score.errors} of {score.total:,} wrong",
        }
        for name, score in zip(classes, scores, strict=True)
        if score.total
    ]
    begin = max(0.0, min([1.0, *(score.interval.low for score in scores if score.total)]) - 0.002)
    # Beside 100% there is room for the labels, however narrow the chart is.
    end = alt.ExprRef(f"max(60, width - {_LETTER * max((len(str(row['label'])) for row in rows), default=0) + 12})")
    scale = alt.Scale(domain=[begin, 1], nice=False, range=[0, end])
    title = f"accuracy (axis starts at {begin:.1%})"
    down = alt.Y("class:N", sort=list(classes), axis=alt.Axis(title=None, domain=False, ticks=False))
    base = alt.Chart(alt.InlineData(values=rows)).encode(down)
    axis = alt.Axis(title=title, format="~%", grid=True, values=_ticks(begin))
    intervals = base.mark_rule(color=NEUTRAL, strokeWidth=2).encode(
        alt.X("low:Q", scale=scale, axis=axis), alt.X2("high:Q")
    )
    points = base.mark_point(color=TARGET, filled=True, size=70, opacity=1).encode(
        alt.X("accuracy:Q", scale=scale, axis=axis), tooltip=[alt.Tooltip("class:N"), alt.Tooltip("label:N")]
    )
    labels = base.mark_text(align="left", dx=8, fontSize=11).encode(
        alt.X("high:Q", scale=scale, axis=axis), text=alt.Text("label:N")
    )
    return alt.LayerChart(layer=[intervals, points, labels], height=300)


def _ticks(begin: float) -> list[float]:
    """Round accuracies from 1 down to `begin`, at most five."""
    step = next(step for step in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if 1 - begin <= 5 * step)
    return [1 - place * step for place in range(5) if 1 - place * step >= begin]
