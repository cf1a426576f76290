"""Effective fields, speakers and drivers: small networks worked by hand, and random ones against their geometry."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mnistnet.data.datasets import Bytes, Floats
from mnistnet.insight.network import receptive_fields
from mnistnet.insight.network.probe import Probe
from mnistnet.insight.network.receptive_fields import EffectiveField, TopActivation, UnitAttribution
from mnistnet.insight.network.steps import finish
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import build
from mnistnet.nets.summary import require
from tests.insight.network.test_probe import MNIST, connected, convolving, named, noise
from tests.support.random_designs import designs

DESIGNS = designs(40, seed=31, widest=4)
IDENTITY, SHIFT, BOX = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3), torch.ones(1, 1, 3, 3)
IDENTITY[0, 0, 1, 1] = 1
SHIFT[0, 0, 0, 0] = 1  # each place shows the pixel above and to the left of it
SIX = torch.randn(6, 1, 5, 5, generator=torch.Generator().manual_seed(4))
HALVING = named(conv_1=convolving(IDENTITY), maxpool_2=nn.MaxPool2d(2))


def effective(probe: Probe, layers: Sequence[int], images: Bytes, seed: int = 0) -> dict[int, EffectiveField]:
    return finish(receptive_fields.effective_fields(probe, layers, images, seed))


def speakers(probe: Probe, layers: Sequence[int], image: Bytes, towards: int) -> dict[int, UnitAttribution]:
    return finish(receptive_fields.unit_attributions(probe, layers, image, towards))


def drivers(probe: Probe, layer: int, channel: int, images: Bytes, count: int) -> list[TopActivation]:
    return finish(receptive_fields.top_activations(probe, layer, channel, images, count))


def spots(*pixels: tuple[int, int, int]) -> Bytes:
    """One image each: row, column and brightness of its only bright pixel."""
    images = np.zeros((len(pixels), 28, 28), np.uint8)
    for image, (row, column, brightness) in zip(images, pixels, strict=True):
        image[row, column] = brightness
    return images


def around(row: int, column: int, values: object) -> Floats:
    """(28, 28): 0 but for these values (k, k) with their middle at this pixel."""
    found, small = np.zeros((28, 28), np.float32), np.array(values, np.float32)
    half = len(small) // 2
    found[row - half : row + half + 1, column - half : column + half + 1] = small
    return found


# Effective fields. The middle place of a map of 28 is 14, that of a map of 14 is 7.


@pytest.mark.parametrize(
    ("kernels", "expected"),
    [
        ([IDENTITY], around(14, 14, [[1]])),
        ([SHIFT], around(13, 13, [[1]])),
        ([-2 * IDENTITY], around(14, 14, [[2]])),
        ([BOX], around(14, 14, np.ones((3, 3)))),
        ([BOX, SHIFT], around(13, 13, np.ones((3, 3)))),
        ([BOX, BOX], around(14, 14, np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]))),
    ],
    ids=["identity", "shift", "negative", "box", "shifted box", "two boxes"],
)
def test_the_effective_field_of_known_kernels(kernels: list[Tensor], expected: Floats) -> None:
    probe = named(**{f"conv_{number}": convolving(kernel) for number, kernel in enumerate(kernels, 1)})
    last = len(kernels) - 1
    np.testing.assert_allclose(effective(probe, [last], noise(2))[last].strength, expected, rtol=1e-5)


def test_an_effective_field_is_the_root_of_the_mean_square_over_images() -> None:
    # The middle place shows the brightest of its four pixels: another one in the last image.
    images = spots((14, 14, 9), (14, 14, 9), (14, 14, 9), (15, 15, 9))
    expected = around(14, 14, [[3**0.5 / 2]]) + around(15, 15, [[1 / 2]])
    np.testing.assert_allclose(effective(HALVING, [1], images)[1].strength, expected, rtol=1e-6)


def test_an_effective_field_is_that_of_the_channels_mean_square() -> None:
    """Up to its unit. The squared sum of n images has a relative deviation of at most sqrt(2 / n), its root half of
    that: 1.8 % here, held to five of them."""
    found = effective(named(conv_1=convolving(SIX)), [0], np.zeros((1500, 28, 28), np.uint8))[0].strength[12:17, 12:17]
    exact = SIX[:, 0].square().mean(0).sqrt().numpy()
    np.testing.assert_allclose(found / np.linalg.norm(found), exact / np.linalg.norm(exact), rtol=0.09)


def test_an_effective_field_is_zero_where_relu_lets_nothing_through() -> None:
    probe = named(conv_1=convolving(-IDENTITY), relu_1=nn.ReLU(inplace=True))
    assert not effective(probe, [0], noise(2))[0].is_there


def test_the_same_seed_gives_the_same_effective_field() -> None:
    first, second = (effective(named(conv_1=convolving(SIX)), [0], noise(4), seed=7)[0].strength for _ in range(2))
    np.testing.assert_array_equal(first, second)


def _outside(field: EffectiveField, architecture: Architecture, layer: int, row: int, column: int) -> int:
    """How many pixels count that this place of the layer's map cannot see."""
    last = require(architecture).of_layer(layer)[-1]
    down, across = last.receptive_fields[row], last.receptive_fields[column]
    beyond = field.strength.copy()
    beyond[down.start : down.stop, across.start : across.stop] = 0
    return int((beyond != 0).sum())


