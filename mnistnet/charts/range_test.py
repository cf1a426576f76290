"""A learning-rate range test: the loss over the learning rate, with the range that it suggests."""

import altair as alt

from mnistnet.charts.palette import NEUTRAL, TARGET, TRAINING
from mnistnet.training.range_test import Sweep

_ROOM = 1.1


def range_chart(sweep: Sweep, current: float) -> alt.LayerChart:
    """Loss of each batch (points), smoothed (line), the range (shaded) and the recipe's rate `current` (dashed).

    Losses above what the smoothed ones need are cut off; the sweep has at least two rates.
    """
    smoothed, found = sweep.smoothed, sweep.range
    top = _ROOM * max(smoothed[0], *smoothed[: max(2, len(smoothed) * 9 // 10)])
    along = alt.X(
        "rate:Q",
        scale=alt.Scale(type="log", domain=[sweep.rates[0], max(sweep.rates[-1], current)], nice=False),
        axis=alt.Axis(title="learning rate (logarithmic axis)", format="~g", tickCount=6, grid=False),
    )
    levels, axis = alt.Scale(domain=[0, top], nice=False), alt.Axis(title="loss, nats")
    up = alt.Y("loss:Q", scale=levels, axis=axis)
    rows = [
        {"rate": rate, "loss": loss, "smoothed": mean}
        for rate, loss, mean in zip(sweep.rates, sweep.losses, smoothed, strict=True)
    ]
    base = alt.Chart(alt.InlineData(values=rows))
    tips = [
        alt.Tooltip("rate:Q", format=".2g"),
        alt.Tooltip("loss:Q", format=".3f"),
        alt.Tooltip("smoothed:Q", format=".3f"),
    ]
    points = base.mark_point(color=NEUTRAL, filled=True, size=14, opacity=1, clip=True).encode(along, up, tooltip=tips)
    line = base.mark_line(color=TRAINING, strokeWidth=2, clip=True).encode(
        along, alt.Y("smoothed:Q", scale=levels, axis=axis)
    )
    rule = (
        alt.Chart(alt.InlineData(values=[{"rate": current}]))
        .mark_rule(strokeDash=[6, 4], strokeWidth=1.5, color=NEUTRAL)
        .encode(along)
    )
    shaded = []
    if found:
        area = alt.Chart(alt.InlineData(values=[{"rate": found.low, "high": found.high}]))
        shaded = [area.mark_rect(color=TARGET, opacity=0.25).encode(along, alt.X2("high:Q"))]
    return alt.LayerChart(layer=[*shaded, rule, points, line], height=300)


def takeaway(sweep: Sweep) -> str:
    """The chart in one sentence, for those who cannot see it."""
    found = sweep.range
    said = f"range {found.low:.2g} to {found.high:.2g}" if found else "no range: the loss never clearly fell"
    ended = f"; the loss diverged at {sweep.rates[-1]:.2g}" if sweep.diverged and sweep.rates else ""
    return f"Loss over {len(sweep.rates)} learning rates: {said}{ended}"
