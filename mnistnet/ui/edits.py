"""What can be done to the design on the table: the callbacks of the layer editor.

Each reads the table, changes one thing and lays the result back; a change that is not allowed is told, and
the design stays as it was. A layer that went away while the browser still showed it is left alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import (
    AvgPool,
    Conv,
    Depthwise,
    Dropout,
    Dropout2d,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
)
from mnistnet.nets.geometry import CLASSES
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.widths import shrunk
from mnistnet.ui import state

ADD, ALL = "add-layer", "all"  # keys of the widgets that the two callbacks without a layer read
NEW: dict[str, Layer] = {
    "Convolution": Conv(channels=16, kernel=3, padding=1, after=("batchnorm", "relu")),
    "Depthwise convolution": Depthwise(kernel=3, padding=1, after=("batchnorm",)),
    "Max pool": MaxPool(size=2),
    "Average pool": AvgPool(size=2),
    "Dropout": Dropout(rate=0.1),
    "Channel dropout": Dropout2d(rate=0.1),
    "Global average pool": GlobalAvgPool(),
    "Fully connected": Linear(features=10),
}


def take(layer_id: str, field: str, key: str) -> None:
    """Give the layer's field the value of the widget `key`."""
    change(layer_id, {field: st.session_state[key]})


def take_steps(layer_id: str, key: str) -> None:
    """Give the convolution the steps chosen in the widget `key`, in their order."""
    change(layer_id, {"after": tuple(st.session_state[key])})


def change(layer_id: str, fields: dict[str, Any]) -> None:
    """Give the layer other fields."""

    def operation(layers: list[Layer], _: list[str], place: int) -> None:
        layers[place] = layers[place].model_copy(update=fields)

    _edit(layer_id, operation)


def move_up(layer_id: str) -> None:
    """Swap the layer with the one before it."""
    _edit(layer_id, lambda layers, ids, place: _swap(layers, ids, place, place - 1))


def move_down(layer_id: str) -> None:
    """Swap the layer with the one after it."""
    _edit(layer_id, lambda layers, ids, place: _swap(layers, ids, place, place + 1))


def _swap(layers: list[Layer], ids: list[str], here: int, there: int) -> None:
    if 0 <= there < len(ids):
        ids[here], ids[there] = ids[there], ids[here]
        layers[here], layers[there] = layers[there], layers[here]


def duplicate(layer_id: str) -> None:
    """Put the same layer once more behind it."""

    def operation(layers: list[Layer], ids: list[str], place: int) -> None:
        layers.insert(place + 1, layers[place])
        ids.insert(place + 1, state.new_id())

    _edit(layer_id, operation)


def remove(layer_id: str) -> None:
    """Take the layer out."""

    def operation(layers: list[Layer], ids: list[str], place: int) -> None:
        del layers[place], ids[place]

    _edit(layer_id, operation)


def add() -> None:
    """Put in the layer chosen from the menu."""
    new = NEW[st.session_state[ADD]]
    ids, layers = state.layer_ids(), list(state.design().layers)
    place = _place_for(new, layers)
    layers.insert(place, new)
    ids.insert(place, state.new_id())
    _lay(layers, ids)


def _place_for(new: Layer, layers: list[Layer]) -> int:
    """New layers go before the head, the layer that gives the ten answers; a new head goes to the end."""
    head = _head(layers)
    if head is None or isinstance(new, GlobalAvgPool | Linear):
        return len(layers)
    return head - 1 if head and isinstance(layers[head - 1], GlobalAvgPool) else head


def _head(layers: list[Layer]) -> int | None:
    """Where the layer stands that gives the ten answers; None where there is no such layer."""
    weighted = [place for place, layer in enumerate(layers) if isinstance(layer, Conv | Linear)]
    return weighted[-1] if weighted and _answers(layers[weighted[-1]]) == CLASSES else None


def _answers(layer: Layer) -> int:
    if isinstance(layer, Conv):
        return layer.channels
    return layer.features if isinstance(layer, Linear) else 0


def apply_to_all() -> None:
    """Give every convolution but the head what the widgets of the "all" menu say."""
    kernel, steps = st.session_state[f"{ALL}-kernel"], st.session_state[f"{ALL}-after"]
    rate = st.session_state.get(f"{ALL}-dropout", 0.0) if drops(steps) else 0.0
    fields: dict[str, Any] = {"kernel": kernel, "after": tuple(steps), "dropout": rate}
    if st.session_state[f"{ALL}-pad"]:
        fields["padding"] = kernel // 2
    layers = list(state.design().layers)
    for place, layer in enumerate(layers):
        if isinstance(layer, Conv) and place != _head(layers):
            layers[place] = layer.model_copy(update=fields)
    _lay(layers, state.layer_ids())


def narrow(budget: int) -> None:
    """Make every layer narrower by the same factor, just so much that the design fits."""
    _lay(list(shrunk(state.design(), budget).layers), state.layer_ids())


def drops(steps: Sequence[str]) -> bool:
    """Whether a dropout is among the steps."""
    return bool({"dropout", "dropout2d"} & set(steps))


def _edit(layer_id: str, operation: Callable[[list[Layer], list[str], int], None]) -> None:
    ids, layers = state.layer_ids(), list(state.design().layers)
    if layer_id in ids:
        operation(layers, ids, ids.index(layer_id))
        _lay(layers, ids)


def _lay(layers: list[Layer], ids: list[str]) -> None:
    try:
        changed = state.design().with_layers(tuple(layers))
        if changed.name in PRESETS and changed != PRESETS[changed.name].architecture:
            changed = changed.renamed(f"{changed.name}-changed")  # the preset's name belongs to the preset
        state.put_design(changed, keep_ids=ids)
    except MnistnetError as error:
        state.tell(f"That change was not made: {error}")
