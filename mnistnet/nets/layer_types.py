"""What each layer type and each step of `after` is: its arithmetic, its names, its colour and its code in links.

One entry a type. Counting, drawing, links, editor and comparisons read this table. Knows no torch (network.py builds
the modules) and no JSON (architecture.py declares the fields).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from mnistnet.nets.architecture import (
    AvgPool,
    Conv,
    Depthwise,
    Dropout,
    Dropout2d,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Step,
)

Colour: TypeAlias = Literal["blue", "teal", "orange", "purple", "red"]  # charts.palette has their tones
MAP: Final = "map"  # as a kernel or a stride: the side of the map that the layer reads

_POOL_TOO_LARGE = (
    "{kernel}×{kernel} pooling does not fit on a {size}×{size} map: choose a size of at most {room}, or remove it"
)
_KERNEL_TOO_LARGE = (
    "a {kernel}×{kernel} kernel does not fit on a {size}×{size} map with padding {padding}: "
    "choose a kernel of at most {room}, more padding, or less pooling before it"
)


@dataclass(frozen=True)
class Operation:
    """The arithmetic of one layer or step on a map of height = width = size.

    Along each axis, output unit i reads `kernel` input units, from unit i * stride - padding on. `channels` leave it.
    `params` are its trainable parameters; `macs_per_position` are its multiply-accumulates
    for one position of the output map.
    """

    channels: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    params: int = 0
    macs_per_position: int = 0

    def size_after(self, size: int) -> int:
        """Height and width of the output map of an input map of `size`; positive where the kernel fits."""
        return (size + 2 * self.padding - self.kernel) // self.stride + 1


@dataclass(frozen=True, kw_only=True)
class LayerType:
    """The properties of one layer type.

    `new`: the layer that the editor adds; its class and its `type` are those of the entry.
    `kernel`, `stride`, `padding`: the name of the field that says it, or MAP; where None, 1, 1 and 0.
    `filters`: of a layer with weights, the input channels that each of its filters reads: all, or one of its own.
    `link`: the code in links: its letters, and {field} for a whole number, a rate or the steps, as the class declares
    the field; {field:x} is the letter x where the field is true, {field:!x} where it is false. The first letter is
    the type's own. A published code never changes.
    `short`: the title beside settings, as in `conv 3×3`; the title where empty.
    `colour`: of its blocks in drawings; None for a type that leaves the map as it is, which is not drawn.
    `width`: the field that says how many channels leave the layer; None where as many leave as came in.
    `flattens`: whether it reads all values as one vector and gives a vector.
    `after_linear`: why it cannot follow a layer that flattens; empty where it can.
    `too_large`: what is said where the kernel is larger than the padded map, with {kernel}, {size}, {padding}, {room}.
    """

    new: Layer
    link: str
    title: str
    short: str = ""
    colour: Colour | None = None
    width: str | None = None
    kernel: str | None = None
    stride: str | None = None
    padding: str | None = None
    filters: Literal["all", "one"] | None = None
    flattens: bool = False
    after_linear: str = ""
    too_large: str = _POOL_TOO_LARGE

    def operation(self, layer: Layer, channels: int, size: int) -> Operation:
        """The arithmetic of a layer of this type that reads `channels` maps of height = width = `size`.

        Its twin in the browser, `ui/design/network_editor/arithmetic.js`, reads the same fields.
        """

        def number(field: str | None, default: int) -> int:
            return size if field == MAP else getattr(layer, field) if field else default

        kernel, outputs = number(self.kernel, 1), number(self.width, channels)
        weights = kernel**2 * {"all": channels, "one": 1, None: 0}[self.filters] * outputs
        return Operation(
            outputs,
            kernel,
            stride=number(self.stride, 1),
            padding=number(self.padding, 0),
            params=weights + (outputs if getattr(layer, "bias", False) else 0),
            macs_per_position=weights,
        )


@dataclass(frozen=True, kw_only=True)
class StepType:
    """What the program knows of one step of `after`: it leaves the shape of the map as it is.

    `name`: in design files. `letter`: in links; a published letter never changes. `short`: the title beside other
    steps, as in `BN`; the title where empty. `params_per_channel`: its trainable parameters for each channel.
    `has_row`: whether it stands in layer tables. `has_rate`: whether it uses the layer's field `dropout`.
    """

    name: Step
    letter: str
    title: str
    short: str = ""
    params_per_channel: int = 0
    has_row: bool = True
    has_rate: bool = False


_NO_CONVOLUTION = "a convolution cannot follow a linear layer; move it before"
_NO_POOLING = "pooling cannot follow a linear layer; move it before"

# In the order in which the editor offers them.
_LAYERS: tuple[LayerType, ...] = (
    LayerType(
        new=Conv(channels=16, kernel=3, padding=1, after=("batchnorm", "relu")),
        link="c{channels}k{kernel}s{stride}p{padding}{bias:i}-{after}{dropout}",
        title="convolution",
        short="conv",
        colour="blue",
        width="channels",
        kernel="kernel",
        stride="stride",
        padding="padding",
        filters="all",
        after_linear=_NO_CONVOLUTION,
        too_large=_KERNEL_TOO_LARGE,
    ),
    LayerType(
        new=Depthwise(kernel=3, padding=1, after=("batchnorm",)),
        link="wk{kernel}s{stride}p{padding}{bias:i}-{after}{dropout}",
        title="depthwise convolution",
        short="depthwise",
        colour="teal",
        kernel="kernel",
        stride="stride",
        padding="padding",
        filters="one",
        after_linear=_NO_CONVOLUTION,
        too_large=_KERNEL_TOO_LARGE,
    ),
    LayerType(
        new=MaxPool(size=2),
        link="m{size}",
        title="max pool",
        colour="orange",
        kernel="size",
        stride="size",
        after_linear=_NO_POOLING,
    ),
    LayerType(
        new=AvgPool(size=2),
        link="a{size}",
        title="average pool",
        colour="purple",
        kernel="size",
        stride="size",
        after_linear=_NO_POOLING,
    ),
    LayerType(new=Dropout(rate=0.1), link="d{rate}", title="dropout"),
    LayerType(
        new=Dropout2d(rate=0.1),
        link="D{rate}",
        title="channel dropout",
        after_linear="dropout of whole channels cannot follow a linear layer; choose plain dropout",
    ),
    LayerType(
        new=GlobalAvgPool(),
        link="g",
        title="global average pool",
        colour="purple",
        kernel=MAP,
        stride=MAP,
        after_linear="global average pooling cannot follow a linear layer; move it before",
    ),
    LayerType(
        new=Linear(features=10),
        link="l{features}{bias:!n}",
        title="fully connected",
        colour="red",
        width="features",
        kernel=MAP,  # a convolution whose kernel is the whole map
        stride=MAP,
        filters="all",
        flattens=True,
    ),
)
_STEPS = (
    StepType(name="batchnorm", letter="b", title="batch norm", short="BN", params_per_channel=2),  # scale and shift
    StepType(name="relu", letter="r", title="ReLU", has_row=False),
    StepType(name="dropout", letter="d", title="dropout", has_rate=True),
    StepType(name="dropout2d", letter="D", title="channel dropout", has_rate=True),
)

# By `type`, and by name.
LAYER_TYPES: dict[str, LayerType] = {entry.new.type: entry for entry in _LAYERS}
STEP_TYPES: dict[str, StepType] = {entry.name: entry for entry in _STEPS}
# By `type` of a layer or name of a step, which are also what rows of a summary can be.
TITLES = {name: entry.title for name, entry in (STEP_TYPES | LAYER_TYPES).items()}
SHORT_TITLES = {name: entry.short or entry.title for name, entry in (STEP_TYPES | LAYER_TYPES).items()}
DRAWN = tuple(name for name, entry in LAYER_TYPES.items() if entry.colour)


def own_width(layer: Layer) -> int | None:
    """The channels or features that the layer's own field says; None where as many leave it as came in."""
    field = LAYER_TYPES[layer.type].width
    return getattr(layer, field) if field else None


def dropout_rate(layer: Layer) -> float | None:
    """The rate of the layer's dropout, 0 where it drops nothing; None for a layer without dropout."""
    if isinstance(layer, Dropout | Dropout2d):
        return layer.rate
    return getattr(layer, "dropout", 0.0) if has_rate(layer.steps) else None


def last_with_width(layers: Sequence[Layer]) -> int | None:
    """The place of the last layer with a width of its own, which gives the outputs; None without one."""
    return next((place for place in reversed(range(len(layers))) if own_width(layers[place])), None)


def caption(layer: Layer) -> str:
    """The layer in a few words, without its width: `conv 3×3`, `depthwise 3×3, stride 2`, `max pool`."""
    kernel, stride = getattr(layer, "kernel", None), getattr(layer, "stride", 1)
    size = f" {kernel}×{kernel}" if kernel else ""
    return SHORT_TITLES[layer.type] + size + (f", stride {stride}" if stride > 1 else "")


def has_rate(steps: Iterable[str]) -> bool:
    """True where one of the steps uses the layer's field `dropout`."""
    return any(STEP_TYPES[step].has_rate for step in steps)
