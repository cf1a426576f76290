"""The recipe's optimizers against torch's own, and what a training process does without."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from mnistnet.runs.worker.processes import PROJECT
from mnistnet.training.optimizers import optimizer
from mnistnet.training.recipe import OptimizerName, Recipe

OWN: dict[OptimizerName, Callable[[Any], Optimizer]] = {
    "sgd": partial(SGD, lr=0.01, momentum=0.9, nesterov=True, fused=True),
    "adam": partial(Adam, lr=0.01, fused=True),
    "adamw": partial(AdamW, lr=0.01, fused=True),
}


def network() -> nn.Sequential:
    torch.manual_seed(2)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))


def trained(net: nn.Module, chosen: Optimizer) -> list[Tensor]:
    torch.manual_seed(3)
    for _ in range(4):
        chosen.zero_grad()
        net(torch.randn(8, 1, 4, 4)).square().mean().backward()
        chosen.step()
    return [weight.detach() for weight in net.parameters()]


@pytest.mark.parametrize("name", OWN)
def test_steps_are_those_of_torchs_own_with_decay_on_weights_alone(name: OptimizerName) -> None:
    ours = network()
    theirs = copy.deepcopy(ours)
    groups = [
        {"params": [w for w in theirs.parameters() if w.ndim > 1], "weight_decay": 0.1},
        {"params": [w for w in theirs.parameters() if w.ndim == 1], "weight_decay": 0.0},
    ]
    made = optimizer(ours, Recipe(optimizer=name, learning_rate=0.01, weight_decay=0.1))
    expected = trained(theirs, OWN[name](groups))
    for one, other in zip(trained(ours, made), expected, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", [*OWN, "muon"])
def test_no_step_is_tracked_and_every_step_can_go_on_from_its_state(name: OptimizerName) -> None:
    recipe = Recipe(optimizer=name)
    net = network()
    made = optimizer(net, recipe)
    trained(net, made)
    assert all(weight.is_leaf and weight.grad is not None for weight in net.parameters())
    twin = copy.deepcopy(net)
    again = optimizer(twin, recipe)
    again.load_state_dict(copy.deepcopy(made.state_dict()))
    for one, other in zip(trained(net, made), trained(twin, again), strict=True):
        assert torch.equal(one, other)


RUN = """
import json, sys
from pathlib import Path
from mnistnet.runs.files import checkpoint
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import training_job
from tests.support.samples import running

store = Store(Path(sys.argv[1]))
for name in ("sgd", "adam", "adamw", "muon"):
    run = running(store, epochs=1, optimizer=name)
    training_job.train(store, run)
    assert store.run(run.id).state == "done"
    assert checkpoint.newest(store.folder(run.id), store.metrics(run.id))
print(json.dumps(sorted(name for name in sys.modules if name.startswith(("torch._dynamo", "sympy")))))
"""


def test_a_run_never_waits_for_torchs_compiler(tmp_path: Path) -> None:
    """To import it takes a second and more, in every worker."""
    ended = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == []
