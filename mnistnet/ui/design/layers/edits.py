"""The changes of the current design: the callbacks of the layer editor.

Each reads the design, changes one thing and sets the result; a change that is not allowed is reported, and the design
stays as it was. A layer that was removed while the browser still showed it is ignored.
"""

from typing import Any

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture, Conv, GlobalAvgPool, Layer, Linear
from mnistnet.nets.layer_types import LAYER_TYPES, TITLES, has_rate, last_with_width, own_width
from mnistnet.nets.summary import CLASSES
from mnistnet.ui import controls, notifications, session
from mnistnet.ui.design.layers import cards, marks
from mnistnet.ui.design.starting import names
from mnistnet.ui.lessons import held

ADD, ALL = "add-layer", "all"  # keys of the widgets of the toolbar
_NEWEST = "_newest"
NEW: dict[str, Layer] = {entry.title.capitalize(): entry.new for entry in LAYER_TYPES.values()}


def set_field(layer_id: str, field: str, key: str) -> None:
    """Set a field of the layer to the value of the widget `key`."""
    if not controls.is_outdated(key):
        change(layer_id, field, st.session_state[key])


def change(layer_id: str, field: str, value: Any) -> None:
    """Set a field of the layer. With another kernel, padding that keeps the size of the map goes on keeping it."""
    ids, layers = _layers()
    if layer_id not in ids:
        return
    place = ids.index(layer_id)
    before, update = layers[place].model_dump(), {field: tuple(value) if isinstance(value, list) else value}
    follows = field == "kernel" and not held.is_held("padding")
    if follows and before.get("padding") == same_padding(before["kernel"]):
        update["padding"] = same_padding(value)
    layers[place] = layers[place].model_copy(update=update)
    _set_layers(layers, ids)


def same_padding(kernel: int) -> int:
    """The padding with which a convolution of stride 1 keeps the size of its map."""
    return (kernel - 1) // 2


def move_up(layer_id: str) -> None:
    """Swap the card with the layer with the one before it; its menu stays open."""
    _move(layer_id, -1)


def move_down(layer_id: str) -> None:
    """Swap the card with the layer with the one after it; its menu stays open."""
    _move(layer_id, 1)


def _move(layer_id: str, by: int) -> None:
    order = cards.cards()
    here = next((place for place, card in enumerate(order) if layer_id in card.ids), -1)
    there = here + by
    if here >= 0 and 0 <= there < len(order):
        order[here], order[there] = order[there], order[here]
        ids = [one for card in order for one in card.ids]
        _set_layers([layer for card in order for layer in card.layers], ids)
    st.session_state[menu(layer_id)] = True


def move_to(layer_id: str, place: int) -> None:
    """Move the layer to this place, from 0; nothing where there is no such place."""
    ids, layers = _layers()
    if layer_id not in ids or not 0 <= place < len(ids):
        return
    here = ids.index(layer_id)
    ids.insert(place, ids.pop(here))
    layers.insert(place, layers.pop(here))
    _set_layers(layers, ids)


def menu(layer_id: str) -> str:
    """The key of the menu of the card with the layer."""
    card = cards.holder(layer_id)
    return f"more-{card.id if card else layer_id}"


def duplicate(*layer_ids: str) -> None:
    """Insert a copy of these layers, which follow each other, below the last."""
    ids, layers = _layers()
    if set(layer_ids) <= set(ids):
        places = [ids.index(layer_id) for layer_id in layer_ids]
        _insert(places[-1] + 1, *(layers[place] for place in places))


def insert_below(layer_id: str, key: str) -> None:
    """Insert a layer of the type chosen in the widget `key` below the layer."""
    chosen = st.session_state[key]
    st.session_state[key] = None
    if chosen:
        insert_after(layer_id, NEW[chosen])


def insert_after(layer_id: str, new: Layer) -> None:
    """Insert a new layer after the layer."""
    ids = session.layer_ids()
    if layer_id in ids:
        _insert(ids.index(layer_id) + 1, new)


def remove(*layer_ids: str) -> None:
    """Remove these layers."""
    ids, layers = _layers()
    if set(layer_ids) & set(ids):
        left = [place for place, layer_id in enumerate(ids) if layer_id not in layer_ids]
        _set_layers([layers[place] for place in left], [ids[place] for place in left])


def add() -> None:
    """Insert a layer of the type chosen from the menu."""
    new = NEW[st.session_state[ADD]]
    _insert(_place_for(new, list(session.design.value.layers)), new)


def _insert(place: int, *new: Layer) -> None:
    """Insert the layers at `place`, mark the first as new and say where they are: they may be out of sight."""
    ids, layers = _layers()
    added = [session.new_id() for _ in new]
    layers[place:place] = new
    ids[place:place] = added
    if _set_layers(layers, ids):
        st.session_state[_NEWEST] = (added[0], session.design.value)
        numbers = " and ".join(str(place + 1 + number) for number in range(len(new)))
        titles = " and ".join(TITLES[layer.type] for layer in new)
        notifications.toast(f"Layer{'s' if len(new) > 1 else ''} {numbers} added: {titles}.")


def newest() -> str | None:
    """The id of the layer that was just added; None after another change."""
    layer_id, design = st.session_state.get(_NEWEST, (None, None))
    return layer_id if design == session.design.value else None


def _place_for(new: Layer, layers: list[Layer]) -> int:
    """The index for a new layer: before the head, the layer with the ten outputs; a new head goes to the end."""
    head = _head(layers)
    if head is None or isinstance(new, GlobalAvgPool | Linear):
        return len(layers)
    return head - 1 if head and isinstance(layers[head - 1], GlobalAvgPool) else head


def _head(layers: list[Layer]) -> int | None:
    """The place of the head, the layer with the ten outputs; None where there is none."""
    last = last_with_width(layers)
    return last if last is not None and own_width(layers[last]) == CLASSES else None


def apply_to_all() -> None:
    """Apply the widgets of the menu "All convolutions" to every convolution except the head."""
    kernel, steps = st.session_state[f"{ALL}-kernel"], st.session_state[f"{ALL}-after"]
    rate = st.session_state.get(f"{ALL}-dropout", 0.0) if has_rate(steps) else 0.0
    fields: dict[str, Any] = {"kernel": kernel, "after": tuple(steps), "dropout": rate}
    if st.session_state[f"{ALL}-pad"]:
        fields["padding"] = same_padding(kernel)
    layers = list(session.design.value.layers)
    for place, layer in enumerate(layers):
        if isinstance(layer, Conv) and place != _head(layers):
            layers[place] = layer.model_copy(update=fields)
    _set_layers(layers, session.layer_ids())


def set_widths(fitted: Architecture) -> None:
    """Give the layers of the current design the widths that they have in `fitted`, the same design otherwise."""
    _set_layers(list(fitted.layers), session.layer_ids())


def _layers() -> tuple[list[str], list[Layer]]:
    """The ids and the layers of the current design, to be changed."""
    return session.layer_ids(), list(session.design.value.layers)


def _set_layers(layers: list[Layer], ids: list[str]) -> bool:
    """Change the current design to these layers; says why, and returns False, where that is not allowed."""
    pairs = cards.new_pairs(layers, ids)
    try:
        changed = session.set_design(names.own(session.design.value.with_layers(tuple(layers))), ids)
    except MnistnetError as error:
        notifications.notify(f"That change was not made: {error}")
        return False
    if changed:
        marks.add(opened_ids=pairs)
    return changed
