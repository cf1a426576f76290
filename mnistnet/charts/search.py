"""The trials of a search: the best so far, accuracy against parameters, learning curves. Built once, filled each time:
a search that trains has new trials every few seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import altair as alt

from mnistnet.charts.palette import HIGHLIGHT, LIMIT, NEUTRAL, TARGET, VALIDATION
from mnistnet.charts.template import Spec, filled, rows_to_come, template

MOST_CURVES = 120
_HEIGHT = 320  # in which the title of an axis has room
_NARROW = 0.02  # of an axis whose ticks need two decimals
_LOW_SHARE = 0.1  # of the trials that may lie below an axis, so that a poor few do not flatten the others
_REFERENCES = 1.5  # of the budget, up to which the gallery's nets are drawn


@dataclass(frozen=True)
class Dot:
    """A trial that is done: its number, parameters, mean validation accuracy, and its values in words."""

    number: int
    params: int
    accuracy: float
    values: str = ""


@dataclass(frozen=True)
class Reference:
    """A net of the gallery: parameters and mean test accuracy. `label` stands beside it, where there is room."""

    name: str
    params: int
    accuracy: float
    label: str = ""


@dataclass(frozen=True)
class Curve:
    """The validation accuracy of a trial after each epoch, from 1; `kind`: best, done or training, pruned."""

    number: int
    reports: tuple[float, ...]
    kind: str


def best_so_far(dots: Sequence[Dot]) -> Spec:
    """Each trial's accuracy by its number, and the best until then as a line of steps."""
    best, rows = 0.0, []
    for dot in sorted(dots, key=lambda dot: dot.number):
        best = max(best, dot.accuracy)
        rows.append({"trial": dot.number, "accuracy": round(dot.accuracy, 6), "best": round(best, 6)})
    return filled(_best_form(*_range([dot.accuracy for dot in dots])), rows)


@lru_cache(maxsize=64)
def _best_form(low: float, high: float) -> str:
    along = alt.X(
        "trial:Q",
        scale=alt.Scale(nice=False, zero=False, padding=12),
        axis=alt.Axis(title="trial", format="d", tickMinStep=1, grid=False),
    )
    hint = [
        alt.Tooltip("trial:Q"),
        alt.Tooltip("accuracy:Q", format=".2%"),
        alt.Tooltip("best:Q", format=".2%", title="best so far"),
    ]
    base = alt.Chart(rows_to_come)
    dots = base.mark_point(filled=True, size=40, color=NEUTRAL, opacity=1, clip=True).encode(
        x=along, y=_up("accuracy", low, high), tooltip=hint
    )
    line = base.mark_line(interpolate="step-after", color=VALIDATION, strokeWidth=2.5, clip=True).encode(
        x=along, y=_up("best", low, high), tooltip=hint
    )
    return template(alt.LayerChart(layer=[dots, line], height=_HEIGHT))


def plane(dots: Sequence[Dot], front: Sequence[Dot], gallery: Sequence[Reference], budget: int) -> Spec:
    """Validation accuracy against parameters: trials, their Pareto front as a line of steps, and the gallery's nets,
    whose accuracy is another: the mean on the test set."""
    shown = [one for one in gallery if one.params <= _REFERENCES * budget]
    low, high = _range([dot.accuracy for dot in dots], [one.accuracy for one in shown])
    return filled(
        _plane_form(low, high, budget, has_gallery=bool(shown)),
        [_of_dot(dot) for dot in dots],
        front=[_of_dot(dot) for dot in sorted(front, key=lambda dot: dot.params)],
        gallery=[
            {"name": one.name, "params": one.params, "accuracy": round(one.accuracy, 6), "label": one.label}
            for one in shown
        ],
    )


def _of_dot(dot: Dot) -> dict[str, object]:
    return {"trial": dot.number, "params": dot.params, "accuracy": round(dot.accuracy, 6), "values": dot.values}


@lru_cache(maxsize=64)
def _plane_form(low: float, high: float, budget: int, *, has_gallery: bool) -> str:
    along = alt.X(
        "params:Q",
        scale=alt.Scale(zero=False, padding=25, nice=False),
        axis=alt.Axis(title="parameters", format=",.0f", tickCount=5),
    )
    up = _up("accuracy", low, high)
    params, accuracy = alt.Tooltip("params:Q", format=","), alt.Tooltip("accuracy:Q", format=".2%")
    hint = [alt.Tooltip("trial:Q"), params, accuracy, alt.Tooltip("values:N")]
    dots = (
        alt.Chart(rows_to_come)
        .mark_point(filled=True, size=45, color=VALIDATION, opacity=1, clip=True)
        .encode(x=along, y=up, tooltip=hint)
    )
    front = (
        alt.Chart(alt.NamedData(name="front"))
        .mark_line(
            interpolate="step-after",
            color=HIGHLIGHT,
            strokeWidth=2,
            clip=True,
            point=alt.OverlayMarkDef(size=70, color=HIGHLIGHT, shape="diamond"),
        )
        .encode(x=along, y=up, tooltip=hint)
    )
    limit = (
        alt.Chart(alt.InlineData(values=[{"params": budget, "label": f"budget {budget:,}"}]))
        .mark_rule(color=LIMIT, strokeDash=[6, 4], strokeWidth=1.5)
        .encode(x=along, tooltip=["label:N"])
    )
    nets = _nets(along, up) if has_gallery else []
    return template(alt.LayerChart(layer=[limit, dots, front, *nets], height=_HEIGHT))


