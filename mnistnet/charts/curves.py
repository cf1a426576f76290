"""Training as it goes: accuracy or error, loss and learning rate over epochs."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import altair as alt
import pandas as pd

from mnistnet.charts.palette import NEUTRAL, TARGET, TRAINING, VALIDATION
from mnistnet.charts.template import Spec
from mnistnet.insight.predictions.peers import BandPoint
from mnistnet.runs.files.samples import Sample
from mnistnet.runs.run import EpochMetrics

View: TypeAlias = Literal["accuracy", "error (log)", "loss", "learning rate"]
VIEWS: tuple[View, ...] = ("accuracy", "error (log)", "loss", "learning rate")

_SERIES = {"training": TRAINING, "validation": VALIDATION}
FLOOR = 5e-5  # half an error in 10,000: an error of 0 has no place on a logarithmic axis
# Before the first epoch ends: ln 10 is the loss of one who guesses, and no first epoch gets much below an error of 2 %.
_FIRST_RANGES: dict[View, tuple[float, float]] = {
    "accuracy": (0.0, 1.0),
    "error (log)": (0.02, 1.0),
    "loss": (0.0, 2.4),
}
_SAMPLES = "samples"  # the name of the data that `with_samples` puts in


def curves(
    metrics: Sequence[EpochMetrics],
    epochs: int,
    target: float | None,
    view: View,
    band: Sequence[BandPoint] = (),
    *,
    has_samples: bool = False,
) -> alt.LayerChart:
    """One view of a run's epochs; `target` is the goal's accuracy, None where there is none.

    `band` holds the validation accuracies of comparable runs, drawn where the view is accuracy or error.
    `has_samples`: with a thin line for samples within the epochs, whose values `with_samples` puts in.

    Axes fit the data; an axis that does not start at 0 says so. The accuracy axis fits validation: training
    figures of the first epoch, far below, would flatten all that matters.
    """
    frame = pd.DataFrame(_rows(metrics, view), columns=["epoch", "series", "value"])
    low, high = _range(frame, view, target)
    log = view == "error (log)"
    # Every layer says the same of the axis: one that is silent would stretch it down to 0.
    levels = alt.Scale(type="log" if log else "linear", domain=[low, high], nice=False)
    up = alt.Axis(title=_title(view, low), format="~%" if _is_share(view) else "~g", labelFlush=False)
    if log:
        up.values = ticks_of_errors(low, high)
    along = alt.X(
        "epoch:Q",
        scale=alt.Scale(domain=[0 if has_samples else 0.75, epochs + 0.25], nice=False),
        axis=_epochs(epochs, bool((frame["value"] < low).any())),
    )
    thin = [_samples_line(along, levels, up)] if has_samples and view != "learning rate" else []
    parts = [*_band(view, band, epochs, levels, up), *thin, _lines(frame, view, along, levels, up)]
    return alt.LayerChart(layer=[*parts, *_target(view, target)], height=300)


def _is_share(view: View) -> bool:
    return view in ("accuracy", "error (log)")


def _lines(frame: pd.DataFrame, view: View, along: alt.X, levels: alt.Scale, up: alt.Axis) -> alt.Chart:
    form = ".2%" if _is_share(view) else ".4g"
    chart: alt.Chart = (
        alt.Chart(frame)
        .mark_line(point=alt.OverlayMarkDef(size=40, clip=True), strokeWidth=2, clip=True)
        .encode(
            x=along,
            y=alt.Y("value:Q", scale=levels, axis=up),
            color=alt.Color(
                "series:N",
                scale=alt.Scale(domain=list(_SERIES), range=list(_SERIES.values())),
                legend=None if view == "learning rate" else alt.Legend(orient="top", title=None),
            ),
            tooltip=["series:N", "epoch:Q", alt.Tooltip("value:Q", format=form, title=view)],
        )
    )
    return chart


def _samples_line(along: alt.X, levels: alt.Scale, up: alt.Axis) -> alt.Chart:
    line: alt.Chart = (
        alt.Chart(alt.NamedData(name=_SAMPLES))
        .mark_line(color=TRAINING, strokeWidth=1, opacity=0.7, clip=True)
        .encode(x=along, y=alt.Y("value:Q", scale=levels, axis=up))
    )
    return line


def with_samples(spec: Spec, samples: Sequence[Sample], view: View) -> Spec:
    """The specification of `curves`, not changed itself, with these samples for its thin line."""
    values = [{"epoch": round(one.position, 3), "value": _of_sample(one, view)} for one in samples]
    return {**spec, "datasets": {**spec.get("datasets", {}), _SAMPLES: values}}


def _of_sample(sample: Sample, view: View) -> float:
    value = {"loss": sample.loss, "accuracy": sample.accuracy}.get(view, max(FLOOR, 1 - sample.accuracy))
    return float(f"{value:.4g}")


def ticks_of_errors(low: float, high: float) -> list[float]:
    """The marks of a logarithmic axis of errors from `low` to `high`: 1, 2 and 5 of each power of ten."""
    return [tick for power in range(-5, 1) for one in (1, 2, 5) if low <= (tick := one * 10.0**power) <= high]


def takeaway(metrics: Sequence[EpochMetrics], view: View) -> str:
    """The chart in one sentence, for those who cannot see it."""
    if not metrics:
        return f"{view}: no epoch is stored yet"
    last, best = metrics[-1], max(metrics, key=lambda row: row.validation_accuracy)
    return (
        f"{view} over {len(metrics)} epochs: validation accuracy {last.validation_accuracy:.2%} after the last, "
        f"{best.validation_accuracy:.2%} at best, after epoch {best.epoch}"
    )


def _rows(metrics: Sequence[EpochMetrics], view: View) -> list[tuple[int, str, float]]:
    if view == "learning rate":
        return [(row.epoch, "training", row.learning_rate) for row in metrics]
    if view == "loss":
        pairs = [(row.epoch, row.train_loss, row.validation_loss) for row in metrics]
    elif view == "accuracy":
        pairs = [(row.epoch, row.train_accuracy, row.validation_accuracy) for row in metrics]
    else:
        pairs = [
            (row.epoch, max(FLOOR, 1 - row.train_accuracy), max(FLOOR, 1 - row.validation_accuracy)) for row in metrics
        ]
    return [(epoch, name, value) for epoch, *values in pairs for name, value in zip(_SERIES, values, strict=True)]


def _range(frame: pd.DataFrame, view: View, target: float | None) -> tuple[float, float]:
    values = list(frame["value"])
    if not values and view in _FIRST_RANGES:
        low, high = _FIRST_RANGES[view]
        return min([low, *(0.7 * level for level in _levels(view, target))]), high
    if view == "accuracy":
        lowest = min([*frame["value"][frame["series"] == "validation"], *_levels(view, target)], default=0.0)
        return max(0.0, lowest - 0.1 * (1 - lowest) - 0.001), 1.0
    if view == "error (log)":
        values += _levels(view, target) or ([] if values else [FLOOR])
        return min(values) * 0.7, max(values) * 1.3
    return 0.0, max([*values, 1e-6]) * 1.08


def _title(view: View, low: float) -> str:
    if view == "accuracy" and low > 0:
        return f"accuracy (axis starts at {low:.1%})"
    if view == "error (log)":
        return "error (logarithmic axis)"
    return {"loss": "cross-entropy, nats"}.get(view, view)


def _levels(view: View, target: float | None) -> list[float]:
    """The goal's values in this view; none where it has no place there."""
    if target is None or not _is_share(view):
        return []
    return [target if view == "accuracy" else 1 - target]


