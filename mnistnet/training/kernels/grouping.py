"""Maps and weights in groups of LANES channels, as the compiled loops have them, and back."""

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mnistnet.training.kernels.compiled.lanes import LANES

Floats: TypeAlias = NDArray[np.float32]


def grouped(weights: Floats) -> Floats:
    """Weights (channels, length) as (groups, length, LANES), filled up, flat."""
    channels, length = weights.shape
    padded = np.zeros((whole(channels), length), np.float32)
    padded[:channels] = weights
    return np.ascontiguousarray(padded.reshape(-1, LANES, length).transpose(0, 2, 1)).reshape(-1)


def ungrouped(grouped: Floats, channels: int, length: int) -> Floats:
    """`grouped` backwards."""
    return np.ascontiguousarray(grouped.reshape(-1, length, LANES).transpose(0, 2, 1)).reshape(-1, length)[:channels]


def whole(channels: int) -> int:
    """The next multiple of LANES."""
    return -(-channels // LANES) * LANES


def filled(maps: Tensor) -> Floats:
    """Maps (n, c, h, w) in groups, filled up."""
    n, channels, height, width = maps.shape
    padded = np.zeros((n, whole(channels), height * width), np.float32)
    padded[:, :channels] = maps.detach().float().numpy().reshape(n, channels, -1)
    return np.ascontiguousarray(padded.reshape(n, -1, LANES, height * width).transpose(0, 1, 3, 2)).reshape(n, -1)


def emptied(values: Floats, shape: torch.Size) -> Tensor:
    """Values in groups as maps of `shape` (n, c, h, w)."""
    n, channels, height, width = shape
    maps = values.reshape(n, -1, height * width, LANES).transpose(0, 1, 3, 2).reshape(n, -1, height, width)
    return torch.from_numpy(maps[:, :channels].copy())
