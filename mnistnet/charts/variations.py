"""Where the prediction changes: the predictions for one digit rotated, shifted or thickened, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from mnistnet.charts.palette import HIGHLIGHT, NEUTRAL

_ON_ORANGE = "#050a14"


@dataclass(frozen=True)
class VariedPrediction:
    """A network's prediction for a variation: the class's name, its probability, and whether it is the prediction for
    the digit as it is set."""

    network: str
    value: float
    answer: str
    probability: float
    same: bool


def strip(steps: Sequence[VariedPrediction], title: str, current: float) -> alt.LayerChart:
    """A row a network, a cell a step: its prediction as text, orange where it differs; that of `current` larger."""
    rows = [
        {
            "network": one.network,
            "value": f"{one.value:g}",
            "answer": one.answer,
            "probability": one.probability,
            "flipped": not one.same,
            "here": one.value == current,
            "said": f"{one.answer}, {one.probability:.1%}",
        }
        for one in steps
    ]
    order = [f"{value:g}" for value in sorted({one.value for one in steps})]
    along = alt.X("value:O", sort=order, axis=alt.Axis(title=title, labelAngle=0, domain=False, ticks=False))
    down = alt.Y("network:N", sort=None, axis=alt.Axis(title=None, domain=False, ticks=False, labelLimit=140))
    hints = [alt.Tooltip("network:N"), alt.Tooltip("value:O", title=title), alt.Tooltip("said:N", title="predicted")]
    base = alt.Chart(alt.InlineData(values=rows)).encode(along, down, tooltip=hints)
    cells = base.mark_rect(cornerRadius=2).encode(
        color=alt.condition(alt.datum.flipped, alt.value(HIGHLIGHT), alt.value(NEUTRAL)),
        opacity=alt.condition(alt.datum.flipped, alt.value(1), alt.value(0.25)),
    )
    here = alt.condition(alt.datum.here, alt.value(19), alt.value(12))
    kept = base.mark_text(fontWeight="bold").encode(
        text=alt.Text("answer:N"), size=here, opacity=alt.condition(alt.datum.flipped, alt.value(0), alt.value(1))
    )
    flipped = base.mark_text(fontWeight="bold", color=_ON_ORANGE).encode(
        text=alt.Text("answer:N"), size=here, opacity=alt.condition(alt.datum.flipped, alt.value(1), alt.value(0))
    )
    height = 30 * max(1, len({one.network for one in steps})) + 90
    return alt.LayerChart(layer=[cells, kept, flipped], height=height)