@pytest.mark.parametrize("architecture", DESIGNS, ids=range(len(DESIGNS)))
def test_effective_fields_lie_inside_the_middle_units_window(architecture: Architecture) -> None:
    layers = range(len(architecture.layers))
    for layer, field in effective(Probe(build(architecture), MNIST), layers, noise(2)).items():
        middle = require(architecture).of_layer(layer)[-1].size // 2
        assert _outside(field, architecture, layer, middle, middle) == 0, layer


@pytest.mark.parametrize("architecture", DESIGNS, ids=range(len(DESIGNS)))
def test_speakers_fields_lie_inside_their_units_windows(architecture: Architecture) -> None:
    layers = range(len(architecture.layers))
    for layer, one in speakers(Probe(build(architecture), MNIST), layers, noise(1)[0], 3).items():
        assert _outside(one.field, architecture, layer, one.row, one.column) == 0, layer


# Speakers. Units of the first layer are 6, 4, 1 and 2 for a pixel of brightness 2; to logit 7 they add 6, 8, 5 and -2.

INTO, OUT = torch.zeros(4, 784), torch.zeros(10, 4)
INTO[:, 5 * 28 + 9] = torch.tensor([3, 2, 0.5, 1])
INTO[1, 100] = -6  # dark in the image, yet the unit looks at it
OUT[7] = torch.tensor([1, 2, 5, -1.0])
OUT[8] = -1
TALKING = named(flatten_1=nn.Flatten(), linear_1=connected(INTO), linear_2=connected(OUT))
(SPOT,) = spots((5, 9, 2))


def loudest(towards: int = 7, image: Bytes = SPOT) -> UnitAttribution:
    return speakers(TALKING, [0], image, towards)[0]


def test_the_loudest_unit_has_the_largest_product_of_value_and_weight() -> None:
    assert (loudest().layer, loudest().channel, loudest().added) == (0, 1, 8)


def test_a_share_is_of_all_that_spoke_for_the_class_and_not_of_what_spoke_against_it() -> None:
    assert loudest().share == pytest.approx(8 / (6 + 8 + 5))


@pytest.mark.parametrize(("towards", "image"), [(7, 0 * SPOT), (8, SPOT)], ids=["no ink", "all against"])
def test_nothing_is_shared_where_nothing_speaks(towards: int, image: Bytes) -> None:
    assert loudest(towards, image).share == 0


def test_a_speakers_field_is_how_strongly_the_unit_itself_hangs_on_each_pixel() -> None:
    np.testing.assert_array_equal(loudest().field.strength, INTO[1].abs().reshape(28, 28))


def test_a_speaker_on_a_map_has_its_channel_and_place() -> None:
    weights = torch.zeros(10, 2, 28, 28)
    weights[7, 0, 4, 6], weights[7, 1, 20, 21] = 1, 2
    twice = convolving(torch.ones(2, 1, 1, 1))
    probe = named(conv_1=twice, flatten_2=nn.Flatten(), linear_2=connected(weights.reshape(10, -1)))
    found = speakers(probe, [0], spots((4, 6, 50))[0] + spots((20, 21, 30))[0], 7)[0]
    assert (found.channel, found.row, found.column, found.added) == (1, 20, 21, 60)


# Drivers.

BOTH = named(conv_1=convolving(torch.cat([IDENTITY, -IDENTITY])))
THREE = spots((3, 4, 50), (27, 0, 200), (14, 21, 100))


def test_drivers_come_strongest_first_with_the_place_and_value_of_their_strongest_unit() -> None:
    assert drivers(HALVING, 1, 0, THREE, 2) == [TopActivation(1, 13, 0, 200), TopActivation(2, 7, 10, 100)]


