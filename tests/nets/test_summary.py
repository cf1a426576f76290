"""Closed forms against what torch does: counts on 1,000 random designs, fields against where gradients land."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
import torchinfo
from torch import Tensor, nn

from mnistnet.nets.architecture import (
    KERNELS,
    LAYER_CLASSES,
    PADDINGS,
    STRIDES,
    Architecture,
    AvgPool,
    Conv,
    DesignError,
    Dropout,
    Dropout2d,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
)
from mnistnet.nets.layer_types import STEP_TYPES
from mnistnet.nets.network import build
from mnistnet.nets.presets import FIRST
from mnistnet.nets.summary import LayerSummary, Span, Summary, require, summarize
from tests.support.random_designs import AFTER_ORDERS, designs

COUNTED = designs(1000, seed=20_000)
# Units so far apart that two of them do not fit on the long line below have no support to look at there.
SEEN = [design for design in designs(260, seed=28, widest=2) if summarize(design).rows[-1].jump <= 800][:200]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """A thousand nets of one image each take six seconds on one thread, and ten times that on two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Witness:
    """What torch and torchinfo say of a design; shapes (c, h, w) of one image."""

    params: int
    torchinfo_params: int
    shapes: list[tuple[int, ...]]
    macs: int


def _has_row(module: str) -> bool:
    """Whether a module of this name is a row of the table: all but flattening and steps such as ReLU."""
    kind = module.partition("_")[0]
    return kind != "flatten" and (kind not in STEP_TYPES or STEP_TYPES[kind].has_row)


@contextmanager
def _each_output(network: nn.Module, note: Callable[[nn.Module, Tensor], None]) -> Iterator[None]:
    handles = [
        module.register_forward_hook(lambda module, _, output: note(module, output))
        for name, module in network.named_children()
        if _has_row(name)
    ]
    yield
    for handle in handles:
        handle.remove()


def _multiplications(module: nn.Module, output: Tensor) -> int:
    """Each output value is one dot product with one filter."""
    return output.numel() * module.weight[0].numel() if isinstance(module, nn.Conv2d | nn.Linear) else 0


def _witness(design: Architecture) -> Witness:
    network = build(design).eval()
    outputs: list[tuple[nn.Module, Tensor]] = []
    with torch.inference_mode(), _each_output(network, lambda *seen: outputs.append(seen)):
        network(torch.zeros(1, 1, 28, 28))
    return Witness(
        params=sum(parameter.numel() for parameter in network.parameters()),
        torchinfo_params=torchinfo.summary(network, (1, 1, 28, 28), verbose=0, mode="eval", device="cpu").total_params,
        shapes=[(*output.shape[1:], 1, 1)[:3] for _, output in outputs],
        macs=sum(_multiplications(module, output) for module, output in outputs),
    )


@pytest.fixture(scope="module")
def witnesses() -> list[Witness]:
    return [_witness(design) for design in COUNTED]


def test_the_random_designs_use_every_option() -> None:
    convs = [layer for design in COUNTED for layer in design.layers if isinstance(layer, Conv)]
    assert {type(layer) for design in COUNTED for layer in design.layers} == set(LAYER_CLASSES.values())
    assert {(conv.kernel, conv.stride, conv.padding) for conv in convs} == {
        (kernel, stride, padding) for kernel in KERNELS for stride in STRIDES for padding in PADDINGS
    }
    assert {conv.after for conv in convs} == set(AFTER_ORDERS)
    assert {conv.bias for conv in convs} == {True, False}
    assert {layer.bias for design in COUNTED for layer in design.layers if isinstance(layer, Linear)} == {
        True,
        False,
    }


def test_parameters_equal_those_of_the_built_network(witnesses: list[Witness]) -> None:
    assert [summarize(design).params for design in COUNTED] == [witness.params for witness in witnesses]


def test_parameters_equal_torchinfos(witnesses: list[Witness]) -> None:
    assert [summarize(design).params for design in COUNTED] == [witness.torchinfo_params for witness in witnesses]


def test_rows_have_the_shapes_that_leave_the_modules(witnesses: list[Witness]) -> None:
    assert [[row.shape for row in summarize(design).rows] for design in COUNTED] == [w.shapes for w in witnesses]


