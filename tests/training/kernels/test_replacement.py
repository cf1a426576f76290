"""The compiled parts against torch's own in float64, their dropout against its rate."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mnistnet.nets.network import Dropout
from mnistnet.training.kernels import accelerate
from mnistnet.training.kernels.normalization import Normalization
from mnistnet.training.kernels.pooling import MaxPool2x2
from tests.support.twins import norm, outcome

SHAPES = [(8, 3, 6, 6), (5, 1, 7, 7), (16, 16, 4, 4), (3, 10, 1, 1), (33, 5, 9, 9)]


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.manual_seed(3)
    yield
    torch.set_num_threads(threads)


def blocks(channels: int) -> dict[str, nn.Sequential]:
    return {
        "norm": nn.Sequential(norm(channels)),
        "norm-relu": nn.Sequential(norm(channels), nn.ReLU()),
        "relu-norm": nn.Sequential(nn.ReLU(), norm(channels)),
        "relu-norm-relu": nn.Sequential(nn.ReLU(), norm(channels), nn.ReLU()),
        "norm-relu-pool": nn.Sequential(norm(channels), nn.ReLU(), nn.MaxPool2d(2)),
        "relu-norm-pool": nn.Sequential(nn.ReLU(), norm(channels), nn.MaxPool2d(2)),
    }


@pytest.mark.parametrize(
    ("name", "shape"), [(name, shape) for name in blocks(1) for shape in SHAPES if "pool" not in name or shape[2] > 1]
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_forward_and_gradients_are_torchs(name: str, shape: tuple[int, ...], channels_last: bool) -> None:
    network, x = blocks(shape[1])[name], torch.randn(shape)
    if channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    exact, far = copy.deepcopy(network).double(), x.double().requires_grad_()
    for ours, theirs in zip(outcome(accelerate(network), x.requires_grad_()), outcome(exact, far), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5 * max(1.0, float(theirs.abs().max())))


@pytest.mark.parametrize("name", blocks(1))
def test_running_statistics_are_torchs(name: str) -> None:
    network, x = blocks(4)[name], torch.randn(9, 4, 6, 6)
    theirs = copy.deepcopy(network)
    ours = accelerate(network)
    for _ in range(3):
        ours(x)
        theirs(x)
    for one, other in zip(network.buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(one, other)


def test_what_is_not_recognised_stays_torchs_own() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(3), nn.ReLU(), nn.Dropout2d(0.5), nn.Flatten())
    assert list(accelerate(network)) == list(network)


def test_a_block_becomes_one_operation() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), norm(4), nn.ReLU(), Dropout(0.1), nn.MaxPool2d(2), nn.Conv2d(4, 10, 1))
    assert [type(part) for part in accelerate(network)] == [nn.Conv2d, Normalization, MaxPool2x2, nn.Conv2d]


def test_single_values_after_batch_norm_alone_are_dropped_by_the_dropout_itself() -> None:
    """Without a ReLU a value of 0 does not tell backward that it was dropped."""
    parts = list(accelerate(nn.Sequential(norm(4), Dropout(0.1))))
    assert [type(part) for part in parts] == [Normalization, Dropout]


def test_parameters_and_statistics_are_shared() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), norm(4), nn.ReLU())
    twin = accelerate(network)
    assert {id(parameter) for parameter in twin.parameters()} == {id(parameter) for parameter in network.parameters()}
    assert {id(buffer) for buffer in twin.buffers()} == {id(buffer) for buffer in network.buffers()}


def test_bf16_stays_bf16_and_close() -> None:
    network, x = blocks(8)["norm-relu-pool"], torch.randn(16, 8, 10, 10)
    half = accelerate(copy.deepcopy(network))(x.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), network(x), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("name", blocks(1))
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", [(0, 0, 0, 0), (3, 1, 5, 5), (8, 3, 3, 2)])
def test_what_is_no_finite_number_is_not_hidden(name: str, value: float, place: tuple[int, ...]) -> None:
    x = torch.randn(9, 4, 6, 6)
    x[place] = value
    made = accelerate(blocks(4)[name])(x)
    assert not made[:, place[1]].isfinite().any()


# Dropout


def dropping(rate: float, kind: type[nn.Module] = Dropout) -> nn.Sequential:
    """Batch norm whose every value is above 0, so that a 0 was dropped."""
    module = nn.BatchNorm2d(8)
    nn.init.zeros_(module.weight)
    nn.init.ones_(module.bias)
    return accelerate(nn.Sequential(module, nn.ReLU(), kind(rate)))


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.25, 0.5, 0.9])
def test_single_values_are_dropped_at_their_rate_and_the_rest_scaled(rate: float) -> None:
    y = dropping(rate)(torch.randn(100, 8, 20, 20))
    share = float((y == 0).float().mean())
    assert share == pytest.approx(rate, abs=5 * (rate * (1 - rate) / y.numel()) ** 0.5 + 1e-5)
    torch.testing.assert_close(y[y > 0], torch.full_like(y[y > 0], 1 / (1 - rate)), rtol=1e-4, atol=0)


def test_each_place_and_each_half_of_a_row_is_dropped_alike() -> None:
    y = dropping(0.3)(torch.randn(2000, 8, 3, 3))
    shares = (y == 0).float().mean(0)
    assert shares.min() > 0.25
    assert shares.max() < 0.35


def test_neighbours_are_dropped_independently() -> None:
    gone = (dropping(0.5)(torch.randn(200, 8, 20, 20)) == 0).float()
    for one, other in ((gone[..., 1:], gone[..., :-1]), (gone[:, 1:], gone[:, :-1]), (gone[1:], gone[:-1])):
        together = torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1]
        assert abs(float(together)) < 0.01
    left, right = gone[..., :10], gone[..., 10:]  # one draw serves both halves of a row
    assert abs(float(torch.corrcoef(torch.stack([left.flatten(), right.flatten()]))[0, 1])) < 0.01


def test_every_call_drops_others() -> None:
    network, x = dropping(0.5), torch.randn(10, 8, 5, 5)
    assert not torch.equal(network(x), network(x))


def test_nothing_passes_back_through_what_was_dropped() -> None:
    module = nn.BatchNorm2d(4)
    nn.init.constant_(module.bias, 10.0)
    network = accelerate(nn.Sequential(module, nn.ReLU(), Dropout(0.4)))
    y = network(torch.randn(50, 4, 8, 8))
    assert (y == 0).any()
    (gradient,) = torch.autograd.grad(y.sum(), module.bias)
    kept = (y > 0).sum((0, 2, 3)).float() / 0.6
    torch.testing.assert_close(gradient, kept, rtol=1e-3, atol=0)


def test_whole_channels_are_dropped_together_and_the_rest_scaled() -> None:
    y = dropping(0.25, nn.Dropout2d)(torch.randn(400, 8, 3, 3))
    per_channel = y.flatten(2)
    assert torch.equal(per_channel.min(2).values, per_channel.max(2).values)
    assert float((per_channel[..., 0] == 0).float().mean()) == pytest.approx(0.25, abs=0.04)
    torch.testing.assert_close(y.max(), torch.tensor(4 / 3))


# Repeatable


@pytest.mark.parametrize("name", ["norm-relu", "relu-norm-pool"])
def test_the_number_of_threads_changes_no_bit(name: str) -> None:
    network, x = blocks(16)[name], torch.randn(37, 16, 9, 9)
    found: list[list[Tensor]] = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(outcome(accelerate(copy.deepcopy(network)), x))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_the_same_seed_drops_the_same() -> None:
    network, x = dropping(0.5), torch.randn(10, 8, 5, 5)
    found: list[Any] = []
    for _ in range(2):
        torch.manual_seed(7)
        found.append(network(x))
    assert torch.equal(*found)


# Pooling


def test_the_first_of_equals_is_taken() -> None:
    x = torch.ones(1, 1, 4, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(MaxPool2x2()(x).sum(), x)
    expected = torch.zeros(4, 4)
    expected[::2, ::2] = 1
    assert torch.equal(gradient[0, 0], expected)


def test_the_row_and_column_in_no_window_have_no_gradient() -> None:
    x = torch.randn(2, 3, 5, 5, requires_grad=True)
    (gradient,) = torch.autograd.grad(MaxPool2x2()(x).sum(), x)
    assert int(gradient[:, :, 4].count_nonzero()) == int(gradient[:, :, :, 4].count_nonzero()) == 0
    assert int(gradient.count_nonzero()) == 2 * 3 * 2 * 2
