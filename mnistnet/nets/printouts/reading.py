"""From a printout's rows to a design: which layers they are, which steps follow them, and what was assumed."""

from collections.abc import Callable
from dataclasses import dataclass

from mnistnet.nets.architecture import (
    Architecture,
    AvgPool,
    Conv,
    Depthwise,
    DesignError,
    Dropout,
    Dropout2d,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Step,
    strict_architecture,
)
from mnistnet.nets.printouts import layers, table
from mnistnet.nets.printouts.layers import Map
from mnistnet.nets.printouts.table import PrintoutError, Row, Table
from mnistnet.nets.summary import CLASSES, IMAGE_SIZE, summarize

STEP_RATE = 0.05  # of dropout behind a convolution
LAYER_RATE = 0.25  # of dropout as a layer of its own
_STEPS: dict[str, Step] = {"ReLU": "relu", "BatchNorm2d": "batchnorm", "Dropout": "dropout", "Dropout2d": "dropout2d"}
_WITHOUT_EFFECT = ("Flatten", "Identity", "Softmax", "LogSoftmax")


@dataclass(frozen=True)
class Printout:
    """The design that a printout describes, and one sentence for each thing that was not in it."""

    architecture: Architecture
    notes: tuple[str, ...]


def read(text: str, name: str = "printed") -> Printout:
    """The design in a text with one table of torchinfo or torchsummary.

    Raises PrintoutError, which names the line: where a row cannot be read, is of a type that a design does not have,
    fits several layers equally well, or where the total is not ours. DesignError for a name that is not allowed.
    """
    found = table.read(text)
    reader = _Reader()
    for row in found.rows:
        reader.read(row)
    architecture = _design(name, reader.finished(), found)
    return Printout(architecture, tuple(reader.notes))


def _design(name: str, found: list[Layer], printed: Table) -> Architecture:
    try:
        architecture = strict_architecture({"name": name, "layers": tuple(found)})
    except DesignError as error:
        raise PrintoutError(None, str(error)) from None
    summary = summarize(architecture)
    if summary.fault:
        raise PrintoutError(printed.rows[-1].line, summary.fault.message)
    if printed.total not in (None, summary.params):
        raise PrintoutError(
            printed.total_line,
            f"{printed.total:,} parameters in all, and the rows above have {summary.params:,}: a row is missing",
        )
    return architecture


class _Reader:
    """Reads row by row; holds the layers so far, and the map or vector that the last one gives."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._layers: list[Layer] = []
        self._map, self._flat = Map(1, IMAGE_SIZE), False
        self._has_relu = self._has_rate = False
        self._read: dict[str, Callable[[Row], None]] = {
            "Conv2d": self._convolution,
            "MaxPool2d": lambda row: self._pool(row, MaxPool),
            "AvgPool2d": lambda row: self._pool(row, AvgPool),
            "AdaptiveAvgPool2d": self._global_pool,
            "Linear": self._linear,
            **dict.fromkeys(_STEPS, self._step),
            **dict.fromkeys(_WITHOUT_EFFECT, lambda _: None),
        }

    def read(self, row: Row) -> None:
        """Read one row; PrintoutError where it cannot follow the rows before."""
        if row.type not in self._read:
            raise PrintoutError(row.line, f"{row.type}: a design has no such layer; it has {', '.join(self._read)}")
        if self._flat and row.type not in ("Dropout", "Linear", *_WITHOUT_EFFECT):
            raise PrintoutError(row.line, f"{row.type}: it cannot follow a fully connected layer in a design")
        self._read[row.type](row)

    def finished(self) -> list[Layer]:
        """The layers, with what no row says: where ReLU stands, and the closing pool."""
        if not self._has_relu and any(one.steps for one in self._layers):
            self._layers = [_with_relu(one) if one.steps else one for one in self._layers]
            self.notes.append(
                "ReLU is not printed: it is assumed in convolutions followed by batch norm or dropout, behind a "
                "convolution with bias, else behind its batch norm"
            )
        if self._has_rate:
            self.notes.append(
                f"dropout rates are not printed: {STEP_RATE:g} is assumed behind convolutions, {LAYER_RATE:g} elsewhere"
            )
        if not self._flat and self._map.channels == CLASSES and self._map.size > 1:
            self._layers.append(GlobalAvgPool())
            self.notes.append(f"the table ends with {self._map}: a global average pool is added")
        return self._layers

    def _convolution(self, row: Row) -> None:
        found, note = layers.convolution(row, self._map)
        self._add(row, found, note)

    def _pool(self, row: Row, cls: type[MaxPool] | type[AvgPool]) -> None:
        found, note = layers.pool(row, self._map, cls)
        self._add(row, found, note)

    def _global_pool(self, row: Row) -> None:
        if row.shape != (self._map.channels, 1, 1):
            raise PrintoutError(
                row.line, f"{row.type} to {list(row.shape)}: a design has it to {self._map.channels}×1×1 alone"
            )
        self._add(row, GlobalAvgPool())

    def _linear(self, row: Row) -> None:
        features = row.shape[-1] if row.shape else 0
        weights = self._map.values * features
        if len(row.shape) != 1 or features < 1 or row.params not in (weights, weights + features):
            raise PrintoutError(
                row.line,
                f"{row.params:,} parameters and output {list(row.shape)}: a fully connected layer of the "
                f"{self._map.values:,} values before has {weights:,} weights, and {features} biases or none",
            )
        self._flat, self._map = True, Map(features, 1)
        self._layers.append(_checked(row, lambda: Linear(features=features, bias=row.params > weights)))

    def _step(self, row: Row) -> None:
        step, last = _STEPS[row.type], self._layers[-1] if self._layers else None
        self._has_relu |= step == "relu"
        self._has_rate |= step in ("dropout", "dropout2d")
        _require(row, 2 * self._map.channels if step == "batchnorm" else 0)
        if isinstance(last, Conv | Depthwise) and step not in last.steps:
            rate = {"dropout": STEP_RATE} if step in ("dropout", "dropout2d") else {}
            self._layers[-1] = last.model_copy(update={"after": (*last.steps, step), **rate})
        elif step in ("dropout", "dropout2d"):
            self._layers.append(Dropout(rate=LAYER_RATE) if step == "dropout" else Dropout2d(rate=LAYER_RATE))
        else:
            raise PrintoutError(row.line, f"{row.type}: a design has it once behind a convolution, and nowhere else")

    def _add(self, row: Row, layer: Layer, note: str = "") -> None:
        if not isinstance(layer, Conv | Depthwise):
            _require(row, 0)
        self._layers.append(layer)
        self._map = layers.square(row)
        if note:
            self.notes.append(f"line {row.line}: {note}")


def _require(row: Row, params: int) -> None:
    if row.params != params:
        raise PrintoutError(row.line, f"{row.type} with {row.params:,} parameters: it has {params:,} in a design")


def _checked(row: Row, make: Callable[[], Layer]) -> Layer:
    try:
        return make()
    except ValueError:
        raise PrintoutError(row.line, f"{row.type} of {row.shape[-1]:,} values: at most 512 are allowed") from None


def _with_relu(layer: Layer) -> Layer:
    """The convolution with ReLU: a bias right before batch norm has no effect, so ReLU stands between them."""
    steps = layer.steps
    place = 0 if getattr(layer, "bias", False) or "batchnorm" not in steps else steps.index("batchnorm") + 1
    return layer.model_copy(update={"after": (*steps[:place], "relu", *steps[place:])})
