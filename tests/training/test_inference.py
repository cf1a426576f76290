"""Images in, logits out, without a trace on the network, in batches that fit."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from mnistnet.data import datasets
from mnistnet.nets.network import build
from mnistnet.nets.summary import IMAGE_SIZE, require
from mnistnet.training.inference import BATCH, Cost, batch_size, batches, cost, level, logits, pixels
from tests.support.random_designs import designs
from tests.support.samples import TINY, conv, design

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


def test_the_cost_of_an_image_is_that_of_the_closed_forms() -> None:
    for architecture in designs(40, seed=33, widest=8):
        summary = require(architecture)
        found = cost(build(architecture).eval(), scaled(1))
        # Batch norm multiplies once a value, which the closed forms leave out.
        assert found.macs == summary.macs + sum(row.values for row in summary.rows if row.type == "batchnorm")
        largest = max(row.values + (row.before.values if row.before else 0) for row in summary.rows)
        most = 2 * max(IMAGE_SIZE**2, *(row.values for row in summary.rows))
        assert largest <= found.values <= most, architecture
        assert found.all_values >= summary.values


def test_measuring_the_cost_leaves_no_hook_behind() -> None:
    network = build(TINY).eval()
    cost(network, scaled(1))
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(
    ("values", "macs", "expected"),
    [(100, 100, BATCH), (2**23, 100, 1), (2**30, 2**40, 1), (2**20, 1, 8), (1, 2**31, 2), (1, 0, BATCH)],
)
def test_a_batch_holds_as_many_images_as_their_cost_allows(values: int, macs: int, expected: int) -> None:
    assert batch_size(Cost(values, values, macs)) == expected


def test_a_gpu_takes_larger_batches() -> None:
    assert batch_size(Cost(2**20, 2**20, 2**20), "cuda") == 128


def test_a_wide_network_is_given_few_images_at_a_time() -> None:
    wide = build(design(conv(512, 3, padding=1), conv(10, 1), {"type": "globalavgpool"})).eval()
    sizes = [len(part) for part in batches(wide, scaled(45), MNIST)]
    assert sum(sizes) == 45
    assert max(sizes) * (512 + 10) * IMAGE_SIZE**2 <= 2**23


# 1,000 images at once would take 1.6 GB for each of the maps that a layer reads and gives.
_ANSWERS = """
import resource
from mnistnet.runs.worker import environment
environment.prepare(1, 900 * 1024**2)
import torch
from mnistnet.data import datasets
from mnistnet.nets.architecture import parse
from mnistnet.nets.network import build
from mnistnet.training.inference import logits
network = build(parse({design!r}))
print(tuple(logits(network, torch.rand(200, 1, 28, 28), datasets.source("mnist")).shape))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory")
def test_a_network_of_512_channels_answers_within_the_memory_it_may_have() -> None:
    wide = design(conv(512, 3, padding=1), conv(10, 1), {"type": "globalavgpool"})
    script = _ANSWERS.format(design=wide.to_json())
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.stdout == "(200, 10)\n", ended.stderr
