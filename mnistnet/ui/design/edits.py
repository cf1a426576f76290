"""What can be done to the current design: the callbacks of the layer editor.

Each reads the design, changes one thing and puts the result back; a change that is not allowed is told, and
the design stays as it was. A layer that went away while the browser still showed it is left alone.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Conv, GlobalAvgPool, Layer, Linear
from mnistnet.nets.layer_types import LAYER_TYPES, TITLES, has_rate, own_width
from mnistnet.nets.summary import CLASSES
from mnistnet.nets.widths import shrunk
from mnistnet.ui import notifications, session
from mnistnet.ui.design import names

ADD, ALL = "add-layer", "all"  # keys of the widgets that the two callbacks without a layer read
NEW: dict[str, Layer] = {entry.title.capitalize(): entry.new for entry in LAYER_TYPES.values()}


def take(layer_id: str, field: str, key: str) -> None:
    """Give the layer's field the value of the widget `key`."""
    change(layer_id, {field: st.session_state[key]})


def take_steps(layer_id: str, key: str) -> None:
    """Give the convolution the steps chosen in the widget `key`, in their order."""
    change(layer_id, {"after": tuple(st.session_state[key])})


def take_kernel(layer_id: str, key: str) -> None:
    """Give the layer the kernel of the widget `key`; padding that keeps the map's size goes on keeping it."""
    kernel = st.session_state[key]

    def operation(layers: list[Layer], _: list[str], place: int) -> None:
        fields = layers[place].model_dump()
        update = {"kernel": kernel}
        if fields.get("padding") == same_padding(fields["kernel"]):
            update["padding"] = same_padding(kernel)
        layers[place] = layers[place].model_copy(update=update)

    _edit(layer_id, operation)


def same_padding(kernel: int) -> int:
    """The padding with which a map leaves a convolution of stride 1 at the size that it came in."""
    return (kernel - 1) // 2


def change(layer_id: str, fields: dict[str, Any]) -> None:
    """Give the layer other fields."""

    def operation(layers: list[Layer], _: list[str], place: int) -> None:
        layers[place] = layers[place].model_copy(update=fields)

    _edit(layer_id, operation)


def move_up(layer_id: str) -> None:
    """Swap the layer with the one before it; its menu stays open."""
    _move(layer_id, -1)


def move_down(layer_id: str) -> None:
    """Swap the layer with the one after it; its menu stays open."""
    _move(layer_id, 1)


def _move(layer_id: str, by: int) -> None:
    _edit(layer_id, lambda layers, ids, place: _swap(layers, ids, place, place + by))
    st.session_state[menu(layer_id)] = True


def menu(layer_id: str) -> str:
    """The key of the layer's menu."""
    return f"more-{layer_id}"


def _swap(layers: list[Layer], ids: list[str], here: int, there: int) -> None:
    if 0 <= there < len(ids):
        ids[here], ids[there] = ids[there], ids[here]
        layers[here], layers[there] = layers[there], layers[here]


def duplicate(layer_id: str) -> None:
    """Put the same layer once more below it."""
    ids = session.layer_ids()
    if layer_id in ids:
        place = ids.index(layer_id)
        _insert(place + 1, session.design().layers[place])


def insert_below(layer_id: str, key: str) -> None:
    """Put the kind of layer that is chosen in the widget `key` below the layer."""
    kind, ids = st.session_state[key], session.layer_ids()
    st.session_state[key] = None
    if kind and layer_id in ids:
        _insert(ids.index(layer_id) + 1, NEW[kind])


def remove(layer_id: str) -> None:
    """Take the layer out."""

    def operation(layers: list[Layer], ids: list[str], place: int) -> None:
        del layers[place], ids[place]

    _edit(layer_id, operation)


def add() -> None:
    """Put in the layer chosen from the menu."""
    new = NEW[st.session_state[ADD]]
    _insert(_place_for(new, list(session.design().layers)), new)


def _insert(place: int, new: Layer) -> None:
    """Put the layer in at `place`, mark it and say where it is: it may be out of sight."""
    ids, layers = session.layer_ids(), list(session.design().layers)
    added = session.new_id()
    layers.insert(place, new)
    ids.insert(place, added)
    if _lay(layers, ids):
        notifications.mark_added(added)
        notifications.note(f"Layer {place + 1} added: {TITLES[new.type]}.")


def _place_for(new: Layer, layers: list[Layer]) -> int:
    """New layers go before the head, the layer that gives the ten answers; a new head goes to the end."""
    head = _head(layers)
    if head is None or isinstance(new, GlobalAvgPool | Linear):
        return len(layers)
    return head - 1 if head and isinstance(layers[head - 1], GlobalAvgPool) else head


def _head(layers: list[Layer]) -> int | None:
    """Where the layer stands that gives the ten answers; None where there is no such layer."""
    weighted = [place for place, layer in enumerate(layers) if own_width(layer)]
    return weighted[-1] if weighted and own_width(layers[weighted[-1]]) == CLASSES else None


def apply_to_all() -> None:
    """Give every convolution but the head what the widgets of the "all" menu say."""
    kernel, steps = st.session_state[f"{ALL}-kernel"], st.session_state[f"{ALL}-after"]
    rate = st.session_state.get(f"{ALL}-dropout", 0.0) if has_rate(steps) else 0.0
    fields: dict[str, Any] = {"kernel": kernel, "after": tuple(steps), "dropout": rate}
    if st.session_state[f"{ALL}-pad"]:
        fields["padding"] = same_padding(kernel)
    layers = list(session.design().layers)
    for place, layer in enumerate(layers):
        if isinstance(layer, Conv) and place != _head(layers):
            layers[place] = layer.model_copy(update=fields)
    _lay(layers, session.layer_ids())


def shrink(budget: int) -> None:
    """Make the free layers narrower, just so much that the design fits."""
    _lay(list(shrunk(session.design(), budget).layers), session.layer_ids())


def _edit(layer_id: str, operation: Callable[[list[Layer], list[str], int], None]) -> None:
    ids, layers = session.layer_ids(), list(session.design().layers)
    if layer_id in ids:
        operation(layers, ids, ids.index(layer_id))
        _lay(layers, ids)


def _lay(layers: list[Layer], ids: list[str]) -> bool:
    try:
        session.set_design(names.own(session.design().with_layers(tuple(layers))), keep_ids=ids)
    except MnistnetError as error:
        session.notify(f"That change was not made: {error}")
        return False
    return True
