"""A network held still to be looked at: what leaves each of its layers, and how that hangs on the pixels.

Evaluation mode, fp32, on the CPU; nothing here changes a weight or a run. Knows no file and no run.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mnistnet.data.datasets import Bytes, Source
from mnistnet.insight.sights import Floats
from mnistnet.training.inference import level, logits, pixels


class Lens:
    """Layers are counted from 0, as in the design; a layer's map is what leaves the last of its steps."""

    def __init__(self, network: nn.Sequential, source: Source) -> None:
        self.source = source
        self._network = copy.deepcopy(network).eval().requires_grad_(False)
        for module in self._network.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False  # a layer's map must still be there when the next has read it
        self._steps: dict[int, list[nn.Module]] = {}
        for name, module in self._network.named_children():
            number = name.rpartition("_")[2]
            layer = int(number) - 1 if number.isdecimal() else max(self._steps)  # the closing flatten is nobody's own
            self._steps.setdefault(layer, []).append(module)

    @property
    def kernels(self) -> Floats | None:
        """Weights of the first convolution, (channels, 1, k, k); None where there is none."""
        first = next((module for module in self._network.modules() if isinstance(module, nn.Conv2d)), None)
        return None if first is None or first.in_channels != 1 else first.weight.numpy().copy()

    def given(self, images: Bytes) -> Tensor:
        """images (n, 28, 28) uint8 as the network is given them, (n, 1, 28, 28) float32."""
        return pixels(images, self.source, torch.device("cpu")) - level(self.source)

    def logits(self, images: Bytes) -> Floats:
        """Of images (n, 28, 28) uint8: (n, 10)."""
        return logits(self._network, pixels(images, self.source, torch.device("cpu")), self.source).numpy()

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

    def shown(self, image: Bytes) -> dict[int, Floats]:
        """What leaves each layer for one image (28, 28) uint8: (channels, h, w), h = w = 1 where it is flat."""
        with torch.no_grad():
            found = self.maps(self.given(image[None]))
        return {layer: (map_[0] if map_.ndim == 4 else map_[0, :, None, None]).numpy() for layer, map_ in found.items()}

    def features(self, images: Bytes) -> Floats:
        """What the last layer with weights reads, as a mean over the map: the penultimate features, (n, channels)."""
        last = max(layer for layer, modules in self._steps.items() if any(map(_has_weights, modules)))
        parts = []
        with torch.no_grad():
            for part in self.given(images).split(1000):
                x = self.maps(part)[last - 1] if last else part
                parts.append(x.flatten(2).mean(2) if x.ndim == 4 else x)
        return torch.cat(parts).flatten(1).numpy()

    def gradients(self, images: Bytes, of: Callable[[dict[int, Tensor]], Tensor]) -> Floats:
        """How the sum of `of(maps)` over all images changes with each pixel: (n, 28, 28).

        In logits, or whatever the map holds, for one standard deviation of the data set's pixels.
        """
        given = self.given(images).requires_grad_()
        (gradient,) = torch.autograd.grad(of(self.maps(given)).sum(), given)
        return gradient[:, 0].numpy()


def _has_weights(module: Any) -> bool:
    return isinstance(module, (nn.Conv2d, nn.Linear))
