"""Muon against the singular values of what it steps by, and against torch's SGD where it is SGD."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mnistnet.training.muon import MATRIX_RATE, Muon, orthogonalized

MATRICES = ["0.weight", "3.weight", "4.weight", "6.weight"]  # 2 is depthwise


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(2)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, bias=False),
        nn.BatchNorm2d(6),
        nn.Conv2d(6, 6, 3, groups=6, bias=False),
        nn.Conv2d(6, 8, 3),
        nn.Conv2d(8, 8, 1),
        nn.Flatten(),
        nn.LazyLinear(10),
    )


def ready(net: nn.Sequential) -> nn.Sequential:
    """With gradients at hand."""
    net(torch.randn(20, 1, 9, 9)).square().mean().backward()
    return net


def _with_gradients(net: nn.Sequential) -> nn.Sequential:
    """A copy with the same gradients."""
    twin = copy.deepcopy(net)
    for mine, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        theirs.grad = None if mine.grad is None else mine.grad.clone()
    return twin


def stepped(net: nn.Sequential, decay: float = 0.0, rate: float = 0.5) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Parameters before and after one step."""
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    Muon(net, rate, 0.9, decay).step()
    return before, {name: weight.detach().clone() for name, weight in net.named_parameters()}


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 48, 20), (1, 8, 72), (4, 1, 5)])
def test_singular_values_become_about_one_and_directions_stay(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(shape, dtype=torch.float64)
    made = orthogonalized(matrices)
    factor = max(1.0, shape[1] / shape[2]) ** 0.5
    values = torch.linalg.svdvals(made) / factor
    assert values.min() > 0.3  # the smallest of many are not there yet after five rounds
    assert values.max() < 1.3
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    inside = left.mT @ made @ right.mT
    torch.testing.assert_close(inside, torch.diag_embed(torch.diagonal(inside, dim1=1, dim2=2)), rtol=0, atol=1e-6)
    assert (torch.diagonal(inside, dim1=1, dim2=2) > 0).all()


def test_a_matrix_steps_equally_far_in_every_direction() -> None:
    before, after = stepped(ready(network()))
    for name in MATRICES:
        values = torch.linalg.svdvals((after[name] - before[name]).flatten(1)) / (0.5 * MATRIX_RATE)
        assert values.min() > 0.3
        assert values.max() < 1.3


def test_all_else_is_torchs_sgd() -> None:
    net = ready(network())
    other = _with_gradients(net)
    groups: list[dict[str, Any]] = [
        {"params": [p for p in other.parameters() if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for p in other.parameters() if p.ndim == 1]},
    ]
    ours, sgd = Muon(net, 0.5, 0.9, 0.1), torch.optim.SGD(groups, 0.5, 0.9, nesterov=True)
    for _ in range(3):
        ours.step()
        sgd.step()
    for (name, mine), theirs in zip(net.named_parameters(), other.parameters(), strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-4, atol=1e-7) == (name not in MATRICES), name


def test_a_gradients_length_changes_no_matrix_step() -> None:
    one = ready(network())
    other = _with_gradients(one)
    for weight in other.parameters():
        assert weight.grad is not None
        weight.grad *= 1000
    torch.testing.assert_close(stepped(one)[1]["3.weight"], stepped(other)[1]["3.weight"], rtol=0, atol=1e-4)


def test_a_matrix_shrinks_by_rate_times_decay() -> None:
    net = ready(network())
    start = net.get_parameter("3.weight").detach().clone()
    without = stepped(_with_gradients(net))[1]["3.weight"]
    decayed = stepped(_with_gradients(net), decay=0.2)[1]["3.weight"]
    torch.testing.assert_close(without - decayed, 0.5 * 0.2 * start)


def test_a_network_without_matrices_is_trained_too() -> None:
    before, after = stepped(ready(nn.Sequential(nn.BatchNorm2d(1))))
    assert all(not torch.equal(before[name], after[name]) for name in before)