def test_macs_equal_the_dot_products_of_convolutions_and_linear_layers(witnesses: list[Witness]) -> None:
    assert [summarize(design).macs for design in COUNTED] == [witness.macs for witness in witnesses]


def test_values_are_what_leaves_a_row_for_one_image() -> None:
    assert [row.values for row in require(FIRST.architecture).rows[:3]] == [12_544, 12_544, 3_136]


def test_rows_belong_to_the_layers_they_came_from() -> None:
    summary = require(FIRST.architecture)
    assert [row.type for row in summary.of_layer(0)] == ["conv", "batchnorm"]
    assert [row.type for row in summary.of_layer(1)] == ["maxpool"]


def test_a_designs_field_is_its_last_rows_field() -> None:
    assert summarize(Architecture(name="n", layers=(Conv(channels=1, kernel=7), MaxPool(size=2)))).field == 8


def test_a_design_without_rows_sees_single_pixels() -> None:
    assert Summary((), None).field == 1


# Receptive fields. First on a line of pixels so long that nothing is clipped, then on the image itself.

_MARGIN = 2000


def _shape_of(module: nn.Module, size: int) -> tuple[int, int, int]:
    """Kernel, stride and padding that torch's module has along one axis of a map of this size."""
    if isinstance(module, nn.AdaptiveAvgPool2d | nn.Linear):
        return size, size, 0
    if not hasattr(module, "kernel_size"):
        return 1, 1, 0
    return _along(module.kernel_size), _along(module.stride), _along(module.padding)


def _along(value: object) -> int:
    """One axis of a setting that torch keeps as a number or as a pair."""
    one = value[0] if isinstance(value, tuple) else value
    assert isinstance(one, int)
    return one


def _layer_modules(design: Architecture) -> list[nn.Module]:
    """The module of each layer, without its steps."""
    network = build(design)
    return [network.get_submodule(f"{layer.type}_{number}") for number, layer in enumerate(design.layers, 1)]


def _support_on_a_long_line(modules: list[nn.Module], upto: int, unit: int, sizes: list[int]) -> tuple[int, int]:
    """First and last pixel, counted from the image's edge, whose gradient from `unit` is not zero."""
    line = torch.zeros(1, 1, 28 + 2 * _MARGIN, dtype=torch.float64, requires_grad=True)
    values, before = line, _MARGIN  # `before`: units to the left of the map's own unit 0
    for module, size in zip(modules[: upto + 1], sizes, strict=False):
        kernel, stride, padding = _shape_of(module, size)
        values = values[..., (before - padding) % stride :]
        before = (before - padding) // stride
        values = F.conv1d(values, torch.ones(1, 1, kernel, dtype=torch.float64) / kernel, stride=stride)
    (gradient,) = torch.autograd.grad(values[0, 0, before + unit], line)
    pixels = gradient[0, 0].nonzero()
    first, last = int(pixels.min()), int(pixels.max())
    assert first > 0, "the margin is too small for this design"
    assert last < 27 + 2 * _MARGIN, "the margin is too small for this design"
    return first - _MARGIN, last - _MARGIN


def _last_rows(design: Architecture) -> list[LayerSummary]:
    summary = require(design)
    return [summary.of_layer(layer)[-1] for layer in range(len(design.layers))]


Supports = list[list[tuple[tuple[int, int], tuple[int, int]]]]


@pytest.fixture(scope="module")
def supports() -> Supports:
    """Of each design, of each layer: the unclipped support of its units 0 and 1."""
    found = []
    for design in SEEN:
        modules, sizes = _layer_modules(design), [28, *(row.size for row in _last_rows(design))]
        found.append(
            [
                (
                    _support_on_a_long_line(modules, layer, 0, sizes),
                    _support_on_a_long_line(modules, layer, 1, sizes),
                )
                for layer in range(len(design.layers))
            ]
        )
    return found


def test_field_equals_the_support_of_gradients(supports: Supports) -> None:
    assert [[row.field for row in _last_rows(design)] for design in SEEN] == [
        [last - first + 1 for (first, last), _ in layers] for layers in supports
    ]


def test_jump_equals_the_distance_between_neighbours_supports(supports: Supports) -> None:
    assert [[row.jump for row in _last_rows(design)] for design in SEEN] == [
        [second - first for (first, _), (second, _) in layers] for layers in supports
    ]


