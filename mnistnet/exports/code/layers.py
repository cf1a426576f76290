"""The layers of a design as text of Python: constructors, the lines of `forward`, the layer table. Knows no torch.

Names are those of `nets.network.build`, so that weights fit both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mnistnet.nets.architecture import Architecture, Conv, Depthwise, Layer, Step
from mnistnet.nets.layer_types import LAYER_TYPES
from mnistnet.nets.summary import INPUT, LayerSummary, Summary


@dataclass(frozen=True)
class Module:
    """A submodule of the network: its name, the expression that makes it, and its layer from 0."""

    name: str
    source: str
    layer: int


def _convolution(conv: Conv | Depthwise, inputs: int, channels: int, groups: int = 1) -> str:
    settings = {
        "stride": (conv.stride, 1),
        "padding": (conv.padding, 0),
        "groups": (groups, 1),
        "bias": (conv.bias, True),
    }
    given = [f"{name}={value}" for name, (value, default) in settings.items() if value != default]
    return f"nn.Conv2d({', '.join([str(inputs), str(channels), str(conv.kernel), *given])})"


# By type: the expression for a layer that reads the output of a row.
_LAYERS: dict[str, Callable[[Any, LayerSummary], str]] = {
    "conv": lambda conv, before: _convolution(conv, before.channels, conv.channels),
    "depthwise": lambda conv, before: _convolution(conv, before.channels, before.channels, groups=before.channels),
    "maxpool": lambda pool, _: f"nn.MaxPool2d({pool.size})",
    "avgpool": lambda pool, _: f"nn.AvgPool2d({pool.size})",
    "dropout": lambda dropout, _: f"nn.Dropout({dropout.rate})",
    "dropout2d": lambda dropout, _: f"nn.Dropout2d({dropout.rate})",
    "globalavgpool": lambda _, __: "nn.AdaptiveAvgPool2d(1)",
    "linear": lambda linear, before: (
        f"nn.Linear({before.values}, {linear.features}{'' if linear.bias else ', bias=False'})"
    ),
}
# By step: the expression for so many channels behind a layer.
_STEPS: dict[Step, Callable[[Any, int], str]] = {
    "relu": lambda _, __: "nn.ReLU()",
    "batchnorm": lambda _, channels: f"nn.BatchNorm2d({channels})",
    "dropout": lambda layer, _: f"nn.Dropout({layer.dropout})",
    "dropout2d": lambda layer, _: f"nn.Dropout2d({layer.dropout})",
}


def modules(architecture: Architecture, summary: Summary) -> list[Module]:
    """The submodules in the order in which they are applied. `summary`: the design's, without a fault."""
    found, before = [], INPUT
    for index, layer in enumerate(architecture.layers):
        if LAYER_TYPES[layer.type].flattens and not before.flat:
            found.append(Module(f"flatten_{index + 1}", "nn.Flatten()", index))
        found.append(Module(f"{layer.type}_{index + 1}", _LAYERS[layer.type](layer, before), index))
        before = summary.of_layer(index)[0]
        found += [Module(f"{step}_{index + 1}", _STEPS[step](layer, before.channels), index) for step in layer.steps]
    if not before.flat:
        found.append(Module("flatten", "nn.Flatten()", len(architecture.layers)))
    return found


def forward(found: list[Module]) -> list[str]:
    """The lines that apply the submodules to `x`, one for each layer of the design."""
    lines = []
    for index in sorted({module.layer for module in found}):
        applied = "x"
        for module in found:
            if module.layer == index:
                applied = f"self.{module.name}({applied})"
        lines.append(f"x = {applied}")
    return [*lines[:-1], lines[-1].replace("x = ", "return ", 1)]


_COLUMNS = ("layer", "output", "kernel", "stride", "padding", "parameters", "field", "jump")


def table(architecture: Architecture, summary: Summary) -> list[tuple[str, ...]]:
    """The layer table as text: the columns' names, one row for each row of the summary, and the total.

    Output is channels x height x width; receptive field and jump are in pixels.
    """
    rows = [_row(architecture.layers[row.layer], row) for row in summary.rows]
    return [_COLUMNS, *rows, ("total", "", "", "", "", f"{summary.params:,}", "", "")]


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """The rows as lines with columns of equal width, the first at the left, the others at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if column else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(layer: Layer, row: LayerSummary) -> tuple[str, ...]:
    window = _window(layer, row) if row.type == layer.type and not row.flat else ("", "", "")
    output = " x ".join(map(str, row.shape[: 1 if row.flat else 3]))
    return (f"{row.type}_{row.layer + 1}", output, *window, f"{row.params:,}", str(row.field), str(row.jump))


def _window(layer: Layer, row: LayerSummary) -> tuple[str, str, str]:
    """Kernel, stride and padding of a layer; empty for one that leaves the map as it is."""
    before = row.before or INPUT
    operation = LAYER_TYPES[layer.type].operation(layer, before.channels, before.size)
    if LAYER_TYPES[layer.type].colour is None:
        return "", "", ""
    return str(operation.kernel), str(operation.stride), str(operation.padding)
