"""What units can see by geometry and what they do look at: effective receptive fields, and who spoke for an answer.

Effective fields after Luo, Li, Urtasun and Zemel, "Understanding the Effective Receptive Field in Deep Convolutional
Neural Networks", NIPS 2016: gradients of a unit by the pixels, averaged over images.
"""

from collections.abc import Sequence

import numpy as np
import torch

from mnistnet.data.datasets import Bytes
from mnistnet.insight.network.probe import Probe
from mnistnet.insight.network.results import EffectiveField, TopActivation, UnitAttribution
from mnistnet.insight.network.steps import Steps
from mnistnet.nets.summary import IMAGE_SIZE


def effective_fields(
    probe: Probe, layers: Sequence[int], images: Bytes, seed: int = 0
) -> Steps[dict[int, EffectiveField]]:
    """The effective field of the middle place of each layer, over all its channels, by images (n, 28, 28) uint8.

    Root of the summed squares of the channels' gradients, as a mean over images. Their sum with random signs has that
    square on average, so one backward pass a layer does; the signs are drawn by `seed`.
    """
    generators = {layer: np.random.default_rng([seed, layer]) for layer in layers}
    squares = {layer: np.zeros((IMAGE_SIZE, IMAGE_SIZE)) for layer in layers}
    done = 0
    for part in probe.parts(images, with_gradients=True):
        given = probe.given(part).requires_grad_()
        maps = probe.maps(given)
        for count, layer in enumerate(layers, 1):
            middle = _middle(maps[layer])
            signs = generators[layer].choice(np.array([-1, 1], np.float32), size=tuple(middle.shape))
            signed = (middle * torch.from_numpy(signs)).sum()
            (gradient,) = torch.autograd.grad(signed, given, retain_graph=True)
            squares[layer] += (gradient[:, 0].double() ** 2).sum(0).numpy()
            yield (done + len(part) * count / len(layers)) / len(images)
        del maps, middle, signed  # they hold this batch's maps, which the next one needs room for
        done += len(part)
    return {
        layer: EffectiveField(np.sqrt(square / len(images)).astype(np.float32)) for layer, square in squares.items()
    }


def _middle(found: torch.Tensor) -> torch.Tensor:
    """The channels (n, c) at the middle place of maps (n, c, h, w); all values of a flat layer."""
    return found[:, :, found.shape[2] // 2, found.shape[3] // 2] if found.ndim == 4 else found


def unit_attributions(
    probe: Probe, layers: Sequence[int], image: Bytes, towards: int
) -> Steps[dict[int, UnitAttribution]]:
    """For each layer the unit that added most to the logit `towards` of image (28, 28) uint8."""
    given = probe.given(image[None]).requires_grad_()
    maps = probe.maps(given)
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
        found[layer] = UnitAttribution(
            layer, channel, row, column, loudest, share, EffectiveField(by_pixel[0, 0].abs().numpy())
        )
        yield len(found) / len(layers)
    return found


def top_activations(probe: Probe, layer: int, channel: int, images: Bytes, count: int) -> Steps[list[TopActivation]]:
    """The `count` images (n, 28, 28) uint8 that drive a channel hardest, by their strongest units."""
    values, places, done = [], [], 0
    for part in probe.parts(images):
        found = probe.upto(probe.given(part), layer)[:, channel]
        found = found.reshape(len(found), *(found.shape[1:] or (1, 1)))
        width = found.shape[2]
        strongest, at = found.flatten(1).max(1)
        values.append(strongest)
        places.append(at)
        done += len(part)
        yield done / len(images)
    driven, where = torch.cat(values), torch.cat(places)
    chosen = driven.argsort(descending=True, stable=True)[:count]
    return [
        TopActivation(int(one), int(where[one]) // width, int(where[one]) % width, float(driven[one])) for one in chosen
    ]
