"""A probe against plain passes through the same modules, against finite differences, and against networks by hand."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes, Source
from mnistnet.insight.network.probe import Probe
from mnistnet.insight.network.steps import finish
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import build
from mnistnet.nets.summary import require
from mnistnet.training import inference
from tests.support.random_designs import designs
from tests.support.samples import TINY, conv, design

MNIST = datasets.source("mnist")
PLAIN = Source("plain", "Brightness as it is, 0 to 255", "", mean=0, std=1 / 255)
DESIGNS = designs(40, seed=30, widest=8)


def noise(count: int) -> Bytes:
    return np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def named(source: Source = PLAIN, /, **modules: nn.Module) -> Probe:
    """A probe on these modules in their order."""
    return Probe(nn.Sequential(OrderedDict(modules)), source)


def convolving(weights: Tensor) -> nn.Conv2d:
    """With these kernels (channels, inputs, k, k) and no bias; maps keep their size."""
    channels, inputs, kernel, _ = weights.shape
    module = nn.Conv2d(inputs, channels, kernel, padding=kernel // 2, bias=False)
    module.weight = nn.Parameter(weights)
    return module


def connected(weights: Tensor) -> nn.Linear:
    """With these weights (features, inputs) and no bias."""
    module = nn.Linear(weights.shape[1], weights.shape[0], bias=False)
    module.weight = nn.Parameter(weights)
    return module


def laid_out(architecture: Architecture) -> nn.Sequential:
    """The network in the memory format that a probe uses: in another one sums round otherwise."""
    network: nn.Sequential = build(architecture).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def passed(network: nn.Sequential, given: Tensor) -> list[Tensor]:
    """What leaves each layer where every module reads a copy, so that none can write over what another gave."""
    found: dict[str, Tensor] = {}
    number, x = "", given
    for name, module in network.eval().named_children():
        number = name.partition("_")[2] or number  # the closing flatten has none
        found[number] = x = module(x.clone())
    return list(found.values())


def _state(network: nn.Module, trait: str) -> object:
    return {
        "weights": [value.tolist() for value in network.state_dict().values()],
        "modes": [module.training for module in network.modules()],
        "in place": [module.inplace for module in network.modules() if isinstance(module, nn.ReLU)],
        "trainable": [(value.requires_grad, value.grad) for value in network.parameters()],
    }[trait]


@pytest.mark.parametrize("trait", ["weights", "modes", "in place", "trainable"])
def test_looking_leaves_the_network_as_it_was(trait: str) -> None:
    network = build(TINY)
    before = _state(network, trait)
    probe = Probe(network, MNIST)
    probe.probabilities(noise(2))
    finish(probe.features(noise(2)))
    probe.shown(noise(1)[0])
    probe.gradients(noise(2), lambda maps: maps[4])
    assert _state(network, trait) == before


def test_a_network_is_given_the_usual_normalisation() -> None:
    usual = (noise(2)[:, None] / 255 - MNIST.mean) / MNIST.std
    np.testing.assert_allclose(Probe(build(TINY), MNIST).as_input(noise(2)), usual, atol=1e-5)


def test_logits_are_those_of_inference() -> None:
    scaled = inference.pixels(noise(3), MNIST, torch.device("cpu"))
    for architecture in DESIGNS:
        expected = inference.logits(laid_out(architecture), scaled, MNIST)
        np.testing.assert_array_equal(Probe(build(architecture), MNIST).logits(noise(3)), expected, str(architecture))


def test_probabilities_are_the_softmax_of_the_logits() -> None:
    probe = Probe(build(TINY), MNIST)
    powers = np.exp(probe.logits(noise(5)).astype(np.float64))
    np.testing.assert_allclose(probe.probabilities(noise(5)), powers / powers.sum(1, keepdims=True), rtol=1e-5)


def test_probabilities_of_an_image_sum_to_one() -> None:
    np.testing.assert_allclose(Probe(build(TINY), MNIST).probabilities(noise(5)).sum(1), 1, atol=1e-6)


def test_a_layers_map_is_what_a_plain_pass_gives() -> None:
    for architecture in DESIGNS:
        probe = Probe(build(architecture), MNIST)
        maps, plain = probe.maps(probe.as_input(noise(2))), passed(laid_out(architecture), probe.as_input(noise(2)))
        assert list(maps) == list(range(len(architecture.layers)))
        assert all(map(torch.equal, maps.values(), plain)), architecture


def test_a_map_is_still_there_when_a_relu_of_the_next_layer_has_read_it() -> None:
    probe = named(conv_1=convolving(torch.full((1, 1, 1, 1), -2.0)), relu_2=nn.ReLU(inplace=True))
    before, after = probe.shown(np.full((28, 28), 5, np.uint8)).values()
    assert (before.min(), after.max()) == (-10, 0)


def test_shown_maps_have_the_shapes_of_the_layers_last_rows() -> None:
    for architecture in DESIGNS:
        walked = require(architecture)
        ends = [walked.of_layer(layer)[-1].shape for layer in range(len(architecture.layers))]
        shown = Probe(build(architecture), MNIST).shown(noise(1)[0])
        assert [map_.shape for map_ in shown.values()] == ends, architecture


def test_kernels_are_a_copy_of_the_first_convolutions_weights() -> None:
    probe = Probe(build(TINY), MNIST)
    assert probe.kernels is not None
    probe.kernels[:] = 0
    np.testing.assert_array_equal(probe.kernels, build(TINY).get_parameter("conv_1.weight").detach())


def test_there_are_no_kernels_without_a_convolution() -> None:
    assert Probe(build(design({"type": "linear", "features": 10})), MNIST).kernels is None


def _read(architecture: Architecture, given: Tensor) -> Tensor:
    """What the last module with weights is given, as the mean over each channel, by a hook on that module."""
    network, seen = build(architecture).eval(), list[Tensor]()
    weighted = [module for module in network if isinstance(module, nn.Conv2d | nn.Linear)]
    weighted[-1].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with torch.no_grad():
        network(given)
    row = [row for row in require(architecture).rows if row.type in {"conv", "depthwise", "linear"}][-1]
    assert row.before is not None
    return seen[0].reshape(len(given), row.before.channels, -1).mean(2)


def test_features_are_the_mean_of_what_the_last_layer_with_weights_reads() -> None:
    for architecture in DESIGNS:
        probe = Probe(build(architecture), MNIST)
        ours, theirs = finish(probe.features(noise(3))), _read(architecture, probe.as_input(noise(3)))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=str(architecture))


def test_features_behind_an_identity_are_each_images_mean_brightness() -> None:
    network = build(design(conv(1, 3, padding=1), {"type": "linear", "features": 10}))
    nn.init.dirac_(network.get_parameter("conv_1.weight"))
    np.testing.assert_allclose(finish(Probe(network, PLAIN).features(noise(3)))[:, 0], noise(3).mean((1, 2)), rtol=1e-5)


def test_features_of_many_images_come_back_in_order() -> None:
    probe, images = Probe(build(TINY), MNIST), noise(1005)
    np.testing.assert_allclose(
        finish(probe.features(images))[995:], finish(probe.features(images[995:])), rtol=1e-4, atol=1e-5
    )


def test_a_single_layer_is_that_of_all_maps() -> None:
    for architecture in DESIGNS:
        probe = Probe(build(architecture), MNIST)
        for layer, expected in probe.maps(probe.as_input(noise(2))).items():
            assert torch.equal(probe.layer_output(probe.as_input(noise(2)), layer), expected), (architecture, layer)


def test_nothing_before_the_first_layer_is_what_was_given() -> None:
    probe = Probe(build(TINY), MNIST)
    assert torch.equal(probe.layer_output(probe.as_input(noise(1)), -1), probe.as_input(noise(1)))


WIDE = design(conv(512, 3, padding=1), conv(512, 1), conv(10, 1), {"type": "globalavgpool"})


@pytest.mark.parametrize("with_gradients", [False, True])
def test_parts_are_all_images_in_order(with_gradients: bool) -> None:
    probe, images = Probe(build(WIDE), MNIST), noise(25)
    np.testing.assert_array_equal(np.concatenate(list(probe.parts(images, with_gradients=with_gradients))), images)


def test_parts_hold_as_many_images_as_fit_and_fewer_where_all_maps_are_kept() -> None:
    probe, images = Probe(build(WIDE), MNIST), noise(100)
    largest, kept = (2 * 512 * 28**2, (2 * 512 + 10) * 28**2)  # values of an image
    plain, small = (len(next(probe.parts(images, with_gradients=gradients))) for gradients in (False, True))
    assert plain * largest <= 2**23 < (plain + 1) * largest
    assert small * kept <= 2**23
    assert len(next(Probe(build(TINY), MNIST).parts(noise(2000)))) > plain


@pytest.mark.parametrize("layer", [0, 2, 4])
def test_gradients_equal_finite_differences(layer: int) -> None:
    """In float64, where a step of 1e-6 is short enough to cross no kink of ReLU or maxpool. Ours are float32."""
    probe, step = Probe(build(TINY), MNIST), 1e-6
    steps = step * torch.eye(784, dtype=torch.float64).reshape(784, 1, 28, 28)
    with torch.no_grad():
        up, down = (passed(build(TINY).double(), probe.as_input(noise(1)) + way * steps)[layer] for way in (1, -1))
    differences = (up.square() - down.square()).flatten(1).sum(1).reshape(28, 28) / (2 * step)
    ours = probe.gradients(noise(1), lambda maps: maps[layer].square())[0]
    np.testing.assert_allclose(ours, differences, rtol=1e-3, atol=1e-4 * float(differences.abs().max()))
