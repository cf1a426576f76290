"""From a design to a torch module. The only part of `nets` that imports torch."""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mnistnet.nets.architecture import (
    Architecture,
    AvgPool,
    Conv,
    Depthwise,
    Dropout2d,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
)
from mnistnet.nets.architecture import Dropout as DropoutLayer
from mnistnet.nets.summary import IMAGE_SIZE, LayerSummary, require

# Below, rounding their number would shift the share that is dropped, and nn.Dropout is quick enough.
_ENOUGH_DRAWS = 1000


class Dropout(nn.Dropout):
    """nn.Dropout for CPUs: about fifteen times quicker at p = 0.05.

    torch's CPU generator draws one Bernoulli value after the other. Here the positions to drop are
    drawn, with replacement, so many that a value is kept with probability (1 - 1/n)^m = 1 - p. Single
    values have nn.Dropout's distribution; only the number dropped in all varies less.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - nn.Dropout's own name
        """`input` of any shape and floating dtype; the same shape and dtype, kept values over 1 - p."""
        if not self.training or self.p == 0 or input.device.type != "cpu":
            return super().forward(input)
        count = input.numel()
        draws = round(math.log1p(-self.p) / math.log1p(-1 / count)) if count > 1 else 0
        if draws < _ENOUGH_DRAWS:
            return super().forward(input)
        positions = torch.randint(count, (draws,))
        dropped: Tensor = _Dropped.apply(input, positions, 1 / (1 - self.p))  # type: ignore[no-untyped-call]
        return dropped


class _Dropped(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, positions: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(positions)
        output = values * scale
        ctx.scale, ctx.stride = scale, output.stride()
        _flat(output).index_fill_(0, positions, 0)
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (positions,) = ctx.saved_tensors
        # Positions count along memory, so the gradient must lie in memory as the output did.
        gradient = torch.empty_strided(gradients[0].shape, ctx.stride, dtype=gradients[0].dtype)
        torch.mul(gradients[0], ctx.scale, out=gradient)
        _flat(gradient).index_fill_(0, positions, 0)
        return gradient, None, None


def _flat(tensor: Tensor) -> Tensor:
    return torch.as_strided(tensor, (tensor.numel(),), (1,))


def build(architecture: Architecture, seed: int = 0) -> nn.Sequential:
    """The design as a module: (n, 1, 28, 28) floating input, (n, 10) logits.

    Weights are torch's defaults under `seed`, the same whatever was drawn before. Submodules are named
    by type and layer number from 1: `conv_1`, `batchnorm_1`. Raises DesignError where a layer does not fit.
    """
    rows = require(architecture).rows
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    before: LayerSummary | None = None
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU as well
        for index, layer in enumerate(architecture.layers):
            for kind, module in _MODULES[type(layer)](layer, before):
                modules[f"{kind}_{index + 1}"] = module
            before = next(row for row in reversed(rows) if row.layer == index)
    if before is not None and not before.flat:
        modules["flatten"] = nn.Flatten()
    return nn.Sequential(modules)


Named = list[tuple[str, nn.Module]]


def _conv(conv: Conv | Depthwise, before: LayerSummary | None) -> Named:
    inputs = before.channels if before else 1
    channels, groups = (conv.channels, 1) if isinstance(conv, Conv) else (inputs, inputs)
    step: dict[str, Callable[[], nn.Module]] = {
        "relu": lambda: nn.ReLU(inplace=True),
        "batchnorm": lambda: nn.BatchNorm2d(channels),
        "dropout": lambda: Dropout(conv.dropout),
        "dropout2d": lambda: nn.Dropout2d(conv.dropout),
    }
    module = nn.Conv2d(
        inputs, channels, conv.kernel, stride=conv.stride, padding=conv.padding, groups=groups, bias=conv.bias
    )
    return [(conv.kind, module), *((name, step[name]()) for name in conv.after)]


def _linear(linear: Linear, before: LayerSummary | None) -> Named:
    values = before.values if before else IMAGE_SIZE**2
    module = nn.Linear(values, linear.features, bias=linear.bias)
    return [("linear", module)] if before and before.flat else [("flatten", nn.Flatten()), ("linear", module)]


_MODULES: dict[type[Layer], Callable[[Any, LayerSummary | None], Named]] = {
    Conv: _conv,
    Depthwise: _conv,
    Linear: _linear,
    MaxPool: lambda pool, _: [(pool.kind, nn.MaxPool2d(pool.size))],
    AvgPool: lambda pool, _: [(pool.kind, nn.AvgPool2d(pool.size))],
    GlobalAvgPool: lambda pool, _: [(pool.kind, nn.AdaptiveAvgPool2d(1))],
    DropoutLayer: lambda drop, _: [(drop.kind, Dropout(drop.rate))],
    Dropout2d: lambda drop, _: [(drop.kind, nn.Dropout2d(drop.rate))],
}


def torchinfo_summary(architecture: Architecture) -> str:
    """torchinfo's own table of the design, as text: the independent witness of our count."""
    import torchinfo  # only here: half a second that no training needs

    statistics = torchinfo.summary(
        build(architecture),
        input_size=(1, 1, 28, 28),
        verbose=0,
        mode="eval",
        depth=2,
        device="cpu",
        col_names=("output_size", "num_params", "kernel_size", "mult_adds"),
    )
    return str(statistics)
