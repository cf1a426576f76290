"""A chart as Vega-Lite reads it: its layers, rows, scales and the colours on the ground. No test of its own."""

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import altair as alt

Spec: TypeAlias = dict[str, Any]
Row: TypeAlias = dict[str, Any]

_SOLID = re.compile("#[0-9a-f]{6}")
# Vega-Lite draws these see-through where nothing else is said.
_THIN = {"point", "tick", "circle", "square"}
_THIN_OPACITY = 0.7


def spec(chart: alt.LayerChart | Spec) -> Spec:
    """The specification, valid by Vega-Lite's schema and as JSON without NaN; altair raises where it is not."""
    if isinstance(chart, dict):
        alt.LayerChart.from_dict(chart)
    text = json.dumps(chart if isinstance(chart, dict) else chart.to_dict(), allow_nan=False)
    result: Spec = json.loads(text)
    return result


def layers(of: Spec, mark: str) -> list[Spec]:
    """The layers drawn with this mark, in their order."""
    return [layer for layer in of["layer"] if layer["mark"]["type"] == mark]


def rows(of: Spec, layer: Spec) -> list[Row]:
    """The rows that a layer draws."""
    data = layer.get("data") or of["data"]
    found: list[Row] = of["datasets"][data["name"]] if "name" in data else data["values"]
    return found


def levels(of: Spec, layer: Spec, channel: str) -> list[Any]:
    """Where a layer's marks stand on a channel, one value a row."""
    encoding = layer["encoding"][channel]
    return [encoding["datum"] if "datum" in encoding else row[encoding["field"]] for row in rows(of, layer)]


def scale(of: Spec, channel: str) -> Spec:
    """The channel's scale as the layers that say something about it say it, which must be one thing."""
    said = [layer["encoding"].get(channel, {}).get("scale") for layer in of["layer"]]
    different = [one for index, one in enumerate(said) if one and one not in said[:index]]
    assert len(different) == 1, different
    return dict(different[0])


def title(of: Spec, channel: str) -> str:
    """The title of the channel's axis, from the first layer that gives one."""
    axes = [layer["encoding"].get(channel, {}).get("axis") for layer in of["layer"]]
    return next(str(axis["title"]) for axis in axes if axis and axis.get("title"))


def colours(of: Spec, channel: str = "color") -> dict[str, str]:
    """What each value of a channel is drawn in."""
    said = scale(of, channel)
    return dict(zip(said["domain"], said["range"], strict=True))


def names(of: Spec) -> list[str]:
    """The names of all parameters and selections."""
    return [param["name"] for layer in (of, *of["layer"]) for param in layer.get("params", [])]


def on_the_ground(of: Spec) -> set[tuple[str, float]]:
    """Every colour that no layer but text sets, with the opacity it is drawn in; an outline stands for its fill."""
    return {found for layer in of["layer"] if layer["mark"]["type"] != "text" for found in _drawn(layer)}


def _drawn(layer: Spec) -> Iterator[tuple[str, float]]:
    mark, encoding = layer["mark"], layer["encoding"]
    opacity = mark.get("opacity", _THIN_OPACITY if mark["type"] in _THIN else 1.0)
    colour = encoding.get("color", {})
    if "stroke" in mark:
        found = [mark["stroke"]]
    else:
        condition = colour.get("condition", {})
        found = [mark.get("color"), *colour.get("scale", {}).get("range", []), condition.get("value")]
    yield from ((one, opacity) for one in found if one and _SOLID.fullmatch(one))
