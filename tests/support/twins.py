"""What the tests of compiled operations share: networks that have learned something, and what comes out of them."""

import torch
from torch import Tensor, nn


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm that has learned something: also negative factors."""
    module = nn.BatchNorm2d(channels)
    nn.init.uniform_(module.weight, -1, 1)
    nn.init.uniform_(module.bias, -0.5, 0.5)
    assert module.running_mean is not None
    assert module.running_var is not None
    nn.init.uniform_(module.running_mean, -1, 1)
    nn.init.uniform_(module.running_var, 0.5, 2)
    return module


def outcome(network: nn.Module, x: Tensor) -> list[Tensor]:
    """Output, and the gradients of a fixed weighting of it at the parameters and, if it has one, the input: float64."""
    y = network(x)
    weighting = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view(y.shape)
    wanted = [*network.parameters(), *([x] if x.requires_grad else [])]
    gradients = torch.autograd.grad((y.double() * weighting).sum(), wanted)
    return [y.detach().double(), *(gradient.double() for gradient in gradients)]
