"""How wide layers may be under a parameter budget. Arithmetic over `geometry.walk`; changes no design."""

from mnistnet.nets.architecture import MAX_CHANNELS, Architecture, Conv, Linear
from mnistnet.nets.geometry import walk


def largest_width(architecture: Architecture, layer: int, budget: int) -> int | None:
    """The most channels that convolution `layer` can have with fewer than `budget` parameters in all.

    None where nothing fits, where the width is not free because it gives the 10 outputs, and where
    a layer cannot be built, so that there is no count of all. The count is linear in one layer's width:
    two walks are enough.
    """
    if not _is_free(architecture, layer):
        return None
    one, two = (walk(_with_channels(architecture, layer, width)) for width in (1, 2))
    if not one.is_whole or one.params >= budget:
        return None
    return min((budget - 1 - one.params) // (two.params - one.params) + 1, MAX_CHANNELS)


def narrowed(architecture: Architecture, budget: int) -> Architecture:
    """The design with all free widths scaled by one factor, the largest that gives fewer than `budget` parameters.

    The same design where it fits already, or where even single channels are too many.
    """
    widths = [layer.channels if isinstance(layer, Conv) else 0 for layer in architecture.layers]
    free = [index for index, width in enumerate(widths) if width and _is_free(architecture, index)]
    for percent in range(100, 0, -1):
        layers = list(architecture.layers)
        for index in free:
            layers[index] = layers[index].model_copy(update={"channels": max(1, widths[index] * percent // 100)})
        smaller = architecture.model_copy(update={"layers": tuple(layers)})
        if walk(smaller).params < budget:
            return smaller
    return architecture


def _is_free(architecture: Architecture, layer: int) -> bool:
    """Whether a later layer has weights, so that this one's width does not give the 10 outputs."""
    return any(isinstance(other, Conv | Linear) for other in architecture.layers[layer + 1 :])


def _with_channels(architecture: Architecture, layer: int, channels: int) -> Architecture:
    layers = list(architecture.layers)
    layers[layer] = layers[layer].model_copy(update={"channels": channels})
    return architecture.model_copy(update={"layers": tuple(layers)})
