"""What units can see by geometry and what they do look at: effective receptive fields, and who spoke for an answer.

Effective fields after Luo, Li, Urtasun and Zemel, "Understanding the Effective Receptive Field in Deep Convolutional
Neural Networks", NIPS 2016: gradients of a unit by the pixels, averaged over images.
"""

from collections.abc import Sequence

import numpy as np
import torch

from mnistnet.data.datasets import Bytes
from mnistnet.insight.lens import Lens
from mnistnet.insight.sights import Driver, Field, Floats, Speaker


def effective(lens: Lens, layers: Sequence[int], images: Bytes, seed: int = 0) -> dict[int, Field]:
    """The effective field of the middle place of each layer, over all its channels, by images (n, 28, 28) uint8.

    Root of the summed squares of the channels' gradients, as a mean over images. Their sum with random signs has that
    square on average, so one pass a layer does; the signs are drawn by `seed`.
    """
    return {layer: Field(_middle(lens, layer, images, np.random.default_rng([seed, layer]))) for layer in layers}


def _middle(lens: Lens, layer: int, images: Bytes, generator: np.random.Generator) -> Floats:
    def middle(maps: dict[int, torch.Tensor]) -> torch.Tensor:
        found = maps[layer]
        values = found[:, :, found.shape[2] // 2, found.shape[3] // 2] if found.ndim == 4 else found
        signs = generator.choice(np.array([-1, 1], np.float32), size=tuple(values.shape))
        return values * torch.from_numpy(signs)

    gradients = lens.gradients(images, middle)
    strength: Floats = np.sqrt((gradients.astype(np.float64) ** 2).mean(0)).astype(np.float32)
    return strength


def speakers(lens: Lens, layers: Sequence[int], image: Bytes, towards: int) -> dict[int, Speaker]:
    """For each layer the unit that added most to the logit `towards` of image (28, 28) uint8."""
    given = lens.given(image[None]).requires_grad_()
    maps = lens.maps(given)
    logit = maps[max(maps)].flatten()[towards]
    gradients = torch.autograd.grad(logit, [maps[layer] for layer in layers], retain_graph=True)
    found = {}
    for layer, by_unit in zip(layers, gradients, strict=True):
        values = maps[layer]
        added = (values * by_unit).detach()[0]
        place = int(added.argmax())
        (by_pixel,) = torch.autograd.grad(values.flatten()[place], given, retain_graph=True)
        spoken = float(added.clamp(min=0).sum())
        channel, row, column = map(int, np.unravel_index(place, (*added.shape, 1, 1)[:3]))
        loudest = float(added.max())
        share = loudest / spoken if spoken > 0 else 0.0
        found[layer] = Speaker(layer, channel, row, column, loudest, share, Field(by_pixel[0, 0].abs().numpy()))
    return found


def drivers(lens: Lens, layer: int, channel: int, images: Bytes, count: int) -> list[Driver]:
    """The `count` images (n, 28, 28) uint8 that drive a channel hardest, by their strongest units."""
    with torch.no_grad():
        parts = [lens.maps(part)[layer][:, channel] for part in lens.given(images).split(1000)]
    found = torch.cat(parts)
    found = found.reshape(len(found), *(found.shape[1:] or (1, 1)))
    strongest, places = found.flatten(1).max(1)
    chosen = strongest.argsort(descending=True, stable=True)[:count]
    width = found.shape[2]
    return [
        Driver(int(one), int(places[one]) // width, int(places[one]) % width, float(strongest[one])) for one in chosen
    ]
