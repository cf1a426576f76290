"""The largest widths of layers under a parameter budget. Arithmetic over `summary.summarize`; changes no design."""

from mnistnet.nets.architecture import MAX_CHANNELS, Architecture, Conv
from mnistnet.nets.layer_types import own_width
from mnistnet.nets.summary import summarize


def largest_width(architecture: Architecture, layer: int, budget: int) -> int | None:
    """The most channels that convolution `layer` can have with fewer than `budget` parameters in all.

    None where nothing fits, where the width is not free because it gives the 10 outputs, and where
    a layer cannot be built, so that there is no count of all. The count is linear in one layer's width:
    two summaries are enough.
    """
    if not _is_free(architecture, layer):
        return None
    one, two = (summarize(_with_widths(architecture, {layer: width})) for width in (1, 2))
    if not one.is_whole or one.params >= budget:
        return None
    return min((budget - 1 - one.params) // (two.params - one.params) + 1, MAX_CHANNELS)


def shrunk(architecture: Architecture, budget: int) -> Architecture:
    """The design with all free widths made smaller until it has fewer than `budget` parameters.

    First all by the largest common factor that fits. Then the remainder is spent a channel at a time, on the layer
    that has the smallest share of its former width, until no free layer can have another channel.
    The same design where it fits already, or where even single channels are too many.
    """
    free = {
        index: layer.channels
        for index, layer in enumerate(architecture.layers)
        if isinstance(layer, Conv) and _is_free(architecture, index)
    }
    for percent in range(100, 0, -1):
        widths = {index: max(1, width * percent // 100) for index, width in free.items()}
        if summarize(_with_widths(architecture, widths)).params < budget:
            return _with_widths(architecture, _filled(architecture, widths, free, budget))
    return architecture


def _filled(architecture: Architecture, widths: dict[int, int], most: dict[int, int], budget: int) -> dict[int, int]:
    """`widths` with as many channels more as fit, none beyond `most`."""
    found, open_layers = dict(widths), [index for index in widths if widths[index] < most[index]]
    while open_layers:
        index = min(open_layers, key=lambda index: found[index] / most[index])
        wider = {**found, index: found[index] + 1}
        fits = summarize(_with_widths(architecture, wider)).params < budget
        if fits:
            found = wider
        if not fits or found[index] == most[index]:
            open_layers.remove(index)  # what does not fit now does not fit later: the others only grow
    return found


def _is_free(architecture: Architecture, layer: int) -> bool:
    """True where a later layer has a width of its own, so that this one's is not the number of outputs."""
    return any(own_width(other) for other in architecture.layers[layer + 1 :])


def _with_widths(architecture: Architecture, widths: dict[int, int]) -> Architecture:
    layers = list(architecture.layers)
    for index, channels in widths.items():
        layers[index] = layers[index].model_copy(update={"channels": channels})
    return architecture.model_copy(update={"layers": tuple(layers)})
