"""Chains of separable convolutions against torch's own layers in float64."""

import copy
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numba import njit
from numba.core.errors import TypingError
from torch import Tensor, nn

from mnistnet.training.kernels import accelerate
from mnistnet.training.kernels.chain import Chain
from mnistnet.training.kernels.compiled.simd import load, load_many, store, store_many
from mnistnet.training.kernels.normalization import Normalization
from tests.support.twins import norm, outcome

# Widths beside, at and above the lanes' number; the first is that of the stem.
WIDTHS = [(16, 16, 16), (5, 20), (1, 1), (12, 33, 16), (16,), (40, 8)]


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    yield
    torch.set_num_threads(threads)


def stem(channels: int) -> list[nn.Module]:
    return [nn.Conv2d(1, channels, 3, padding=1, bias=False), norm(channels), nn.ReLU(), nn.MaxPool2d(2)]


def link(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        norm(outputs),
        nn.ReLU(),
    ]


def links(widths: tuple[int, ...]) -> list[nn.Module]:
    return [module for inputs, outputs in pairwise(widths) for module in link(inputs, outputs)]


def same(modules: list[nn.Module], x: Tensor) -> None:
    network = nn.Sequential(*modules)
    exact = copy.deepcopy(network).double()
    twin = accelerate(network)
    assert isinstance(twin[0], Chain)
    assert len(twin) == 1
    far = x.detach().double().requires_grad_(x.requires_grad)
    for ours, theirs in zip(outcome(twin, x), outcome(exact, far), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=5e-5 * max(1.0, float(theirs.abs().max())))
    for one, other in zip(network.buffers(), exact.buffers(), strict=True):
        torch.testing.assert_close(one, other, check_dtype=False)


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("n", [2, 37])
def test_from_the_image_on_results_gradients_and_statistics_are_torchs(
    widths: tuple[int, ...], averaged: bool, n: int
) -> None:
    modules = [*stem(widths[0]), *links(widths), *([nn.AdaptiveAvgPool2d(1)] if averaged else [])]
    same(modules, torch.randn(n, 1, 12, 14))


@pytest.mark.parametrize("widths", [widths for widths in WIDTHS if len(widths) > 1])
@pytest.mark.parametrize("averaged", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (7, 7), (3, 10)])
def test_inside_a_network_results_gradients_and_statistics_are_torchs(
    widths: tuple[int, ...], averaged: bool, size: tuple[int, int]
) -> None:
    modules = [*links(widths), *([nn.AdaptiveAvgPool2d(1)] if averaged else [])]
    same(modules, torch.randn(19, widths[0], *size, requires_grad=True))


def test_of_equal_results_in_a_window_the_first_has_the_gradient() -> None:
    """Of a convolution that takes the middle alone results are equal, and what surrounds them is not."""
    modules = stem(16)
    weight = modules[0].get_parameter("weight").detach()
    weight[..., 1, 1] = weight.sum((2, 3))
    weight.flatten(2)[..., [0, 1, 2, 3, 5, 6, 7, 8]] = 0
    same([*modules, *link(16, 16)], torch.randint(0, 2, (9, 1, 12, 12)).float())


@pytest.mark.parametrize(
    "modules",
    [
        [nn.Conv2d(1, 4, 3, padding=1, bias=True), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.Conv2d(1, 4, 3, padding=0, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.Conv2d(1, 4, 3, padding=1, stride=2, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.Conv2d(1, 4, 5, padding=2, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3)],
        [nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2, 1)],
        [nn.Conv2d(1, 4, 3, padding=1, bias=False, padding_mode="circular"), *stem(4)[1:]],
        [nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.MaxPool2d(2)],
        [nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)],
        [nn.Identity(), *stem(4)],  # only an image is known to have even sides
        [*link(4, 8)[:2], nn.ReLU(), norm(8)],
        [*link(4, 8)[:1], norm(4), *link(4, 8)[1:]],
        [nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False), *link(4, 8)[1:]],
        [nn.Conv2d(4, 8, 3, padding=1, groups=4, bias=False), nn.Conv2d(8, 8, 1, bias=False), norm(8), nn.ReLU()],
        [*link(4, 8)[:1], nn.Conv2d(4, 8, 1, groups=2, bias=False), norm(8), nn.ReLU()],
        [nn.Conv2d(4, 4, 5, padding=2, groups=4, bias=False), *link(4, 8)[1:]],
        [nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False, dilation=2), *link(4, 8)[1:]],
    ],
)
def test_what_differs_is_no_chain(modules: list[nn.Module]) -> None:
    assert not any(isinstance(part, Chain) for part in accelerate(nn.Sequential(*modules)))


def test_what_stands_between_ends_one_chain_and_begins_another() -> None:
    network = nn.Sequential(
        *stem(4), *link(4, 4), nn.MaxPool2d(2), *link(4, 4), norm(4), *link(4, 4), nn.AdaptiveAvgPool2d(1)
    )
    parts = [type(part).__name__ for part in accelerate(network)]
    assert parts == ["Chain", "MaxPool2x2", "Chain", Normalization.__name__, "Chain"]


