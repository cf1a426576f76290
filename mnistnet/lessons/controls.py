"""The controls of the dashboard that a lesson may lock or hide: one entry each. Knows no lesson and no Streamlit.

A name stands in files and links, and never changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Control:
    """A control by its title.

    `fields` are the fields of a layer or of a recipe that it sets, by their names in files; none for an action, such
    as adding a layer. No field belongs to two controls.
    """

    title: str
    fields: tuple[str, ...] = ()


# The settings of layers.
LAYER_CONTROLS: Mapping[str, Control] = MappingProxyType(
    {
        "width": Control("Width of a layer (channels, outputs)", ("channels", "features")),
        "kernel": Control("Kernel", ("kernel",)),
        "stride": Control("Stride", ("stride",)),
        "padding": Control("Padding", ("padding",)),
        "bias": Control("Bias", ("bias",)),
        "after": Control("Followed by", ("after",)),
        "dropout": Control("Dropout rate", ("dropout", "rate")),
        "pooling": Control("Pooling window", ("size",)),
    }
)
# What happens to layers and designs as a whole.
ADD, REMOVE, MOVE, START_FROM, DESIGN_FILE = "add layer", "remove layer", "move layer", "start from", "design file"
ACTIONS: Mapping[str, Control] = MappingProxyType(
    {
        ADD: Control("Add, insert or duplicate a layer"),
        REMOVE: Control("Remove a layer"),
        MOVE: Control("Move a layer"),
        START_FROM: Control("Start from a preset or a past run"),
        DESIGN_FILE: Control("Open a design file or a printout"),
    }
)
RECIPE_CONTROLS: Mapping[str, Control] = MappingProxyType(
    {
        "dataset": Control("Data set", ("dataset",)),
        "protocol": Control("Validated on", ("protocol",)),
        "epochs": Control("Epochs", ("epochs",)),
        "batch size": Control("Batch size", ("batch_size",)),
        "optimizer": Control("Optimizer", ("optimizer",)),
        "learning rate": Control("Peak learning rate", ("learning_rate",)),
        "schedule": Control("Schedule", ("schedule",)),
        "momentum": Control("Momentum", ("momentum",)),
        "weight decay": Control("Weight decay", ("weight_decay",)),
        "label smoothing": Control("Label smoothing", ("label_smoothing",)),
        "augmentation": Control("Augmentation", ("rotation_degrees", "shift", "scale", "bend", "calm_epochs")),
        "averaging": Control("Weight averaging", ("averaging",)),
        "seed": Control("Seed", ("seed",)),
        "hardware": Control("Threads, device and precision", ("threads", "device", "precision")),
    }
)
RULES = "rules"
CONTROLS: Mapping[str, Control] = MappingProxyType(
    {**LAYER_CONTROLS, **ACTIONS, **RECIPE_CONTROLS, RULES: Control("Rules")}
)

_OF_FIELD = {field: name for name, control in CONTROLS.items() for field in control.fields}


def of_field(field: str) -> str:
    """The name of the control that sets this field of a layer or of a recipe. Raises KeyError for any other."""
    return _OF_FIELD[field]
