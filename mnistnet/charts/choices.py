"""What the choices of a search have to do with its accuracy: parallel coordinates, and the importance of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor

import altair as alt

from mnistnet.charts.palette import HIGHLIGHT, NEUTRAL, VALIDATION
from mnistnet.charts.template import Spec, filled, rows_to_come, template

MOST_AXES = 12
MOST_LINES = 200
_BAR = 28  # pixels
_MANY = 4  # axes, from which their titles are slanted


@dataclass(frozen=True)
class Axis:
    """One choice as an upright axis; `ticks`: the texts at places from 0, the bottom, to 1."""

    title: str
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Line:
    """One trial: its number, its accuracy, and the place and text of its value on each axis."""

    number: int
    accuracy: float
    places: tuple[float, ...]
    texts: tuple[str, ...]


def parallel(axes: Sequence[Axis], lines: Sequence[Line]) -> Spec:
    """Parallel coordinates: an axis a choice, a line a trial, the best trials in the strongest colour and in front."""
    rows = [
        {
            "trial": line.number,
            "accuracy": round(line.accuracy, 6),
            "axis": axis.title,
            "at": round(at, 4),
            "value": text,
        }
        for line in sorted(lines, key=lambda line: line.accuracy)
        for axis, at, text in zip(axes, line.places, line.texts, strict=True)
    ]
    ticks = [{"axis": axis.title, "at": at, "text": text} for axis in axes for at, text in axis.ticks]
    return filled(_parallel_form(tuple(axis.title for axis in axes), *_colour_range(lines)), rows, ticks=ticks)


def _colour_range(lines: Sequence[Line]) -> tuple[float, float]:
    """From the median to the best: differences among the poorer half say little."""
    ranked = sorted(line.accuracy for line in lines)
    if not ranked:
        return 0.0, 1.0
    # Whole tenths of a percent, so that the form is built seldom.
    low, high = floor(1_000 * ranked[len(ranked) // 2]) / 1_000, ceil(1_000 * ranked[-1]) / 1_000
    return (low, high) if low < high else (low - 1e-3, high)


@lru_cache(maxsize=64)
def _parallel_form(titles: tuple[str, ...], low: float, high: float) -> str:
    angle = -25 if len(titles) > _MANY else 0
    across = alt.X(
        "axis:N",
        sort=list(titles),
        scale=alt.Scale(type="point", padding=0.35),
        axis=alt.Axis(
            title=None, grid=True, domain=False, ticks=False, labelAngle=angle, labelLimit=130, labelPadding=12
        ),
    )
    up = alt.Y("at:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=None)
    trials = (
        alt.Chart(rows_to_come)
        .mark_line(strokeWidth=1.8)
        .encode(
            x=across,
            y=up,
            detail="trial:N",
            color=alt.Color(
                "accuracy:Q",
                scale=alt.Scale(domain=[low, high], range=[NEUTRAL, HIGHLIGHT], clamp=True, interpolate="rgb"),
                legend=alt.Legend(
                    orient="top", title="validation accuracy", format=".1%", values=[low, high], gradientLength=240
                ),
            ),
            tooltip=["trial:Q", alt.Tooltip("accuracy:Q", format=".2%"), "axis:N", "value:N"],
        )
    )
    marks = (
        alt.Chart(alt.NamedData(name="ticks"))
        .mark_text(align="left", dx=5, fontSize=10)
        .encode(x=across, y=up, text="text:N")
    )
    return template(alt.LayerChart(layer=[trials, marks], height=300))


def importance(shares: Mapping[str, float]) -> Spec:
    """The share of each choice in what accuracy differs by, the largest first, as bars from 0."""
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    rows = [{"choice": name, "share": round(share, 4)} for name, share in ranked]
    return filled(_importance_form(len(rows)), rows)


@lru_cache(maxsize=16)
def _importance_form(count: int) -> str:
    across = alt.X(
        "share:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(title="importance", format=".0%", tickCount=5)
    )
    up = alt.Y("choice:N", sort=None, axis=alt.Axis(title=None, labelLimit=160))
    base = alt.Chart(rows_to_come)
    bars = base.mark_bar(color=VALIDATION).encode(
        x=across, y=up, tooltip=["choice:N", alt.Tooltip("share:Q", format=".0%")]
    )
    figures = base.mark_text(align="left", dx=4).encode(x=across, y=up, text=alt.Text("share:Q", format=".0%"))
    return template(alt.LayerChart(layer=[bars, figures], height=_BAR * max(1, count) + 20))
