"""What the browser's arithmetic reads, as plain data: the table of layer types, the limits and the words of faults."""

from typing import Any

from mnistnet.nets.architecture import MAX_CHANNELS
from mnistnet.nets.layer_types import LAYER_TYPES, MAP, SHORT_TITLES, STEP_TYPES
from mnistnet.nets.summary import CLASSES, FAULTS, IMAGE_SIZE, LIMITS

_LAYER = ("title", "colour", "width", "kernel", "stride", "padding", "filters", "flattens", "after_linear", "too_large")
_STEP = ("title", "params_per_channel", "has_row", "has_rate")


def table() -> dict[str, Any]:
    """The table, for `JSON.parse`: `layers` by type and `steps` by name, each with its properties."""
    return {
        "layers": {
            name: {field: getattr(entry, field) for field in _LAYER} | {"short": SHORT_TITLES[name]}
            for name, entry in LAYER_TYPES.items()
        },
        "steps": {name: {field: getattr(entry, field) for field in _STEP} for name, entry in STEP_TYPES.items()},
        "map": MAP,
        "image": IMAGE_SIZE,
        "classes": CLASSES,
        "most_channels": MAX_CHANNELS,
        "limits": [{"count": count, "limit": limit, "noun": noun} for count, (limit, noun) in LIMITS.items()],
        "faults": FAULTS,
    }
