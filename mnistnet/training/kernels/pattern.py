"""Which operations of a network train together, decided on their description alone. Imports neither torch nor numba.

`operations` describes a design, `replacement.described` a torch module; both are cut up by the same `blocks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mnistnet.nets.architecture import Architecture, Conv, Depthwise, Layer, MaxPool
from mnistnet.nets.layer_types import LAYER_TYPES, STEP_TYPES
from mnistnet.nets.summary import Summary
from mnistnet.training.acceleration import FastPath, Way

Part: TypeAlias = Literal["chain", "normalization", "maxpool", "torch"]

_ASKED_FOR = {"maxpool", "globalavgpool", "batchnorm", "relu", "dropout", "dropout2d"}  # besides convolutions


@dataclass(frozen=True)
class Operation:
    """One operation, as far as the pattern asks. `kind`: as the design file names layers and steps, "conv" of both
    convolutions, "other" of what no block holds.

    Of a convolution, `kernel` is its side where it has stride 1, keeps the map's size and has no bias, else 0; of a
    max-pool it is the side of its window. `layer`: the layer's place in its design. `has_row`: whether the design's
    summary lists the operation.
    """

    kind: str
    inputs: int = 0
    outputs: int = 0
    groups: int = 0
    kernel: int = 0
    layer: int = field(default=-1, compare=False)
    has_row: bool = field(default=True, compare=False)


@dataclass(frozen=True)
class Block:
    """Operations from `start` up to, not including, `stop`, that one part of the accelerated network trains."""

    part: Part
    start: int
    stop: int


def fast_path(architecture: Architecture, summary: Summary) -> FastPath:
    """How the design trains with the kernels; of one with a fault, the part that can be built."""
    found, rows, chains = operations(architecture, summary), list[Way](), list[tuple[int, int]]()
    for block in blocks(found):
        covered = found[block.start : block.stop]
        way: Way = block.part if block.part in ("chain", "torch") else "compiled"
        rows += [way for operation in covered if operation.has_row]
        if block.part == "chain":
            chains.append((covered[0].layer, covered[-1].layer))
    return FastPath(tuple(rows), tuple(chains))


def operations(architecture: Architecture, summary: Summary) -> list[Operation]:
    """The design's operations in order, as `nets.network.build` makes them; `summary` is the design's."""
    found, channels, flat = list[Operation](), 1, False
    for index, layer in enumerate(architecture.layers):
        rows = summary.of_layer(index)
        if not rows:
            return found
        if LAYER_TYPES[layer.type].flattens and not flat:
            found.append(Operation("other", layer=index, has_row=False))
        found.append(_operation(layer, index, channels, rows[0].channels))
        found += [Operation(_kind(step), layer=index, has_row=STEP_TYPES[step].has_row) for step in layer.steps]
        channels, flat = rows[-1].channels, rows[-1].flat
    return found if flat else [*found, Operation("other", layer=len(architecture.layers) - 1, has_row=False)]


def _operation(layer: Layer, index: int, inputs: int, outputs: int) -> Operation:
    if isinstance(layer, Conv | Depthwise):
        groups = inputs if isinstance(layer, Depthwise) else 1
        plain = (layer.stride, layer.padding, layer.bias) == (1, layer.kernel // 2, False)
        return Operation("conv", inputs, outputs, groups, layer.kernel if plain else 0, layer=index)
    return Operation(_kind(layer.type), kernel=layer.size if isinstance(layer, MaxPool) else 0, layer=index)


def _kind(name: str) -> str:
    return name if name in _ASKED_FOR else "other"


def blocks(operations: Sequence[Operation]) -> list[Block]:
    """The operations cut up into blocks, each as long as it can be, from the first on."""
    found, start = list[Block](), 0
    while start < len(operations):
        part, length = _first(operations[start:], is_image=start == 0)
        found.append(Block(part, start, start + length))
        start += length
    return found


def _first(operations: Sequence[Operation], *, is_image: bool) -> tuple[Part, int]:
    """The part that the first of the operations begin, and their number. `is_image`: they read the image itself."""
    if length := _chain(operations, is_image=is_image):
        return "chain", length
    if length := _normalization(operations):
        return "normalization", length
    return ("maxpool" if operations[0] == Operation("maxpool", kernel=2) else "torch"), 1


def _chain(operations: Sequence[Operation], *, is_image: bool) -> int:
    """[A stem,] depthwise separable convolutions [, global average]: how many operations; 0 for no chain."""
    length = 4 if is_image and _is_stem(operations[:4]) else 0  # only an image is known to have even sides
    while _is_separable(operations[length : length + 4]):
        length += 4
    return length + (length > 0 and _kinds(operations[length : length + 1]) == ["globalavgpool"])


def _is_stem(operations: Sequence[Operation]) -> bool:
    if _kinds(operations) != ["conv", "batchnorm", "relu", "maxpool"]:
        return False
    conv, *_, pool = operations
    return (conv.inputs, conv.groups, conv.kernel) == (1, 1, 3) and pool.kernel == 2


def _is_separable(operations: Sequence[Operation]) -> bool:
    if _kinds(operations) != ["conv", "conv", "batchnorm", "relu"]:
        return False
    depthwise, pointwise, *_ = operations
    return (
        depthwise.groups == depthwise.inputs == depthwise.outputs
        and depthwise.kernel == 3
        and (pointwise.groups, pointwise.kernel) == (1, 1)
    )


def _normalization(operations: Sequence[Operation]) -> int:
    """[ReLU,] batch norm [, ReLU] [, dropout]: how many operations; 0 without a batch norm."""
    kinds = [*_kinds(operations[:4]), *[""] * 4]
    length = int(kinds[0] == "relu")
    if kinds[length] != "batchnorm":
        return 0
    length += 1
    after = kinds[length] == "relu"
    length += after
    # Single values can be dropped only where a 0 tells backward that nothing passes.
    return length + (kinds[length] == "dropout2d" or (kinds[length] == "dropout" and after))


def _kinds(operations: Sequence[Operation]) -> list[str]:
    return [operation.kind for operation in operations]
