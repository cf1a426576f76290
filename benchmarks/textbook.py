"""The assignment as everyone writes it: what our training is measured against.

torchvision's data set, ToTensor and Normalize image by image, a DataLoader, fp32, torch's own layers,
SGD with momentum. Nothing of it is mnistnet's but the network's table of layers.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from mnistnet.data import datasets
from mnistnet.data.torchvision_import import datasets as torchvision_datasets
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import Dropout, build


def loader(batch_size: int) -> DataLoader[tuple[torch.Tensor, torch.Tensor]]:
    """MNIST's 60,000 training images, shuffled, normalised one by one in this process.

    Two loading processes were as fast as none on two cores.
    """
    from torchvision import transforms  # after torchvision_import, which makes this import possible

    steps = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    images = torchvision_datasets.MNIST(datasets.root(), train=True, transform=steps)
    return DataLoader(images, batch_size=batch_size, shuffle=True)


def plain(network: nn.Module) -> nn.Module:
    """`network` with torch's own dropout in place of ours; changed in place."""
    for name, module in network.named_children():
        if isinstance(module, Dropout):
            setattr(network, name, nn.Dropout(module.p))
    return network


def training(architecture: Architecture, batch_size: int, seed: int = 1) -> Iterator[None]:
    """Train on and on, one batch at each `next`."""
    torch.manual_seed(seed)
    network = plain(build(architecture, seed))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    batches = loader(batch_size)
    network.train()
    while True:
        for images, labels in batches:
            optimizer.zero_grad()
            F.cross_entropy(network(images), labels).backward()
            optimizer.step()
            yield
