"""Compiled kernels for training on a CPU. Only `training.acceleration` imports them.

Everything that numba compiles lies in `compiled`. Importing this package imports nothing else: its functions do.
README.md: the memory layout, the order of passes, how to switch the kernels off, how to add one.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mnistnet.nets.architecture import Architecture
    from mnistnet.nets.summary import Summary
    from mnistnet.training.acceleration import FastPath


def check() -> bool:
    """Import all of the kernels and compile one small loop; whether compiled loops are kept for other processes.

    Raises ImportError, OSError or RuntimeError where numba or torch cannot be used here.
    """
    from mnistnet.training.kernels import replacement  # noqa: F401 - tried out, with all that it imports
    from mnistnet.training.kernels.compiled import options, warping  # noqa: F401

    return options.check()


def fast_path(architecture: "Architecture", summary: "Summary") -> "FastPath":
    """How each row of a design's summary trains with the kernels. Imports neither torch nor numba."""
    from mnistnet.training.kernels import pattern

    return pattern.fast_path(architecture, summary)


def accelerate(network: "nn.Sequential") -> "nn.Sequential":
    """`network` for training on a CPU: shares its parameters and buffers, so both are trained at once.

    Same arithmetic in fewer passes over memory. Dropout has the same distribution from other draws.
    """
    from mnistnet.training.kernels.replacement import replaced

    return replaced(network)


def warp(images: "Tensor", theta: "Tensor", bends: "Tensor") -> "Tensor":
    """What `augmentation.sampled` computes, images (n, 1, h, w) float32 on the CPU, in a sixth of the time."""
    import torch

    from mnistnet.training.kernels.compiled import warping

    moved = torch.empty_like(images, memory_format=torch.contiguous_format)
    warping.warp(images.squeeze(1).contiguous().numpy(), theta.numpy(), bends.numpy(), moved.squeeze(1).numpy())
    return moved
