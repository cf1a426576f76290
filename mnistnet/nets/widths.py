"""The largest widths of layers under a parameter budget. Arithmetic over `summary.summarize`; changes no design."""

from bisect import bisect
from collections.abc import Callable, Collection, Mapping

from mnistnet.nets.architecture import MAX_CHANNELS, Architecture
from mnistnet.nets.layer_types import LAYER_TYPES, own_width
from mnistnet.nets.summary import summarize


def largest_width(architecture: Architecture, layer: int, budget: int) -> int | None:
    """The most channels that convolution `layer` can have with fewer than `budget` parameters in all.

    None where nothing fits, where the width is not free because it gives the 10 outputs, and where
    a layer cannot be built, so that there is no count of all. The count is linear in one layer's width:
    two summaries are enough.
    """
    if layer not in free_widths(architecture):
        return None
    one, two = (summarize(_with_widths(architecture, {layer: width})) for width in (1, 2))
    if not one.is_whole or one.params >= budget:
        return None
    return min((budget - 1 - one.params) // (two.params - one.params) + 1, MAX_CHANNELS)


def fitted(architecture: Architecture, budget: int, kept: Collection[int] = ()) -> Architecture:
    """The design with its free widths as large as fewer than `budget` parameters allow.

    First all are scaled by the largest common factor that fits, in whole percent, up or down. Then the remainder is
    spent a channel at a time, on the layer that has the smallest share of its former width, until no layer can have
    another channel. The layers at the places `kept` stay as they are. The same design where none is free, where even
    single channels are too many, and where a layer cannot be built, so that there is no count of all.
    """
    free = {place: width for place, width in free_widths(architecture).items() if place not in kept}
    may_be_faulty = summarize(architecture).fault is not None  # another fault than the count may stay

    def fits(widths: Mapping[int, int]) -> bool:
        result = summarize(_with_widths(architecture, widths))
        return result.is_whole and result.params < budget and (may_be_faulty or result.fault is None)

    def scaled(percent: int) -> dict[int, int]:
        return {place: min(max(1, width * percent // 100), MAX_CHANNELS) for place, width in free.items()}

    if not free or not fits(scaled(0)):
        return architecture
    too_many = bisect(range(100 * MAX_CHANNELS + 1), False, key=lambda percent: not fits(scaled(percent)))
    return _with_widths(architecture, _filled(scaled(too_many - 1), free, fits))


def _filled(
    widths: Mapping[int, int], former: Mapping[int, int], fits: Callable[[Mapping[int, int]], bool]
) -> dict[int, int]:
    """`widths` with as many channels more as fit, those with the smallest share of their former width first."""
    found, growing = dict(widths), set(widths)
    while growing:
        place = min(growing, key=lambda place: (found[place] / former[place], place))
        wider = {**found, place: found[place] + 1}
        if wider[place] <= MAX_CHANNELS and fits(wider):
            found = wider
        else:
            growing.remove(place)  # what does not fit now does not fit later: the others only grow
    return found


def free_widths(architecture: Architecture) -> dict[int, int]:
    """The widths that are free, by place: of all layers that have one, except the last, which gives the outputs."""
    found = {place: width for place, layer in enumerate(architecture.layers) if (width := own_width(layer))}
    return {place: width for place, width in found.items() if place != max(found)}


def _with_widths(architecture: Architecture, widths: Mapping[int, int]) -> Architecture:
    layers = list(architecture.layers)
    for place, width in widths.items():
        field = LAYER_TYPES[layers[place].type].width
        layers[place] = layers[place].model_copy(update={str(field): width})
    return architecture.model_copy(update={"layers": tuple(layers)})