def _target(view: View, target: float | None) -> list[alt.Chart]:
    levels = _levels(view, target)
    if not levels:
        return []
    frame = pd.DataFrame({"level": levels, "label": [f"goal {target:.1%}"]})
    rule = alt.Chart(frame).mark_rule(color=TARGET, strokeDash=[6, 4], strokeWidth=1.5).encode(y="level:Q")
    label = (
        alt.Chart(frame)
        # At the first epochs: later ones come close to the goal, and would run through the words.
        .mark_text(align="left", baseline="bottom", dx=4, dy=-3, fontWeight="bold")
        .encode(y="level:Q", x=alt.value(0), text="label:N")
    )
    return [rule, label]


def _band(view: View, band: Sequence[BandPoint], epochs: int, levels: alt.Scale, up: alt.Axis) -> list[alt.Chart]:
    if not _is_share(view):
        return []
    ends = [(level.epoch, level.low, level.high) for level in band if level.epoch <= epochs]
    if view == "error (log)":
        ends = [(epoch, max(FLOOR, 1 - low), max(FLOOR, 1 - high)) for epoch, low, high in ends]
    if not ends:
        return []
    area = (
        alt.Chart(pd.DataFrame(ends, columns=["epoch", "low", "high"]))
        .mark_area(color=NEUTRAL, opacity=0.25, clip=True)
        .encode(x=alt.X("epoch:Q"), y=alt.Y("low:Q", scale=levels, axis=up), y2=alt.Y2("high:Q"))
    )
    return [area]


def _epochs(epochs: int, is_cut: bool) -> alt.Axis:
    title = ["epoch", "(training below the axis is not drawn)"] if is_cut else "epoch"
    return alt.Axis(title=title, format="d", tickMinStep=1, tickCount=min(epochs, 20), grid=False)