def test_parameters_and_statistics_are_shared() -> None:
    network = nn.Sequential(*stem(4), *link(4, 8))
    twin = accelerate(network)
    assert {id(parameter) for parameter in twin.parameters()} == {id(parameter) for parameter in network.parameters()}


@pytest.mark.parametrize("averaged", [False, True])
def test_under_autocast_the_result_is_bf16_and_close(averaged: bool) -> None:
    network = nn.Sequential(*stem(16), *link(16, 16), *([nn.AdaptiveAvgPool2d(1)] if averaged else []))
    x = torch.randn(9, 1, 12, 12)
    theirs = network(x)
    with torch.autocast("cpu", torch.bfloat16):
        ours = accelerate(network)(x)
    assert ours.dtype == torch.bfloat16
    torch.testing.assert_close(ours.float(), theirs, rtol=0.01, atol=0.01)


def test_gradients_come_back_in_the_inputs_type() -> None:
    x = torch.randn(4, 8, 5, 5).bfloat16().requires_grad_()
    accelerate(nn.Sequential(*link(8, 8)))(x).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("averaged", [False, True])
def test_the_number_of_threads_changes_no_bit(averaged: bool) -> None:
    network = nn.Sequential(*stem(16), *link(16, 20), *([nn.AdaptiveAvgPool2d(1)] if averaged else []))
    x, found = torch.randn(37, 1, 28, 28), list[list[Tensor]]()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(outcome(accelerate(copy.deepcopy(network)), x))
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("place", [0, 1, 4, 5, 6])  # convolution, norm; depthwise, pointwise, norm
@pytest.mark.parametrize("averaged", [False, True])
def test_what_is_no_finite_number_is_not_hidden(value: float, place: int, averaged: bool) -> None:
    modules = [*stem(4), *link(4, 4), *([nn.AdaptiveAvgPool2d(1)] if averaged else [])]
    modules[place].get_parameter("weight").data.view(-1)[0] = value
    assert not accelerate(nn.Sequential(*modules))(torch.randn(9, 1, 12, 12)).isfinite().all()


@pytest.mark.parametrize("averaged", [False, True])
def test_gradients_under_autocast_are_close(averaged: bool) -> None:
    network = nn.Sequential(*stem(16), *link(16, 16), *([nn.AdaptiveAvgPool2d(1)] if averaged else []))
    x = torch.randn(19, 1, 12, 12)
    exact = outcome(copy.deepcopy(network).double(), x.double())
    with torch.autocast("cpu", torch.bfloat16):
        half = outcome(accelerate(network), x)
    for ours, theirs in zip(half, exact, strict=True):
        assert float((ours - theirs).norm()) < 0.02 * float(theirs.norm())


# Used otherwise than by the training loop


def test_a_weight_that_changed_between_forward_and_backward_is_an_error() -> None:
    network = nn.Sequential(*stem(4), *link(4, 4))
    y = accelerate(network)(torch.randn(4, 1, 8, 8)).sum()
    with torch.no_grad():
        network.get_parameter("5.weight").mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


@pytest.mark.parametrize(("size", "wants"), [((9, 8), False), ((8, 9), False), ((8, 8), True)])
def test_images_that_a_stem_cannot_take_are_refused(size: tuple[int, int], wants: bool) -> None:
    with pytest.raises(ValueError, match="even sides, that need no gradient"):
        accelerate(nn.Sequential(*stem(4)))(torch.randn(2, 1, *size, requires_grad=wants))


def test_what_follows_may_work_in_place() -> None:
    for averaged in ([], [nn.AdaptiveAvgPool2d(1)]):
        y = accelerate(nn.Sequential(*stem(4), *link(4, 4), *averaged))(torch.randn(4, 1, 8, 8))
        y.mul_(2).sum().backward()


# Compiled


@pytest.mark.parametrize("array", [np.zeros(64)[:32], np.zeros(64, np.float32)[::2], np.zeros((2, 16), np.float32)])
def test_lanes_take_nothing_but_a_row_of_float32(array: np.ndarray) -> None:
    @njit  # type: ignore[untyped-decorator]
    def first(array: Any) -> None:
        store(array, 0, load(array, 0))

    first(np.zeros(16, np.float32))
    with pytest.raises(TypingError, match="array\\(float32, 1d, C\\)"):
        first(array)


def test_several_lanes_are_read_and_written_one_behind_the_other() -> None:
    @njit  # type: ignore[untyped-decorator]
    def turned(array: Any, out: Any) -> None:
        one, two, three = load_many(array, 1, 3)
        store_many(out, 2, (three, two, one))

    array, out = np.arange(50, dtype=np.float32), np.full(51, -1, np.float32)
    turned(array, out)
    expected = np.concatenate([[-1, -1], array[33:49], array[17:33], array[1:17], [-1]])
    np.testing.assert_array_equal(out, expected)


def test_how_many_lanes_are_read_is_a_plain_number() -> None:
    @njit  # type: ignore[untyped-decorator]
    def read(array: Any, count: Any) -> None:
        store_many(array, 0, load_many(array, 0, count))

    with pytest.raises(TypingError, match="written as a number"):
        read(np.zeros(32, np.float32), 2)