def test_offset_equals_where_the_first_units_support_begins(supports: Supports) -> None:
    assert [[row.offset for row in _last_rows(design)] for design in SEEN] == [
        [first for (first, _), _ in layers] for layers in supports
    ]


def _monotone(network: nn.Sequential) -> nn.Sequential:
    """The same connections with nothing that could hide one: positive weights, means for maxima, no ReLU."""
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    for name, module in network.eval().double().named_children():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        if isinstance(module, nn.MaxPool2d):
            modules[name] = nn.AvgPool2d(module.kernel_size)
        elif _has_row(name) or isinstance(module, nn.Flatten):
            modules[name] = module
    return nn.Sequential(modules)


Seen = list[list[tuple[LayerSummary, int, Span]]]


def _seen_on_the_image(design: Architecture) -> Iterator[tuple[LayerSummary, int, Span]]:
    """Rows, their units, and the pixels that the unit of this number in both directions depends on."""
    rows = require(design).rows
    outputs: list[Tensor] = []
    image = torch.zeros(1, 1, 28, 28, dtype=torch.float64, requires_grad=True)
    network = _monotone(build(design))
    with _each_output(network, lambda _, output: outputs.append(output)):
        network(image)
    for row, output in zip(rows, outputs, strict=True):
        for unit in {0, 1 % row.size, row.size // 2, max(0, row.size - 2), row.size - 1}:
            value = output.reshape(row.shape)[0, unit, unit]
            (gradient,) = torch.autograd.grad(value, image, retain_graph=True, materialize_grads=True)
            seen = gradient[0, 0].sum(dim=1).nonzero()
            yield row, unit, Span(int(seen.min()), int(seen.max()) + 1) if len(seen) else Span(0, 0)


@pytest.fixture(scope="module")
def seen() -> Seen:
    return [list(_seen_on_the_image(design)) for design in SEEN]


def test_window_equals_the_support_of_gradients_on_the_image(seen: Seen) -> None:
    for design, units in zip(SEEN, seen, strict=True):
        assert [row.receptive_fields[unit] for row, unit, _ in units] == [span for *_, span in units], design


def test_a_unit_that_sees_only_padding_has_an_empty_window() -> None:
    row = summarize(Architecture(name="n", layers=(Conv(channels=1, kernel=1, padding=3),))).rows[0]
    assert row.receptive_fields[0] == Span(0, 0)
    assert row.receptive_fields[33] == Span(0, 0)


def test_windows_of_a_strided_row_step_by_its_jump() -> None:
    layers = (Conv(channels=1, kernel=3, padding=1), MaxPool(size=2))
    pooled = summarize(Architecture(name="n", layers=layers)).rows[1]
    assert [pooled.receptive_fields[unit] for unit in (0, 1, 13)] == [Span(0, 3), Span(1, 5), Span(25, 28)]


def test_pixels_that_pooling_drops_are_in_no_window() -> None:
    layers = (MaxPool(size=3), Conv(channels=1, kernel=3, padding=1))  # 28 = 9 * 3 + 1: the last pixel is lost
    assert summarize(Architecture(name="n", layers=layers)).rows[1].receptive_fields[8] == Span(21, 27)


def test_the_deepest_design_has_windows() -> None:
    conv = Conv(channels=1, kernel=3, padding=1, after=("batchnorm", "relu", "dropout", "dropout2d"))
    last = summarize(Architecture(name="n", layers=(conv,) * 64)).rows[-1]
    assert last.receptive_fields[14] == Span(0, 28)


def _covers(*layers: Layer) -> bool:
    return summarize(Architecture(name="n", layers=layers)).rows[-1].covers_image


def test_covers_image_says_whether_gradients_of_every_unit_reach_every_pixel(seen: Seen) -> None:
    for design, units in zip(SEEN, seen, strict=True):
        for row in require(design).rows:
            spans = [span for other, _, span in units if other == row]
            assert row.covers_image == all(span == Span(0, 28) for span in spans), (design, row)


def test_a_global_pool_covers_the_image() -> None:
    assert _covers(Conv(channels=1, kernel=3, padding=1), GlobalAvgPool())


def test_a_large_field_does_not_cover_the_image_where_a_corner_unit_misses_some() -> None:
    layers = tuple(Conv(channels=1, kernel=7, padding=3) for _ in range(6))
    assert summarize(Architecture(name="n", layers=layers)).field == 37
    assert not _covers(*layers)


def test_a_global_pool_does_not_cover_pixels_that_pooling_dropped() -> None:
    assert not _covers(MaxPool(size=3), Conv(channels=1, kernel=3, padding=1), GlobalAvgPool())


# Faults.

_TEN = (Conv(channels=10, kernel=1), GlobalAvgPool())
_IMPOSSIBLE: dict[str, tuple[tuple[Layer, ...], str]] = {
    "kernel": (
        (MaxPool(size=28), Conv(channels=2, kernel=5, padding=1), *_TEN),
        r"^layers\.1: a 5×5 kernel does not fit on a 1×1 map with padding 1: choose a kernel of at most 3",
    ),
    "pool": (
        (MaxPool(size=14), AvgPool(size=3), *_TEN),
        r"^layers\.1: 3×3 pooling does not fit on a 2×2 map: choose a size of at most 2",
    ),
    "conv after linear": (
        (Linear(features=10), *_TEN),
        r"^layers\.1: a convolution cannot follow a linear layer; move it before$",
    ),
    "pool after linear": (
        (Linear(features=10), MaxPool(size=2)),
        r"^layers\.1: pooling cannot follow a linear layer; move it before$",
    ),
    "global pool after linear": (
        (Linear(features=10), GlobalAvgPool()),
        r"^layers\.1: global average pooling cannot follow a linear layer; move it before$",
    ),
    "dropout2d after linear": (
        (Linear(features=10), Dropout2d(rate=0.1)),
        r"^layers\.1: dropout of whole channels cannot follow a linear layer; choose plain dropout$",
    ),
    "dropout2d after linear and dropout": (
        (Linear(features=10), Dropout(rate=0.1), Dropout2d(rate=0.1)),
        r"^layers\.2: dropout of whole channels cannot follow",
    ),
    "ten maps, not pooled": (
        (Conv(channels=10, kernel=7),),
        r"^layers\.0: the output is 10×22×22 = 4,840 values: 10 are needed; add a global average pool$",
    ),
    "other width": (
        (Conv(channels=8, kernel=7), GlobalAvgPool()),
        r"^layers\.1: the output is 8×1×1 = 8 values: 10 are needed; end with a 10-channel convolution",
    ),
    "too many parameters": (
        (
            Linear(features=512),
            Linear(features=512),
            *(Linear(features=512) for _ in range(20)),
            Linear(features=10),
        ),
        r"^layers\.0: 5,\d{3},\d{3} parameters, most of them here: at most 5,000,000 are allowed",
    ),
    "too many multiplications": (
        (Conv(channels=8, kernel=1), *(Conv(channels=200, kernel=3, padding=1) for _ in range(5)), *_TEN),
        r"^layers\.2: [\d,]+ multiply-accumulates, most of them here: at most 1,000,000,000 are allowed",
    ),
    "too large maps": (
        tuple(Conv(channels=1, kernel=1, padding=3) for _ in range(62)) + _TEN,
        r"^layers\.62: [\d,]+ values between layers, most of them here: at most 5,000,000 are allowed",
    ),
}


@pytest.mark.bar("E2")
@pytest.mark.parametrize(("layers", "message"), _IMPOSSIBLE.values(), ids=_IMPOSSIBLE)
def test_an_impossible_design_is_refused_at_its_layer(layers: tuple[Layer, ...], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        require(Architecture(name="n", layers=layers))


def test_a_summary_keeps_the_rows_before_the_fault() -> None:
    summary = summarize(Architecture(name="n", layers=(Conv(channels=3, kernel=3), MaxPool(size=26), MaxPool(size=2))))
    assert [row.type for row in summary.rows] == ["conv", "maxpool"]
    assert summary.fault is not None
    assert summary.fault.layer == 2


def test_maps_shrink_only_as_layers_say() -> None:
    for design in COUNTED:
        for before, after in pairwise(require(design).rows):
            if after.type in {"batchnorm", "dropout", "dropout2d"}:
                assert before.shape == after.shape
