"""Maps and weights as the compiled loops have them: in groups of LANES channels, or channels last. See README.md."""

from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mnistnet.training.kernels.compiled.simd import LANES

Floats: TypeAlias = NDArray[np.float32]


def padded_channels(channels: int) -> int:
    """The next multiple of LANES."""
    return -(-channels // LANES) * LANES


def group_weights(weights: Floats) -> Floats:
    """Weights (channels, length) as (groups, length, LANES), padded with zeros, flat."""
    channels, length = weights.shape
    padded = np.zeros((padded_channels(channels), length), np.float32)
    padded[:channels] = weights
    return np.ascontiguousarray(padded.reshape(-1, LANES, length).transpose(0, 2, 1)).reshape(-1)


def ungroup_weights(grouped: Floats, channels: int, length: int) -> Floats:
    """The inverse of `group_weights`: (channels, length)."""
    return np.ascontiguousarray(grouped.reshape(-1, length, LANES).transpose(0, 2, 1)).reshape(-1, length)[:channels]


def group_maps(maps: Tensor) -> Floats:
    """Maps (n, c, h, w) of any floating dtype as float32 (n, groups * h * w * LANES), padded with zeros."""
    n, channels, height, width = maps.shape
    padded = np.zeros((n, padded_channels(channels), height * width), np.float32)
    padded[:, :channels] = maps.detach().float().numpy().reshape(n, channels, -1)
    return np.ascontiguousarray(padded.reshape(n, -1, LANES, height * width).transpose(0, 1, 3, 2)).reshape(n, -1)


def ungroup_maps(grouped: Floats, shape: torch.Size) -> Tensor:
    """The inverse of `group_maps`: maps of `shape` (n, c, h, w), float32."""
    n, channels, height, width = shape
    maps = grouped.reshape(n, -1, height * width, LANES).transpose(0, 1, 3, 2).reshape(n, -1, height, width)
    return torch.from_numpy(maps[:, :channels].copy())


def pixels(maps: Tensor) -> NDArray[Any]:
    """Channels-last maps (n, c, h, w) as the (n, h, w, c) array that lies in memory."""
    values = maps.detach().permute(0, 2, 3, 1)
    array: NDArray[Any] = (values.view(torch.uint16) if values.dtype == torch.bfloat16 else values).numpy()
    return array


def rows(maps: Tensor) -> NDArray[Any]:
    """The same memory as (n, h, w * c)."""
    array = pixels(maps)
    return array.reshape(*array.shape[:2], -1)
