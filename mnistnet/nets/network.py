"""From a design to a torch module: what each layer type and step is built of. The only part of `nets` with torch."""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mnistnet.nets.architecture import Architecture, Conv, Depthwise, Step
from mnistnet.nets.layer_types import LAYER_TYPES
from mnistnet.nets.summary import INPUT, LayerSummary, require

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
    summary, before = require(architecture), INPUT
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU as well
        for index, layer in enumerate(architecture.layers):
            if LAYER_TYPES[layer.type].flattens and not before.flat:
                modules[f"flatten_{index + 1}"] = nn.Flatten()
            modules[f"{layer.type}_{index + 1}"] = _LAYER_MODULES[layer.type](layer, before)
            before = summary.of_layer(index)[0]
            for step in layer.steps:
                modules[f"{step}_{index + 1}"] = _STEP_MODULES[step](layer, before.channels)
    if not before.flat:
        modules["flatten"] = nn.Flatten()
    return nn.Sequential(modules)


def first_kernels(network: nn.Module) -> Tensor | None:
    """The weights of the first convolution, (channels, 1, k, k); None where none reads the image."""
    first = next((module for module in network.modules() if isinstance(module, nn.Conv2d)), None)
    return None if first is None or first.in_channels != 1 else first.weight.detach()


def _convolution(conv: Conv | Depthwise, inputs: int, channels: int, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(
        inputs, channels, conv.kernel, stride=conv.stride, padding=conv.padding, groups=groups, bias=conv.bias
    )


# By type: the module of a layer that reads the output of a row.
_LAYER_MODULES: dict[str, Callable[[Any, LayerSummary], nn.Module]] = {
    "conv": lambda conv, before: _convolution(conv, before.channels, conv.channels),
    "depthwise": lambda conv, before: _convolution(conv, before.channels, before.channels, groups=before.channels),
    "maxpool": lambda pool, _: nn.MaxPool2d(pool.size),
    "avgpool": lambda pool, _: nn.AvgPool2d(pool.size),
    "dropout": lambda dropout, _: Dropout(dropout.rate),
    "dropout2d": lambda dropout, _: nn.Dropout2d(dropout.rate),
    "globalavgpool": lambda _, __: nn.AdaptiveAvgPool2d(1),
    "linear": lambda linear, before: nn.Linear(before.values, linear.features, bias=linear.bias),
}
# By step: the module for so many channels behind a layer.
_STEP_MODULES: dict[Step, Callable[[Any, int], nn.Module]] = {
    "relu": lambda _, __: nn.ReLU(inplace=True),
    "batchnorm": lambda _, channels: nn.BatchNorm2d(channels),
    "dropout": lambda layer, _: Dropout(layer.dropout),
    "dropout2d": lambda layer, _: nn.Dropout2d(layer.dropout),
}


def torchinfo_summary(architecture: Architecture) -> str:
    """torchinfo's table of the design, as text: an independent count. DesignError where a layer does not fit."""
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
