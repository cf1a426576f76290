"""Where the prediction changes: one digit rotated, shifted or thickened step by step, and its predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt

from mnistnet.charts.palette import HIGHLIGHT, NEUTRAL
from mnistnet.charts.pictures import png
from mnistnet.data.datasets import Bytes

_INPUT = ""  # the name of the row of digits: no network has it
_ROW = 30  # pixels
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


def strip(
    steps: Sequence[VariedPrediction], pictures: Mapping[float, Bytes], title: str, current: float
) -> alt.LayerChart:
    """A row a network, a cell a step: its prediction as text, orange where it differs; that of `current` larger.

    Above them a row with the altered digit of each step: `pictures` has it by its value, (28, 28) uint8.
    """
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
    order = [f"{value:g}" for value in sorted(pictures)]
    along = alt.X("value:O", sort=order, axis=alt.Axis(title=title, labelAngle=0, domain=False, ticks=False))
    networks = list(dict.fromkeys(one.network for one in steps))
    down = alt.Y(
        "network:N", sort=[_INPUT, *networks], axis=alt.Axis(title=None, domain=False, ticks=False, labelLimit=140)
    )
    hints = [alt.Tooltip("network:N"), alt.Tooltip("value:O", title=title), alt.Tooltip("said:N", title="predicted")]
    base = alt.Chart(alt.InlineData(values=rows)).encode(along, down, tooltip=hints)
    cells = base.mark_rect(cornerRadius=2).encode(
        color=alt.condition(alt.datum.flipped, alt.value(HIGHLIGHT), alt.value(NEUTRAL)),
        opacity=alt.condition(alt.datum.flipped, alt.value(1), alt.value(0.25)),
    )
    answers = [_answers(base, flipped=False), _answers(base, flipped=True, color=_ON_ORANGE)]
    height = _ROW * (1 + max(1, len(networks))) + 90
    return alt.LayerChart(layer=[_digits(pictures, along, down, title), cells, *answers], height=height)


def _answers(base: alt.Chart, *, flipped: bool, **looks: str) -> alt.Chart:
    """The predictions that differ, or those that do not, as texts."""
    chart: alt.Chart = base.mark_text(fontWeight="bold", **looks).encode(  # type: ignore[arg-type]
        text=alt.Text("answer:N"),
        size=alt.condition(alt.datum.here, alt.value(19), alt.value(12)),
        opacity=alt.condition(alt.datum.flipped, alt.value(int(flipped)), alt.value(int(not flipped))),
    )
    return chart


def _digits(pictures: Mapping[float, Bytes], along: alt.X, down: alt.Y, title: str) -> alt.Chart:
    rows = [{"network": _INPUT, "value": f"{value:g}", "picture": png(image)} for value, image in pictures.items()]
    side = alt.ExprRef(f"min({_ROW - 2}, 0.95 * width / {max(1, len(rows))})")
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_image(width=side, height=side)
        .encode(along, down, url="picture:N", tooltip=[alt.Tooltip("value:O", title=title)])
    )
    return chart
