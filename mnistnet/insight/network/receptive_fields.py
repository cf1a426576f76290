"""The input to which the units of a network respond: effective receptive fields, unit attributions, top activations.

Imports torch when it computes, not before. Effective receptive fields after Luo, Li, Urtasun and Zemel,
"Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", NIPS 2016.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnistnet.data.datasets import Bytes, Floats
from mnistnet.insight.network.steps import Steps
from mnistnet.nets.summary import IMAGE_SIZE

if TYPE_CHECKING:
    from torch import Tensor

    from mnistnet.insight.network.probe import Probe

# The share of a normal distribution that lies beyond two standard deviations. The paper counts the pixels whose
# gradient is above this share of the gradient at the centre.
_TWO_DEVIATIONS = 0.0455
_MOST_ENERGY = 0.95


@dataclass(frozen=True, eq=False)
class EffectiveField:
    """The magnitude of the gradient of one position of a layer's map by each pixel: (28, 28) float32, not negative."""

    strength: Floats

    @property
    def two_deviations(self) -> float:
        """Side in pixels of a square as large as all pixels above 4.55 % of the strongest: the paper's measure, which
        takes the pixel at the centre for the strongest."""
        return float(np.sqrt((self.strength > _TWO_DEVIATIONS * self.strength.max()).sum()))

    @property
    def most_energy(self) -> float:
        """Side in pixels of a square as large as the fewest pixels that hold 95 % of the squared gradient."""
        if not self.is_there:
            return 0.0
        energy = np.sort(self.strength.ravel().astype(np.float64) ** 2)[::-1]
        enough = int(np.searchsorted(np.cumsum(energy), _MOST_ENERGY * energy.sum() * (1 - 1e-9))) + 1
        return float(np.sqrt(min(enough, energy.size)))

    @property
    def is_there(self) -> bool:
        """True where the gradient by any pixel is not zero."""
        return bool(self.strength.max() > 0)


@dataclass(frozen=True, eq=False)
class UnitAttribution:
    """The unit of a layer that adds most to the logit of a class.

    `added` is the unit's value times the gradient of the logit by it, in logits. `share` is `added` over the sum of
    all positive contributions in this layer, 0 where there are none. `field` is the gradient of this unit by the
    pixels of this image.
    """

    layer: int
    channel: int
    row: int
    column: int
    added: float
    share: float
    field: EffectiveField


@dataclass(frozen=True)
class TopActivation:
    """An image that activates a channel strongly: its index, and the row, column and value of the strongest unit."""

    image: int
    row: int
    column: int
    value: float


def effective_fields(
    probe: "Probe", layers: Sequence[int], images: Bytes, seed: int = 0
) -> Steps[dict[int, EffectiveField]]:
    """The effective receptive field of the middle position of each layer, over all channels; images (n, 28, 28) uint8.

    It is the root of the mean over images of the channels' summed squared gradients. The squared gradient of a sum
    of channels with random signs has that sum as its expectation, so one backward pass per layer suffices; `seed`
    draws the signs.
    """
    import torch

    generators = {layer: np.random.default_rng([seed, layer]) for layer in layers}
    squares = {layer: np.zeros((IMAGE_SIZE, IMAGE_SIZE)) for layer in layers}
    done = 0
    for part in probe.parts(images, with_gradients=True):
        given = probe.as_input(part).requires_grad_()
        maps = probe.maps(given)
        for count, layer in enumerate(layers, 1):
            middle = _middle(maps[layer])
            signs = generators[layer].choice(np.array([-1, 1], np.float32), size=tuple(middle.shape))
            signed = (middle * torch.from_numpy(signs)).sum()
            (gradient,) = torch.autograd.grad(signed, given, retain_graph=True)
            squares[layer] += (gradient[:, 0].double() ** 2).sum(0).numpy()
            yield (done + len(part) * count / len(layers)) / len(images)
        del maps, middle, signed  # they hold this batch's maps, and the next batch needs the memory
        done += len(part)
    return {
        layer: EffectiveField(np.sqrt(square / len(images)).astype(np.float32)) for layer, square in squares.items()
    }


def _middle(found: "Tensor") -> "Tensor":
    """The channels (n, c) at the middle position of maps (n, c, h, w); all values of a flat layer."""
    return found[:, :, found.shape[2] // 2, found.shape[3] // 2] if found.ndim == 4 else found


def unit_attributions(
    probe: "Probe", layers: Sequence[int], image: Bytes, towards: int
) -> Steps[dict[int, UnitAttribution]]:
    """For each layer the unit that adds most to the logit `towards` of image (28, 28) uint8."""
    import torch

    given = probe.as_input(image[None]).requires_grad_()
    maps = probe.maps(given)
    logit = maps[max(maps)].flatten()[towards]
    gradients = torch.autograd.grad(logit, [maps[layer] for layer in layers], retain_graph=True)
    found = {}
    for layer, by_unit in zip(layers, gradients, strict=True):
        values = maps[layer]
        added = (values * by_unit).detach()[0]
        place = int(added.argmax())
        (by_pixel,) = torch.autograd.grad(values.flatten()[place], given, retain_graph=True)
        positive = float(added.clamp(min=0).sum())
        channel, row, column = map(int, np.unravel_index(place, (*added.shape, 1, 1)[:3]))
        most = float(added.max())
        share = most / positive if positive > 0 else 0.0
        found[layer] = UnitAttribution(
            layer, channel, row, column, most, share, EffectiveField(by_pixel[0, 0].abs().numpy())
        )
        yield len(found) / len(layers)
    return found


def top_activations(probe: "Probe", layer: int, channel: int, images: Bytes, count: int) -> Steps[list[TopActivation]]:
    """The `count` images, of images (n, 28, 28) uint8, with the highest value in a channel, the highest first."""
    import torch

    values, places, done = [], [], 0
    for part in probe.parts(images):
        found = probe.layer_output(probe.as_input(part), layer)[:, channel]
        found = found.reshape(len(found), *(found.shape[1:] or (1, 1)))
        width = found.shape[2]
        strongest, at = found.flatten(1).max(1)
        values.append(strongest)
        places.append(at)
        done += len(part)
        yield done / len(images)
    highest, where = torch.cat(values), torch.cat(places)
    chosen = highest.argsort(descending=True, stable=True)[:count]
    return [
        TopActivation(int(one), int(where[one]) // width, int(where[one]) % width, float(highest[one]))
        for one in chosen
    ]
