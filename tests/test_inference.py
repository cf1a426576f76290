"""Images in, logits out, without a trace on the network."""

import numpy as np
import pytest
import torch

from mnistnet.data import datasets
from mnistnet.nets.network import build
from mnistnet.training.inference import BATCH, level, logits, pixels
from tests.samples import TINY

CPU = torch.device("cpu")
MNIST = datasets.source("mnist")


def test_background_is_zero_and_full_ink_is_one_over_the_deviation() -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 3, 4] = 255
    scaled = pixels(images, MNIST, CPU)
    assert scaled.shape == (1, 1, 28, 28)
    assert scaled.unique().tolist() == pytest.approx([0, 1 / MNIST.std])


def test_subtracting_the_level_is_the_usual_normalisation() -> None:
    images = np.arange(28 * 28, dtype=np.uint32).reshape(1, 28, 28).astype(np.uint8)
    usual = (images / 255 - MNIST.mean) / MNIST.std
    np.testing.assert_allclose((pixels(images, MNIST, CPU) - level(MNIST))[0].numpy(), usual, atol=1e-5)


def scaled(count: int) -> torch.Tensor:
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28)).astype(np.uint8)
    return pixels(images, MNIST, CPU)


def test_logits_are_those_of_evaluation_mode_whatever_the_mode_before() -> None:
    network, images = build(TINY), scaled(32)
    with torch.no_grad():
        expected = network.eval()(images - level(MNIST))
    assert torch.equal(logits(network.train(), images, MNIST), expected)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_the_network_is_left_as_it_was(training: bool) -> None:
    network = build(TINY).train(training)
    logits(network, scaled(8), MNIST)
    assert network.training is training


def test_nothing_in_the_network_changes() -> None:
    network = build(TINY).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    logits(network, scaled(32), MNIST)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_more_images_than_one_batch_come_back_in_order() -> None:
    network, images = build(TINY), scaled(BATCH + 5)
    answers = logits(network, images, MNIST)
    assert answers.shape == (BATCH + 5, 10)
    torch.testing.assert_close(answers[-5:], logits(network, images[-5:], MNIST))