def _nets(along: alt.X, up: alt.Y) -> list[alt.Chart]:
    """The gallery's squares and names. A layer without marks would be announced as a symbol without a name."""
    nets = alt.Chart(alt.NamedData(name="gallery"))
    squares = nets.mark_point(shape="square", filled=True, size=70, color=TARGET, opacity=1).encode(
        x=along,
        y=up,
        tooltip=[
            alt.Tooltip("name:N", title="gallery"),
            alt.Tooltip("params:Q", format=","),
            alt.Tooltip("accuracy:Q", format=".2%", title="test"),
        ],
    )
    names = nets.mark_text(fontSize=10, dy=-10).encode(x=along, y=up, text="label:N")
    return [squares, names]


def curves(trials: Sequence[Curve], epochs: int) -> Spec:
    """Validation accuracy over epochs: one line a trial, those that were pruned faint, the best in front."""
    shown = sorted(trials, key=lambda one: (one.kind == "best", one.kind != "pruned"))
    rows = [
        {"trial": one.number, "epoch": epoch, "accuracy": round(accuracy, 6), "kind": one.kind}
        for one in shown
        for epoch, accuracy in enumerate(one.reports, start=1)
    ]
    last = [one.reports[-1] for one in trials if one.reports]
    return filled(_curves_form(*_range(last), epochs), rows)


@lru_cache(maxsize=64)
def _curves_form(low: float, high: float, epochs: int) -> str:
    kinds = ["best", "done", "training", "pruned"]
    scale = alt.Scale(domain=kinds, range=[HIGHLIGHT, VALIDATION, TARGET, NEUTRAL])
    lines = (
        alt.Chart(rows_to_come)
        .mark_line(clip=True, strokeWidth=1.5, point=alt.OverlayMarkDef(size=20, clip=True))
        .encode(
            x=alt.X(
                "epoch:Q",
                scale=alt.Scale(domain=[0.9, epochs + 0.1], nice=False),
                axis=alt.Axis(title="epoch", format="d", tickMinStep=1, tickCount=min(epochs, 20), grid=False),
            ),
            y=_up("accuracy", low, high),
            detail="trial:N",
            color=alt.Color("kind:N", scale=scale, legend=alt.Legend(orient="top", title=None)),
            opacity=alt.Opacity("kind:N", scale=alt.Scale(domain=kinds, range=[1, 0.75, 1, 0.3]), legend=None),
            tooltip=["trial:Q", "kind:N", "epoch:Q", alt.Tooltip("accuracy:Q", format=".2%")],
        )
    )
    return template(alt.LayerChart(layer=[lines], height=_HEIGHT))


def _range(accuracies: Sequence[float], others: Sequence[float] = ()) -> tuple[float, float]:
    """The ends of an axis: above the worst trials where there are many, rounded, so that forms are built seldom."""
    if not accuracies:
        return 0.0, 1.0
    ranked = sorted(accuracies)
    low = ranked[int(len(ranked) * _LOW_SHARE)]
    ends = [low, *others, ranked[-1]]
    step = _step(max(ends) - min(ends))
    least, most = min(ends) // step * step - step / 2, max(ends) // step * step + 1.5 * step
    return round(max(0.0, least), 6), round(min(1.0 + step / 8, most), 6)  # a mark at 100 % is drawn whole


def _step(span: float) -> float:
    return next(step for step in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1.0) if span <= 8 * step)


def _up(field: str, low: float, high: float) -> alt.Y:
    return alt.Y(
        f"{field}:Q",
        scale=alt.Scale(domain=[low, high], nice=False),
        axis=alt.Axis(
            title=f"validation accuracy{f' (axis starts at {low:.1%})' if low else ''}",
            format=".2%" if high - low < _NARROW else ".1%",
            tickCount=6,
        ),
    )


def below(accuracies: Sequence[float]) -> int:
    """How many trials lie below the axis of these accuracies."""
    low, _ = _range(accuracies)
    return sum(accuracy < low for accuracy in accuracies)
