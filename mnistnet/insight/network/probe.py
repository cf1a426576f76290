"""A network held still to be looked at: what leaves each of its layers, and how that hangs on the pixels.

Evaluation mode, fp32, on the CPU; nothing here changes a weight or a run. Knows no file and no run. Images go through
in batches whose size follows from the network's cost, and no map is kept that nobody asked for.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mnistnet.data.datasets import Bytes, Source
from mnistnet.insight.network.results import Floats
from mnistnet.insight.network.steps import Steps, finish
from mnistnet.nets.summary import IMAGE_SIZE
from mnistnet.training import inference
from mnistnet.training.inference import level, pixels

# All maps of a batch that gradients are taken of: 32 MB, and about three times that while they are taken.
_GRADIENT_VALUES = 2**23


class Probe:
    """Layers are counted from 0, as in the design; a layer's map is what leaves the last of its steps."""

    def __init__(self, network: nn.Sequential, source: Source) -> None:
        self.source = source
        self._network = copy.deepcopy(network).eval().requires_grad_(False)
        self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for module in self._network.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False  # a layer's map must still be there when the next has read it
        self._steps: dict[int, list[nn.Module]] = {}
        for name, module in self._network.named_children():
            number = name.rpartition("_")[2]
            layer = int(number) - 1 if number.isdecimal() else max(self._steps)  # the closing flatten is nobody's own
            self._steps.setdefault(layer, []).append(module)
        self._cost = inference.cost(self._network, torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE))

    @property
    def kernels(self) -> Floats | None:
        """Weights of the first convolution, (channels, 1, k, k); None where there is none."""
        first = next((module for module in self._network.modules() if isinstance(module, nn.Conv2d)), None)
        return None if first is None or first.in_channels != 1 else first.weight.numpy().copy()

    def given(self, images: Bytes) -> Tensor:
        """images (n, 28, 28) uint8 as the network is given them, (n, 1, 28, 28) float32."""
        return pixels(images, self.source, torch.device("cpu")) - level(self.source)

    def answers(self, images: Bytes) -> Steps[Floats]:
        """Logits of images (n, 28, 28) uint8: (n, 10)."""
        found = []
        for part in self.parts(images):
            with torch.no_grad():
                found.append(self._network(self.given(part)).numpy())
            yield sum(map(len, found)) / len(images)
        return np.concatenate(found)

    def logits(self, images: Bytes) -> Floats:
        """Of images (n, 28, 28) uint8: (n, 10)."""
        return finish(self.answers(images))

    def probabilities(self, images: Bytes) -> Floats:
        """Of images (n, 28, 28) uint8: (n, 10), rows sum to 1."""
        return torch.from_numpy(self.logits(images)).softmax(1).numpy()

    def maps(self, given: Tensor) -> dict[int, Tensor]:
        """What leaves each layer for `given` (n, 1, 28, 28): (n, c, h, w), or (n, values) where it is flat."""
        found, x = {}, given
        for layer, modules in self._steps.items():
            for module in modules:
                x = module(x)
            found[layer] = x
        return found

    def upto(self, given: Tensor, layer: int) -> Tensor:
        """What leaves one layer, with no gradients and no map of another layer kept; layer -1 is `given` itself."""
        x = given
        with torch.no_grad():
            for modules in (self._steps[one] for one in range(layer + 1)):
                for module in modules:
                    x = module(x)
        return x

    def shown(self, image: Bytes) -> dict[int, Floats]:
        """What leaves each layer for one image (28, 28) uint8: (channels, h, w), h = w = 1 where it is flat."""
        with torch.no_grad():
            found = self.maps(self.given(image[None]))
        return {layer: (map_[0] if map_.ndim == 4 else map_[0, :, None, None]).numpy() for layer, map_ in found.items()}

    def features(self, images: Bytes) -> Steps[Floats]:
        """What the last layer with weights reads, as a mean over the map: the penultimate features, (n, channels)."""
        last = max(layer for layer, modules in self._steps.items() if any(map(_has_weights, modules)))
        found: list[Floats] = []
        for part in self.parts(images):
            x = self.upto(self.given(part), last - 1)
            found.append((x.flatten(2).mean(2) if x.ndim == 4 else x).numpy())
            yield sum(map(len, found)) / len(images)
        return np.concatenate(found)

    def parts(self, images: Bytes, *, with_gradients: bool = False) -> Iterator[Bytes]:
        """The images in batches that fit; smaller ones for who takes gradients, as all maps are kept meanwhile."""
        size = inference.batch_size(self._cost)
        if with_gradients:
            size = max(1, min(size, _GRADIENT_VALUES // self._cost.all_values))
        return (images[start : start + size] for start in range(0, len(images), size))

    def gradients(self, images: Bytes, of: Callable[[dict[int, Tensor]], Tensor]) -> Floats:
        """How the sum of `of(maps)` over all images changes with each pixel: (n, 28, 28).

        In logits, or whatever the map holds, for one standard deviation of the data set's pixels.
        """
        given = self.given(images).requires_grad_()
        (gradient,) = torch.autograd.grad(of(self.maps(given)).sum(), given)
        return gradient[:, 0].numpy()


def _has_weights(module: Any) -> bool:
    return isinstance(module, (nn.Conv2d, nn.Linear))
