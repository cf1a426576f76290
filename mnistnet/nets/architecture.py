"""The contents of a design file: the fields of each layer type, Architecture, and its JSON.

Knows no torch, no arithmetic and no title of a layer type (see layer_types) and no budget (see rules).
"""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mnistnet import strict_json
from mnistnet.errors import BadInput

VERSION = 1
MAX_LAYERS = 64
MAX_CHANNELS = 512
MAX_NAME = 80
KERNELS = (1, 3, 5, 7)
STRIDES = (1, 2)
PADDINGS = (0, 1, 2, 3)

Step: TypeAlias = Literal["relu", "batchnorm", "dropout", "dropout2d"]


def _one_of(*allowed: int) -> AfterValidator:
    # pydantic's own Literal compares by equality, and lets True and 3.0 through as 1 and 3.
    def check(value: int) -> int:
        if value not in allowed:
            raise ValueError(f"choose one of {', '.join(map(str, allowed))}")
        return value

    return AfterValidator(check)


def _each_once(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if len(set(steps)) < len(steps):
        raise ValueError("each step at most once; remove the repeated one")
    return steps


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("only printable characters are allowed; retype the name")
    return name


Channels = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
Kernel = Annotated[int, _one_of(*KERNELS)]
Stride = Annotated[int, _one_of(*STRIDES)]
Padding = Annotated[int, _one_of(*PADDINGS)]
Steps = Annotated[tuple[Step, ...], Field(strict=False, fail_fast=True), AfterValidator(_each_once)]
Rate = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Window = Annotated[int, Field(ge=2, le=28)]


class DesignError(BadInput):
    """A design that cannot be read or built; the message names the place."""


class _Part(BaseModel):
    # Revalidated inside an Architecture: `model_copy(update=...)` checks nothing by itself.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", revalidate_instances="always")

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of `after` in their order; none for a type without that field."""
        steps: tuple[Step, ...] = getattr(self, "after", ())
        return steps


class Conv(_Part):
    """A square convolution, then the steps of `after` in their order."""

    type: Literal["conv"] = "conv"
    channels: Channels
    kernel: Kernel
    stride: Stride = 1
    padding: Padding = 0
    bias: bool = False
    after: Steps = ()
    dropout: Rate = 0.0


class Depthwise(_Part):
    """A square convolution of each channel by itself, as many channels out as in; then the steps of `after`.

    Followed by a 1x1 convolution it replaces a full convolution with a fraction of the parameters
    (Chollet, "Xception", 2017).
    """

    type: Literal["depthwise"] = "depthwise"
    kernel: Kernel
    stride: Stride = 1
    padding: Padding = 0
    bias: bool = False
    after: Steps = ()
    dropout: Rate = 0.0


class MaxPool(_Part):
    """Maximum over windows of size x size, stride = size."""

    type: Literal["maxpool"] = "maxpool"
    size: Window


class AvgPool(_Part):
    """Mean over windows of size x size, stride = size."""

    type: Literal["avgpool"] = "avgpool"
    size: Window


class Dropout(_Part):
    """Dropout of single values: each becomes 0 with probability `rate` while training."""

    type: Literal["dropout"] = "dropout"
    rate: Rate


class Dropout2d(_Part):
    """Dropout of whole channels: all values of one become 0 with probability `rate` while training."""

    type: Literal["dropout2d"] = "dropout2d"
    rate: Rate


class GlobalAvgPool(_Part):
    """Mean over the whole map: one value for each channel."""

    type: Literal["globalavgpool"] = "globalavgpool"


class Linear(_Part):
    """A fully connected layer; it reads a map as one vector of channels x height x width values."""

    type: Literal["linear"] = "linear"
    features: Channels
    bias: bool = True


Layer: TypeAlias = Conv | Depthwise | MaxPool | AvgPool | Dropout | Dropout2d | GlobalAvgPool | Linear
LAYER_CLASSES: dict[str, type[Layer]] = {one.model_fields["type"].default: one for one in get_args(Layer)}


class Architecture(BaseModel):
    """A network for 1x28x28 images and 10 classes, as its design file describes it.

    An instance has valid fields. Whether each layer fits on the map before it, `summary.summarize` says.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: Annotated[int, _one_of(VERSION)] = VERSION
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_printable)]
    layers: Annotated[
        tuple[Annotated[Layer, Field(discriminator="type")], ...],
        Field(min_length=1, max_length=MAX_LAYERS, strict=False, fail_fast=True),
    ]

    def to_json(self) -> str:
        """The text of the design file: every field written out, two spaces of indent, a line break at the end."""
        return self.model_dump_json(indent=2) + "\n"

    def with_layers(self, layers: tuple[Layer, ...]) -> "Architecture":
        """The same design with other layers; DesignError where their number or a field is not allowed."""
        return strict_architecture({"version": self.version, "name": self.name, "layers": layers})

    def renamed(self, name: str) -> "Architecture":
        """The same design under another name; DesignError where the name is not allowed."""
        return strict_architecture({"version": self.version, "name": name, "layers": self.layers})


def strict_architecture(value: object) -> Architecture:
    """`value` (a plain dict) as an Architecture; DesignError names the first wrong field."""
    try:
        return strict_json.validated(Architecture, value, types=LAYER_CLASSES)
    except ValueError as error:
        raise DesignError(str(error)) from None


def parse(text: str | bytes) -> Architecture:
    """The design in a file's text; DesignError names the place of the first problem."""
    try:
        value = strict_json.versioned(text, "a design is one JSON object with version, name, layers", VERSION)
    except ValueError as error:
        raise DesignError(str(error)) from None
    return strict_architecture(value)


def load(path: Path) -> Architecture:
    """The design in the file at `path`, of which at most one byte more than allowed is read.

    DesignError where the file cannot be read or `parse` raises it.
    """
    try:
        text = strict_json.contents(path)
    except OSError as error:
        raise DesignError(f"{str(path)!a}: {error.strerror}; give a readable file") from None
    return parse(text)
