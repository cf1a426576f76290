"""The optimizer that a recipe names.

torch tells its compiler to let optimizers alone, and imports it for that when one is first used: 800 modules, a
third of a worker's way to its first step. Nothing here is compiled by torch, so they are used without what it
wraps them in. A torch that wraps otherwise starts later, and works all the same.
"""

import inspect
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from mnistnet.training.muon import Muon
from mnistnet.training.recipe import Recipe


def optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """For the weights of `network`; weight decay on those with more dimensions than one, not on biases and norms."""
    rate, momentum, decay = recipe.learning_rate, recipe.momentum, recipe.weight_decay
    _leave_the_compiler_alone()
    if recipe.optimizer == "muon":
        return Muon(network, rate, momentum, decay)
    parameters = list(network.parameters())
    every: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in every if group["params"]]
    match recipe.optimizer:
        case "sgd":
            return _SGD(groups, rate, momentum, nesterov=momentum > 0, fused=True)
        case "adam":
            return _Adam(groups, rate, fused=True)
        case "adamw":
            return _AdamW(groups, rate, fused=True)


def _leave_the_compiler_alone() -> None:
    """Say beforehand what torch would ask its compiler for (`torch/_compile.py`): the function as it is."""
    for name in ("add_param_group", "zero_grad", "state_dict", "load_state_dict"):
        function = inspect.unwrap(getattr(Optimizer, name))
        function.__dict__.setdefault("__dynamo_disable", function)


class _SGD(SGD):
    step = torch.no_grad()(inspect.unwrap(SGD.step))


class _Adam(Adam):
    step = torch.no_grad()(inspect.unwrap(Adam.step))


class _AdamW(AdamW):
    step = torch.no_grad()(inspect.unwrap(AdamW.step))
