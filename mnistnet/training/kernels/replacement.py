"""A network for faster training on a CPU: compiled modules replace those that `pattern.blocks` finds.

Other layers keep torch's own operations, and so do other devices and evaluation, which use the network itself.
"""

import torch
from numba import config, set_num_threads
from torch import nn

from mnistnet.nets.network import Dropout
from mnistnet.training.kernels import pattern
from mnistnet.training.kernels.chain import Chain
from mnistnet.training.kernels.normalization import Normalization
from mnistnet.training.kernels.pattern import Operation
from mnistnet.training.kernels.pooling import MaxPool2x2

_KINDS: tuple[tuple[type[nn.Module], str], ...] = (
    (nn.BatchNorm2d, "batchnorm"),
    (nn.ReLU, "relu"),
    (Dropout, "dropout"),
    (nn.Dropout2d, "dropout2d"),
)


def replaced(network: nn.Sequential) -> nn.Sequential:
    """See `kernels.accelerate`. Numba's threads become as many as torch has."""
    threads = torch.get_num_threads()
    set_num_threads(min(threads, config.NUMBA_NUM_THREADS))
    torch.set_num_threads(threads)  # the first call starts numba's threads, and tells OpenMP their number for all
    modules = list(network)
    parts: list[nn.Module] = []
    for block in pattern.blocks([described(module) for module in modules]):
        covered = modules[block.start : block.stop]
        match block.part:
            case "chain":
                parts.append(Chain.of(covered))
            case "normalization":
                parts.append(Normalization.of(covered))
            case "maxpool":
                parts.append(MaxPool2x2())
            case "torch":
                parts += covered
    return nn.Sequential(*parts)


def described(module: nn.Module) -> Operation:
    """A module as the pattern sees it."""
    if isinstance(module, nn.Conv2d):
        kernel = module.kernel_size[0] if _is_plain(module) else 0
        return Operation("conv", module.in_channels, module.out_channels, module.groups, kernel)
    if isinstance(module, nn.MaxPool2d):
        size = module.kernel_size
        plain = (module.stride, module.padding, module.dilation, module.ceil_mode) == (size, 0, 1, False)
        return Operation("maxpool", kernel=size if plain and isinstance(size, int) else 0)
    if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size in (1, (1, 1)):
        return Operation("globalavgpool")
    return Operation(next((kind for type_, kind in _KINDS if isinstance(module, type_)), "other"))


def _is_plain(conv: nn.Conv2d) -> bool:
    """A square kernel, stride 1, as many positions out as in, no bias."""
    side = conv.kernel_size[0]
    return (
        conv.kernel_size == (side, side)
        and conv.padding == (side // 2, side // 2)
        and conv.stride == (1, 1)
        and conv.dilation == (1, 1)
        and conv.padding_mode == "zeros"
        and conv.bias is None
    )
