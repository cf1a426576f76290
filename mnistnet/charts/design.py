"""A design before any training: its budget, layer by layer, and its drawing."""

from functools import lru_cache
from typing import Any

import altair as alt

from mnistnet.charts.palette import LAYER, LIMIT, VALIDATION
from mnistnet.charts.template import Spec, filled, rows_to_come, template
from mnistnet.nets.layer_types import DRAWN, TITLES
from mnistnet.nets.rules import Profile
from mnistnet.nets.summary import IMAGE_SIZE, Summary

_GAP = 1.6
# Neighbours must differ; the shades mean nothing else. The paler one needs an outline on a white ground.
_SHADES = {"odd": VALIDATION, "even": "#7fb0f2"}

# Channels are given as objects throughout: for a plain "x:Q" Altair searches its schema, which took more
# time than all the rest of the page.


def budget(summary: Summary, profile: Profile) -> Spec:
    """Each layer's share of the parameters as a piece of one bar, with the budget as a line."""
    reach = max(profile.params * 1.06, summary.params * 1.04)
    return filled(_budget(reach, profile.params), _pieces(summary, reach))


@lru_cache(maxsize=64)
def _budget(reach: float, most: int) -> str:
    along = alt.X(
        "start:Q",
        scale=alt.Scale(domain=[0, reach], nice=False),
        title=None,
        axis=alt.Axis(format=",.0f", tickCount=5, grid=False, labelFlush=True),
    )
    pieces = (
        alt.Chart()
        .mark_bar(height=26, stroke=VALIDATION)
        .encode(
            along,
            alt.X2("stop:Q"),
            alt.Color("shade:N", scale=alt.Scale(domain=list(_SHADES), range=list(_SHADES.values())), legend=None),
            alt.Tooltip(["layer:N", "parameters:Q", "share:N"]),
        )
    )
    numbers = (
        alt.Chart()
        .mark_text(fontSize=11, color="#050a14")
        .encode(alt.X("middle:Q"), alt.Text("number:N"), alt.Opacity("legible:Q", scale=None))
    )
    one = alt.InlineData(values=[{}])  # drawn once, and also where no piece is
    limit = alt.Chart(one).mark_tick(color=LIMIT, thickness=3, size=38, opacity=1).encode(alt.X(datum=most))
    return template(alt.LayerChart(data=rows_to_come, layer=[pieces, numbers, limit], height=52))


def _pieces(summary: Summary, reach: float) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    start = 0
    for layer in sorted({row.layer for row in summary.rows}):
        own = summary.of_layer(layer)
        count = sum(row.params for row in own)
        if not count:
            continue
        rows.append(
            {
                "layer": f"{layer + 1} {TITLES[own[0].type]}",
                "number": str(layer + 1),
                "start": start,
                "stop": start + count,
                "middle": start + count / 2,
                "parameters": count,
                "share": f"{count / summary.params:.1%}",
                "shade": list(_SHADES)[len(rows) % 2],
                "legible": int(count > reach * 0.03),
            }
        )
        start += count
    return rows


def drawing(summary: Summary) -> Spec:
    """The network from left to right: a block's height is its map's side, its width its channels."""
    rows = _blocks(summary)
    kinds = tuple(kind for kind in DRAWN if kind in {row.type for row in summary.rows})
    edge = max([IMAGE_SIZE, *(row.size for row in summary.rows)]) / 2 + 5
    spec = filled(_drawing(kinds, edge), rows)
    right = max([1.0, *(block["x2"] + _GAP for block in rows)])
    spec["layer"][0]["encoding"]["x"]["scale"] = {"domain": [-0.5, right], "nice": False}
    return spec


def _blocks(summary: Summary) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    x = 0.0
    for layer in sorted({row.layer for row in summary.rows}):
        first = summary.of_layer(layer)[0]
        if first.type not in DRAWN:
            continue
        width = 0.8 + first.channels**0.5
        rows.append(
            {
                "layer": f"{layer + 1} {TITLES[first.type]}",
                "kind": TITLES[first.type],
                "x": x,
                "x2": x + width,
                "middle": x + width / 2,
                "y": first.size / 2,
                "y2": -first.size / 2,
                "channels": first.channels,
                "map": f"{first.size}×{first.size}",
                "size": ""
                if rows and rows[-1]["map"] == f"{first.size}×{first.size}"
                else f"{first.size}×{first.size}",
                "field": f"{first.field} px",
                "above": first.size / 2 + 1.5,
                "below": -first.size / 2 - 1.8,
            }
        )
        x += width + _GAP
    return rows


@lru_cache(maxsize=64)
def _drawing(kinds: tuple[str, ...], edge: float) -> str:
    blocks = (
        alt.Chart()
        .mark_rect(cornerRadius=2)
        .encode(
            alt.X("x:Q", axis=None),
            alt.X2("x2:Q"),
            alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-edge, edge], nice=False)),
            alt.Y2("y2:Q"),
            alt.Color(
                "kind:N",
                scale=alt.Scale(domain=[TITLES[kind] for kind in kinds], range=[LAYER[kind] for kind in kinds]),
                legend=alt.Legend(orient="bottom", title=None),
            ),
            alt.Tooltip(["layer:N", "channels:Q", "map:N", "field:N"]),
        )
    )
    channels = (
        alt.Chart()
        .mark_text(fontSize=11, fontWeight="bold")
        .encode(alt.X("middle:Q"), alt.Y("above:Q"), alt.Text("channels:Q"))
    )
    maps = alt.Chart().mark_text(fontSize=9).encode(alt.X("middle:Q"), alt.Y("below:Q"), alt.Text("size:N"))
    return template(alt.LayerChart(data=rows_to_come, layer=[blocks, channels, maps], height=230))
