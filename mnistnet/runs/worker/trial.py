"""One batch of a training, on noise: compiles every kernel that the training of a design needs. Keeps nothing."""

import numpy as np
import torch

from mnistnet.data import datasets
from mnistnet.data.splits import Part, Split
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import build
from mnistnet.training.loop import Training
from mnistnet.training.recipe import recipe


def train_one_batch(architecture: Architecture, images: int) -> None:
    """Train `images` images for one epoch on one thread of the CPU, with every kind of augmentation."""
    torch.set_num_threads(1)
    noise = np.random.default_rng(1)
    part = Part(noise.integers(0, 256, (images, 28, 28), dtype=np.uint8), noise.integers(0, 10, images, dtype=np.uint8))
    # So small a rate that nothing diverges.
    chosen = recipe({"epochs": 1, "batch_size": images, "learning_rate": 1e-6, "bend": 1.0, "device": "cpu"})
    for _ in Training(build(architecture, 1), Split(part, part, part), datasets.source("mnist"), chosen).run():
        pass
