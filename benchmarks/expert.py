"""The assignment as an expert writes it in sixty lines: the second thing that our training is measured against.

The whole set as tensors on the device, normalized once; channels_last; a fused optimizer; the faster precision;
torch's own layers. Nothing of it is mnistnet's but the network's table of layers and the choice of the precision.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from benchmarks.textbook import plain
from mnistnet.data import datasets
from mnistnet.data.torchvision_import import datasets as torchvision_datasets
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import build
from mnistnet.training.precision import precision_of


def tensors(device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """MNIST's 60,000 training images (n, 1, 28, 28), normalized and channels_last, and their labels (n,)."""
    mnist = torchvision_datasets.MNIST(datasets.root(), train=True)
    images = mnist.data.to(device).unsqueeze(1).float().div(255).sub(0.1307).div(0.3081)
    return images.contiguous(memory_format=torch.channels_last), mnist.targets.to(device)


def training(architecture: Architecture, batch_size: int, seed: int = 1) -> Iterator[None]:
    """Train on and on, one batch at each `next`."""
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    images, labels = tensors(device)
    network = plain(build(architecture, seed)).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, nesterov=True, fused=True)
    is_bf16 = precision_of("auto", device) == "bf16"
    network.train()
    while True:
        for chosen in torch.randperm(len(labels), device=device).split(batch_size):
            with torch.autocast(device.type, torch.bfloat16, enabled=is_bf16):
                answers = network(images[chosen])
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(answers.float(), labels[chosen]).backward()
            optimizer.step()
            yield
