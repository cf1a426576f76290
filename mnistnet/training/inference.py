"""Images through a network that is not being trained: always fp32, so that a figure does not depend on
where it was computed faster. Knows no recipe."""

import torch
from torch import Tensor, nn

from mnistnet.data.datasets import Bytes, Source

BATCH = 1000


def pixels(images: Bytes, source: Source, device: torch.device) -> Tensor:
    """images (n, 28, 28) uint8 as (n, 1, 28, 28) float32 in units of the data set's standard deviation.

    Background stays 0 here, so that augmentation can fill with it; `level` is what to take away.
    """
    return torch.from_numpy(images).to(device).unsqueeze(1).float().div_(255 * source.std)


def level(source: Source) -> float:
    """The data set's mean in units of its standard deviation: what a network's input has subtracted."""
    return source.mean / source.std


@torch.no_grad()
def logits(network: nn.Module, scaled: Tensor, source: Source) -> Tensor:
    """Logits (n, 10) float32 of `pixels`' (n, 1, 28, 28), the network in evaluation mode."""
    was_training = network.training
    network.eval()
    answers = [network(batch - level(source)) for batch in scaled.split(BATCH)]
    network.train(was_training)
    return torch.cat(answers)
