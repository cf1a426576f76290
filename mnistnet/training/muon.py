"""Muon: SGD with Nesterov momentum, whose step for a matrix has the same length in every direction.

Keller Jordan, "Muon: An optimizer for hidden layers in neural networks" (2024), with the Newton-Schulz
iteration and its coefficients from there. torch's own takes two-dimensional parameters only; a
convolution's weights (out, in, k, k) are a matrix (out, in * k * k) here.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

# A matrix's step is this much of the learning rate long in each direction, so that SGD's usual rate serves both.
# Chosen on validation among 0.03, 0.1 and 0.3 (benchmarks/LOG.md, 2026-11-21).
MATRIX_RATE = 0.1
_ITERATIONS = 5
_A, _B, _C = 3.4445, -4.7750, 2.0315


class Muon(torch.optim.Optimizer):
    """Steps of equal length in every direction for the matrices of `network`, SGD for all else.

    Matrices are the weights of linear layers and of convolutions that are not grouped. Weight decay acts on
    weights with more than one dimension; a matrix shrinks by rate times decay beside its step.
    """

    def __init__(self, network: nn.Module, learning_rate: float, momentum: float, weight_decay: float) -> None:
        weights = [p for p in network.parameters() if p.ndim > 1]
        matrices = [module.weight for module in network.modules() if _is_matrix(module)]
        chosen = {id(matrix) for matrix in matrices}
        groups: list[dict[str, Any]] = [
            {"params": matrices, "matrices": True, "weight_decay": weight_decay},
            {"params": [p for p in weights if id(p) not in chosen], "matrices": False, "weight_decay": weight_decay},
            {"params": [p for p in network.parameters() if p.ndim <= 1], "matrices": False, "weight_decay": 0.0},
        ]
        super().__init__([group for group in groups if group["params"]], {"lr": learning_rate, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step by the gradients at hand; `closure` is not called."""
        for group in self.param_groups:
            moving = [(weight, weight.grad) for weight in group["params"] if weight.grad is not None]
            if not moving:
                continue
            weights, gradients = map(list, zip(*moving, strict=True))
            if group["weight_decay"] and not group["matrices"]:
                gradients = list(torch._foreach_add(gradients, weights, alpha=group["weight_decay"]))
            velocities = [self._velocity(weight) for weight in weights]
            torch._foreach_mul_(velocities, group["momentum"])
            torch._foreach_add_(velocities, gradients)
            steps = list(torch._foreach_add(gradients, velocities, alpha=group["momentum"]))
            rate = -group["lr"]
            if group["matrices"]:  # of a step of fixed length the decay is no part
                torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
                steps = _orthogonalized(steps)
                rate *= MATRIX_RATE
            torch._foreach_add_(weights, steps, alpha=rate)

    def _velocity(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        velocity: Tensor = state["momentum_buffer"]
        return velocity


def _is_matrix(module: nn.Module) -> TypeGuard[nn.Linear | nn.Conv2d]:
    return isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1)


def _orthogonalized(steps: list[Tensor]) -> list[Tensor]:
    """`orthogonalized` of each, those of one shape at once."""
    places = defaultdict[torch.Size, list[int]](list)
    for place, step in enumerate(steps):
        places[step.shape].append(place)
    result = list(steps)
    for shape, chosen in places.items():
        for place, step in zip(
            chosen, orthogonalized(torch.stack([steps[place].flatten(1) for place in chosen])), strict=True
        ):
            result[place] = step.view(shape)
    return result


def orthogonalized(matrices: Tensor) -> Tensor:
    """Matrices (n, rows, columns) with the same singular vectors and singular values of 0.7 to 1.2.

    Values below some 500th of the matrix's length come out smaller; 0 stays 0. Where there are more rows than
    columns, all is times sqrt(rows / columns), as Jordan has it.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    x = x.mT if tall else x
    for _ in range(_ITERATIONS):
        product = x @ x.mT
        x = _A * x + (_B * product + _C * product @ product) @ x
    result: Tensor = x.mT * (matrices.shape[1] / matrices.shape[2]) ** 0.5 if tall else x
    return result
