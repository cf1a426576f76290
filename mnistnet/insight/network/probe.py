"""Access to the layers of a network: feature maps, features, logits and gradients by the pixels.

A copy of the network in evaluation mode, fp32, on the CPU; no weight is changed. Knows no file and no run. Images are
processed in batches sized by the network's cost, and only the maps that are asked for are kept.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mnistnet.data.datasets import Bytes, Floats, Source
from mnistnet.insight.network.steps import Steps, finish
from mnistnet.nets.network import first_kernels
from mnistnet.nets.summary import IMAGE_SIZE
from mnistnet.training import inference
from mnistnet.training.inference import level, pixels

# Values in all maps of a batch that gradients are computed for: 32 MB, and about three times that meanwhile.
_GRADIENT_VALUES = 2**23


class Probe:
    """The layers of one network, counted from 0 as in the design; a layer's map is the output of its last step."""

    def __init__(self, network: nn.Sequential, source: Source) -> None:
        self.source = source
        self._network = copy.deepcopy(network).eval().requires_grad_(False)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for module in self._network.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False  # a layer's map must not be overwritten by the next step
        self._steps: dict[int, list[nn.Module]] = {}
        for name, module in self._network.named_children():
            number = name.rpartition("_")[2]
            layer = int(number) - 1 if number.isdecimal() else max(self._steps)  # the last flatten belongs to no layer
            self._steps.setdefault(layer, []).append(module)
        self._cost = inference.cost(self._network, torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE))

    @property
    def kernels(self) -> Floats | None:
        """Weights of the first convolution, (channels, 1, k, k); None where there is none."""
        found = first_kernels(self._network)
        return None if found is None else found.numpy().copy()

    def as_input(self, images: Bytes) -> Tensor:
        """images (n, 28, 28) uint8 as the input of the network, (n, 1, 28, 28) float32, normalised."""
        return pixels(images, self.source, torch.device("cpu")) - level(self.source)

    def answers(self, images: Bytes) -> Steps[Floats]:
        """Logits of images (n, 28, 28) uint8: (n, 10)."""
        found = []
        for part in self.parts(images):
            with torch.no_grad():
                found.append(self._network(self.as_input(part)).numpy())
            yield sum(map(len, found)) / len(images)
        return np.concatenate(found)

    def logits(self, images: Bytes) -> Floats:
        """Of images (n, 28, 28) uint8: (n, 10)."""
        return finish(self.answers(images))

    def probabilities(self, images: Bytes) -> Floats:
        """Of images (n, 28, 28) uint8: (n, 10), rows sum to 1."""
        return torch.from_numpy(self.logits(images)).softmax(1).numpy()

    def maps(self, given: Tensor) -> dict[int, Tensor]:
        """The output of each layer for `given` (n, 1, 28, 28): (n, c, h, w), or (n, values) where it is flat."""
        found, x = {}, given
        for layer, modules in self._steps.items():
            for module in modules:
                x = module(x)
            found[layer] = x
        return found

    def layer_output(self, given: Tensor, layer: int) -> Tensor:
        """The output of one layer, without gradients and without the maps of other layers; layer -1 is `given`."""
        x = given
        with torch.no_grad():
            for modules in (self._steps[one] for one in range(layer + 1)):
                for module in modules:
                    x = module(x)
        return x

    def shown(self, image: Bytes) -> dict[int, Floats]:
        """The output of each layer for one image (28, 28) uint8: (channels, h, w), h = w = 1 where it is flat."""
        with torch.no_grad():
            found = self.maps(self.as_input(image[None]))
        return {layer: (map_[0] if map_.ndim == 4 else map_[0, :, None, None]).numpy() for layer, map_ in found.items()}

    def features(self, images: Bytes) -> Steps[Floats]:
        """The penultimate features: the input of the last layer with weights, averaged over the map, (n, channels)."""
        last = max(layer for layer, modules in self._steps.items() if any(map(_has_weights, modules)))
        found: list[Floats] = []
        for part in self.parts(images):
            x = self.layer_output(self.as_input(part), last - 1)
            found.append((x.flatten(2).mean(2) if x.ndim == 4 else x).numpy())
            yield sum(map(len, found)) / len(images)
        return np.concatenate(found)

    def parts(self, images: Bytes, *, with_gradients: bool = False) -> Iterator[Bytes]:
        """The images in batches that fit in memory; smaller ones `with_gradients`, which keep all maps."""
        size = inference.batch_size(self._cost)
        if with_gradients:
            size = max(1, min(size, _GRADIENT_VALUES // self._cost.all_values))
        return (images[start : start + size] for start in range(0, len(images), size))

    def gradients(self, images: Bytes, of: Callable[[dict[int, Tensor]], Tensor]) -> Floats:
        """The gradient of the sum of `of(maps)` over all images by each pixel: (n, 28, 28).

        The unit is that of `of(maps)` for one standard deviation of the data set's pixels.
        """
        given = self.as_input(images).requires_grad_()
        (gradient,) = torch.autograd.grad(of(self.maps(given)).sum(), given)
        return gradient[:, 0].numpy()


def _has_weights(module: Any) -> bool:
    return isinstance(module, (nn.Conv2d, nn.Linear))
