"""Gradients and coverings against linear networks, whose gradients are their weights, and against Captum's."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mnistnet.data.datasets import Bytes
from mnistnet.insight.network import saliency
from mnistnet.insight.network.probe import Probe
from mnistnet.insight.network.saliency import INK, PAPER, PATCH, Occlusion, gradient
from mnistnet.insight.network.steps import finish
from mnistnet.nets.network import build
from tests.insight.network.test_probe import MNIST, connected, convolving, named, noise
from tests.support.samples import TINY

WEIGHTS = torch.randn(10, 784, generator=torch.Generator().manual_seed(1))
LINEAR = named(flatten_1=nn.Flatten(), linear_1=connected(WEIGHTS))
SAMPLE = Probe(build(TINY), MNIST)
(IMAGE,) = noise(1)
(DARK,) = np.zeros((1, 28, 28), np.uint8)


def covered(probe: Probe, image: Bytes, shade: int, side: int = PATCH) -> Occlusion:
    return finish(saliency.occlusion(probe, image, shade, side))


def weights(towards: int) -> Any:
    return WEIGHTS[towards].reshape(28, 28).numpy()


def test_the_gradient_of_a_linear_network_is_its_weights() -> None:
    np.testing.assert_array_equal(gradient(LINEAR, IMAGE, 3), weights(3))


@pytest.mark.parametrize("against", [0, 5])
def test_the_gradient_of_a_lead_is_the_difference_of_the_two(against: int) -> None:
    np.testing.assert_allclose(gradient(LINEAR, IMAGE, 3, against), weights(3) - weights(against), atol=1e-6)


def test_the_gradient_is_zero_where_relu_cut_the_pixel_off() -> None:
    same, relu = convolving(torch.ones(1, 1, 1, 1)), nn.ReLU(inplace=True)
    probe = named(MNIST, conv_1=same, relu_1=relu, flatten_2=nn.Flatten(), linear_2=connected(WEIGHTS))
    seen = (IMAGE / 255 - MNIST.mean) > 0  # as the network is given it
    np.testing.assert_array_equal(gradient(probe, IMAGE, 3), weights(3) * seen)


@pytest.mark.parametrize("shade", [PAPER, 100, INK])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 13), (27, 27), (25, 3), (14, 15)])
def test_covered_answers_are_those_to_an_image_covered_by_hand(row: int, column: int, shade: int) -> None:
    by_hand = SAMPLE.as_input(IMAGE[None])
    for down, across in np.ndindex(28, 28):
        if abs(down - row) <= 2 and abs(across - column) <= 2:
            by_hand[0, 0, down, across] = (shade / 255 - MNIST.mean) / MNIST.std
    with torch.no_grad():
        expected = build(TINY).eval()(by_hand)[0]
    np.testing.assert_allclose(covered(SAMPLE, IMAGE, shade).logits[row, column], expected, atol=1e-5)


@pytest.mark.parametrize(("side", "along"), [(1, [1] * 28), (3, [2, *[3] * 26, 2]), (5, [3, 4, *[5] * 24, 4, 3])])
def test_a_patch_is_as_large_as_asked_for_and_ends_where_the_image_ends(side: int, along: list[int]) -> None:
    counting = named(flatten_1=nn.Flatten(), linear_1=connected(torch.ones(10, 784)))
    np.testing.assert_array_equal(covered(counting, DARK + np.uint8(1), PAPER, side).effect(4), np.outer(along, along))


def test_paper_over_an_empty_image_changes_nothing() -> None:
    np.testing.assert_allclose(covered(SAMPLE, DARK, PAPER).effect(3, 5), 0, atol=1e-6)


# By hand: under the patch at (2, 3) class 0 has lost 4 and class 1 has won 1; elsewhere nothing changes.

PLAIN = np.array([5, 2, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
LOGITS = np.tile(PLAIN, (28, 28, 1))
LOGITS[2, 3, :2] = 1, 3


@pytest.mark.parametrize(
    ("towards", "against", "expected"), [(0, None, 4), (1, None, -1), (2, None, 0), (0, 1, 5), (1, 0, -5), (0, 2, 4)]
)
def test_an_effect_is_what_the_patch_takes_from_a_logit_or_its_lead(
    towards: int, against: int | None, expected: int
) -> None:
    everywhere = np.zeros((28, 28))
    everywhere[2, 3] = expected
    np.testing.assert_array_equal(Occlusion(LOGITS, PLAIN).effect(towards, against), everywhere)


def test_answers_are_the_classes_with_the_largest_logits_under_each_patch() -> None:
    everywhere = np.zeros((28, 28))
    everywhere[2, 3] = 1
    np.testing.assert_array_equal(Occlusion(LOGITS, PLAIN).answers, everywhere)


# Captum, where somebody has installed it: it is in no requirements file.


@pytest.fixture
def captum() -> Any:
    return pytest.importorskip("captum.attr", reason="captum 0.8.0 and matplotlib are not here: install them by hand")


def test_the_gradient_equals_captums_saliency(captum: Any) -> None:
    given = SAMPLE.as_input(IMAGE[None]).requires_grad_()
    theirs = captum.Saliency(build(TINY).eval()).attribute(given, target=3, abs=False)
    np.testing.assert_allclose(gradient(SAMPLE, IMAGE, 3), theirs[0, 0], atol=1e-6)


def test_covering_equals_captums_occlusion_inside(captum: Any) -> None:
    """Captum gives each pixel the mean over all windows that hold it, and slides only over those inside the image."""
    theirs = captum.Occlusion(build(TINY).eval()).attribute(
        SAMPLE.as_input(IMAGE[None]), (1, 5, 5), (1, 1, 1), baselines=-MNIST.mean / MNIST.std, target=3
    )
    inside = covered(SAMPLE, IMAGE, PAPER, 5).effect(3)[2:26, 2:26]
    means = np.lib.stride_tricks.sliding_window_view(inside, (5, 5)).mean((2, 3))
    np.testing.assert_allclose(means, theirs[0, 0, 4:24, 4:24], atol=1e-5)
