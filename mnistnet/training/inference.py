"""Images through a network that is not being trained: always fp32, so that a figure does not depend on
where it was computed faster. Knows no recipe."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mnistnet.data.datasets import Bytes, Source

BATCH = 1000  # images, at most
# The values that a layer reads and gives for a whole batch: 32 MB of them on a CPU, where larger batches are no faster,
# and 512 MB on a GPU.
_VALUES = {"cpu": 2**23, "cuda": 2**27}
_MACS = {"cpu": 2**32, "cuda": 2**40}  # a CPU takes some tenths of a second for these


@dataclass(frozen=True)
class Cost:
    """What one image takes: the most `values` that one layer reads and gives, those of all layers, and the `macs`."""

    values: int
    all_values: int
    macs: int


def pixels(images: Bytes, source: Source, device: torch.device) -> Tensor:
    """images (n, 28, 28) uint8 as (n, 1, 28, 28) float32 in units of the data set's standard deviation.

    Background stays 0 here, so that augmentation can fill with it; `level` is what to take away.
    """
    return torch.from_numpy(images).to(device).unsqueeze(1).float().div_(255 * source.std)


def level(source: Source) -> float:
    """The data set's mean in units of its standard deviation: what a network's input has subtracted."""
    return source.mean / source.std


@torch.no_grad()
def cost(network: nn.Module, image: Tensor) -> Cost:
    """The cost of one image for the network, found by sending `image` (1, 1, 28, 28) through it in its present mode."""
    found: list[Cost] = []

    def count(layer: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> None:
        weight = getattr(layer, "weight", None)
        # One multiplication for each weight of the channel that a value belongs to; batch norm has one a value.
        macs = answer.numel() * (weight[0].numel() if weight is not None else 0)
        found.append(Cost(given[0].numel() + answer.numel(), answer.numel(), macs))

    leaves = [module for module in network.modules() if not any(module.children())]
    hooks = [leaf.register_forward_hook(count) for leaf in leaves]
    try:
        network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return Cost(max(one.values for one in found), sum(one.all_values for one in found), sum(one.macs for one in found))


def batch_size(cost: Cost, device: str = "cpu") -> int:
    """Images to answer at once, 1 to BATCH, on a device of this type."""
    return max(1, min(BATCH, _VALUES[device] // cost.values, _MACS[device] // max(1, cost.macs)))


def batches(network: nn.Module, scaled: Tensor, source: Source) -> Iterator[Tensor]:
    """Logits (b, 10) float32 of `pixels`' (n, 1, 28, 28), batch by batch, by a network in evaluation mode.

    A batch's size follows from the network's cost.
    """
    images = batch_size(cost(network, scaled[:1]), scaled.device.type) if len(scaled) > 1 else 1
    for batch in scaled.split(images):
        with torch.no_grad():  # not around `yield`: the mode is the thread's, and others may take the next batch
            answers: Tensor = network(batch - level(source))
        yield answers


def logits(network: nn.Module, scaled: Tensor, source: Source) -> Tensor:
    """Logits (n, 10) float32 of `pixels`' (n, 1, 28, 28), the network in evaluation mode."""
    was_training = network.training
    network.eval()
    answers = list(batches(network, scaled, source))
    network.train(was_training)
    return torch.cat(answers)