def test_drivers_are_those_of_the_channel_asked_for() -> None:
    assert drivers(BOTH, 0, 1, 255 - THREE, 1) == [TopActivation(1, 27, 0, -55)]


def test_of_equal_drivers_the_earlier_image_comes_first() -> None:
    images = spots((1, 1, 9), (2, 2, 80), (3, 3, 80), (4, 4, 9), (5, 5, 80))
    assert [driver.image for driver in drivers(BOTH, 0, 0, images, 5)] == [1, 2, 4, 0, 3]


def test_there_are_no_more_drivers_than_images() -> None:
    assert [driver.image for driver in drivers(BOTH, 0, 0, THREE, 100)] == [1, 2, 0]


def test_the_drivers_of_a_flat_layer_stand_at_its_only_place() -> None:
    sums = named(flatten_1=nn.Flatten(), linear_1=connected(torch.ones(2, 784)))
    assert drivers(sums, 0, 1, THREE, 1) == [TopActivation(1, 0, 0, 200)]


def test_drivers_are_found_among_many_images() -> None:
    assert drivers(BOTH, 0, 0, np.concatenate([np.repeat(0 * THREE, 334, 0), THREE]), 1) == [
        TopActivation(1003, 27, 0, 200)
    ]


# Sides of effective receptive fields: squares by hand, and the disc of a Gaussian.


def field(*squares: tuple[int, float]) -> EffectiveField:
    """Squares of this side and strength, one after the other along the diagonal, and 0 elsewhere."""
    strength, start = np.zeros((28, 28), np.float32), 0
    for side, value in squares:
        strength[start : start + side, start : start + side] = value
        start += side
    return EffectiveField(strength)


def gaussian(deviation: float) -> EffectiveField:
    along = np.exp(-((np.arange(28) - 13.5) ** 2) / (2 * deviation**2))
    return EffectiveField(np.outer(along, along).astype(np.float32))


@pytest.mark.parametrize(
    ("seen", "side"),
    [
        (field((1, 1)), 1),
        (field((5, 0.25)), 5),
        (field((28, 1e-20)), 28),
        (field((4, 100), (3, 4.6)), 5),
        (field((4, 100), (3, 4.5)), 4),
        (field(), 0),
    ],
    ids=["pixel", "square", "faint", "just above", "just below", "nothing"],
)
def test_two_deviations_is_the_side_of_all_pixels_above_a_share_of_the_strongest(
    seen: EffectiveField, side: float
) -> None:
    assert seen.two_deviations == side


@pytest.mark.parametrize(
    ("seen", "pixels"),
    [
        (field((1, 1)), 1),
        (field((5, 0.25)), 24),  # of 25: 23 would hold 92 %
        (field((10, 1)), 95),
        (field((28, 1e-25)), 745),  # of 784: 744.8; the squares are too small for float32
        (field((1, 10), (2, 1)), 1),  # squares: 100 of 104
        (field((1, 10), (3, 1)), 5),  # 100 of 109, and three and a half of the faint ones
        (field(), 0),
    ],
    ids=["pixel", "square", "just so many", "faint", "peak alone", "peak and rim", "nothing"],
)
def test_most_energy_is_the_side_of_the_fewest_pixels_with_95_percent_of_the_square(
    seen: EffectiveField, pixels: int
) -> None:
    assert seen.most_energy == pytest.approx(pixels**0.5)


@pytest.mark.parametrize("deviation", [2, 3, 4])
def test_two_deviations_of_a_gaussian_is_the_side_of_its_disc(deviation: float) -> None:
    """exp(-r²/2s²) > 0.0455 inside r = s · sqrt(2 · 3.0900); pixels draw a disc's edge to within two percent."""
    radius = deviation * math.sqrt(2 * 3.0900)
    assert gaussian(deviation).two_deviations == pytest.approx(math.sqrt(math.pi) * radius, rel=0.02)


@pytest.mark.parametrize("deviation", [2, 3, 4])
def test_most_energy_of_a_gaussian_is_the_side_of_its_disc(deviation: float) -> None:
    """The squares beyond r hold exp(-r²/s²) of all: 5 % at r = s · sqrt(ln 20)."""
    radius = deviation * math.sqrt(math.log(20))
    assert gaussian(deviation).most_energy == pytest.approx(math.sqrt(math.pi) * radius, rel=0.02)
