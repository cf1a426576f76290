"""The layer editor: a card for each layer, a slider for each width, and what acts on all layers."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnistnet.charts.palette import LAYER_TITLE
from mnistnet.errors import MnistnetError
from mnistnet.nets import geometry
from mnistnet.nets.architecture import (
    KERNELS,
    MAX_CHANNELS,
    MAX_LAYERS,
    PADDINGS,
    STEPS,
    STRIDES,
    AvgPool,
    Conv,
    Dropout,
    Dropout2d,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
)
from mnistnet.nets.geometry import CLASSES, Walk
from mnistnet.ui import state

_SLIDER_ENDS = (64, 128, 256, MAX_CHANNELS)
_STEP_TITLES = {
    "relu": "ReLU",
    "batchnorm": "batch norm",
    "dropout": "dropout",
    "dropout2d": "channel dropout",
}
_SHORT = {"relu": "ReLU", "batchnorm": "BN", "dropout": "dropout", "dropout2d": "dropout2d"}
_ADD = "add-layer"
_NEW: dict[str, Layer] = {
    "Convolution": Conv(channels=16, kernel=3, padding=1, after=("batchnorm", "relu")),
    "Max pool": MaxPool(size=2),
    "Average pool": AvgPool(size=2),
    "Dropout": Dropout(rate=0.1),
    "Channel dropout": Dropout2d(rate=0.1),
    "Global average pool": GlobalAvgPool(),
    "Fully connected": Linear(features=10),
}


def editor(walk: Walk) -> None:
    """All layers of the design on the table, editable."""
    for index, (layer_id, layer) in enumerate(zip(state.layer_ids(), state.design().layers, strict=True)):
        with st.container(border=True, key=f"layer-{layer_id}", gap="xsmall"):
            _card(index, layer_id, layer, walk)


def _card(index: int, layer_id: str, layer: Layer, walk: Walk) -> None:
    title, control, actions = st.columns([0.46, 0.31, 0.23], vertical_alignment="center", gap="small")
    title.markdown(f"**{index + 1} · {_headline(layer)}  \n:gray[:small[{_facts(index, walk)}]]")
    with control:
        _main_control(index, layer_id, layer)
    with actions.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        _fit_button(index, layer_id, layer)
        _more(index, layer_id, layer)
    if walk.fault and walk.fault.layer == index:
        st.error(f"Layer {index + 1}: {walk.fault.message}.", icon=":material/error:")


def _headline(layer: Layer) -> str:
    if not isinstance(layer, Conv):
        return f"{LAYER_TITLE[layer.kind]}**"
    stride = f", stride {layer.stride}" if layer.stride > 1 else ""
    steps = "".join(f" → {_SHORT[step]}" for step in layer.after)
    return f"conv {layer.kernel}×{layer.kernel}{stride}** :gray[:small[{steps}]]"


def _facts(index: int, walk: Walk) -> str:
    rows = walk.of_layer(index)
    if not rows:
        return "cannot be built yet"
    last = rows[-1]
    shape = "×".join(map(str, last.shape))
    return f"{shape} · {sum(row.params for row in rows):,} params · sees {last.field} px"


def _main_control(index: int, layer_id: str, layer: Layer) -> None:
    number = index + 1
    if isinstance(layer, Conv):
        end = next(end for end in _SLIDER_ENDS if layer.channels <= end)
        _slider(layer_id, "channels", layer.channels, f"Width of layer {number} (channels)", 1, end)
    elif isinstance(layer, Linear):
        end = next(end for end in _SLIDER_ENDS if layer.features <= end)
        _slider(layer_id, "features", layer.features, f"Outputs of layer {number}", 1, end)
    elif isinstance(layer, MaxPool | AvgPool):
        _slider(layer_id, "size", layer.size, f"Size of layer {number} (pixels a side)", 2, max(8, layer.size))
    elif isinstance(layer, Dropout | Dropout2d):
        _slider(layer_id, "rate", layer.rate, f"Rate of layer {number}", 0.0, max(0.6, layer.rate))


def _slider(layer_id: str, field: str, value: float, label: str, low: float, high: float) -> None:
    key = state.control(f"{field}-{layer_id}", value)
    step = 0.01 if isinstance(value, float) else 1
    st.slider(
        label,
        low,
        high,
        step=step,
        key=key,
        on_change=_take,
        args=(layer_id, field, key),
        label_visibility="visible" if field == "dropout" else "collapsed",
    )


def _fit_button(index: int, layer_id: str, layer: Layer) -> None:
    if not isinstance(layer, Conv):
        return
    budget = state.profile().params
    widest = geometry.largest_width(state.design(), index, budget)
    if widest is None or widest == layer.channels:
        return
    st.button(
        f"→ {widest}",
        key=f"fit-{layer_id}",
        help=f"{widest} channels is the most that layer {index + 1} can have under {budget:,} parameters. Take it.",
        on_click=_change,
        args=(layer_id, {"channels": widest}),
    )


def _more(index: int, layer_id: str, layer: Layer) -> None:
    menu = st.popover(
        "",
        icon=":material/tune:",
        help=f"More of layer {index + 1}: its settings, move, duplicate, remove",
        key=f"more-{layer_id}",
        on_change="rerun",
    )
    if not menu.open:
        return
    with menu:
        if isinstance(layer, Conv):
            _conv_settings(layer_id, layer)
        elif isinstance(layer, Linear):
            _toggle(layer_id, "bias", layer.bias, "Bias")
        count = len(state.design().layers)
        with st.container(horizontal=True, gap="xsmall"):
            _act("Up", "arrow_upward", layer_id, _move_up, disabled=index == 0)
            _act("Down", "arrow_downward", layer_id, _move_down, disabled=index == count - 1)
            _act("Duplicate", "content_copy", layer_id, _duplicate, disabled=count == MAX_LAYERS)
            _act("Remove", "delete", layer_id, _remove, disabled=count == 1)


def _conv_settings(layer_id: str, conv: Conv) -> None:
    _number(layer_id, "channels", conv.channels, "Channels, exactly", 1, MAX_CHANNELS)
    for field, title, options in (
        ("kernel", "Kernel", KERNELS),
        ("stride", "Stride", STRIDES),
        ("padding", "Padding", PADDINGS),
    ):
        key = state.control(f"{field}-{layer_id}", getattr(conv, field))
        st.segmented_control(title, options, key=key, on_change=_take, args=(layer_id, field, key), required=True)
    _toggle(layer_id, "bias", conv.bias, "Bias")
    key = state.control(f"after-{layer_id}", list(conv.after))
    st.multiselect(
        "After it, in this order",
        STEPS,
        format_func=lambda step: _STEP_TITLES[step],
        key=key,
        on_change=_take_steps,
        args=(layer_id, key),
        help="The order matters: dropout before batch norm is not batch norm before dropout.",
    )
    if {"dropout", "dropout2d"} & set(conv.after):
        _slider(layer_id, "dropout", conv.dropout, "Dropout rate", 0.0, max(0.6, conv.dropout))


def _number(layer_id: str, field: str, value: int, label: str, low: int, high: int) -> None:
    key = state.control(f"{field}-exact-{layer_id}", value)
    st.number_input(label, low, high, step=1, key=key, on_change=_take, args=(layer_id, field, key))


def _toggle(layer_id: str, field: str, value: bool, label: str) -> None:
    key = state.control(f"{field}-{layer_id}", value)
    st.toggle(label, key=key, on_change=_take, args=(layer_id, field, key))


def _act(label: str, icon: str, layer_id: str, action: Callable[[str], None], *, disabled: bool) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{label.lower()}-{layer_id}",
        on_click=action,
        args=(layer_id,),
        disabled=disabled,
    )


def toolbar() -> None:
    """Add a layer, or change every convolution at once."""
    full = len(state.design().layers) >= MAX_LAYERS
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.menu_button("Add a layer", list(_NEW), icon=":material/add:", key=_ADD, on_click=_add, disabled=full)
        with st.popover("All convolutions", icon=":material/select_all:"):
            _all_convolutions()


def _all_convolutions() -> None:
    st.caption("Applies to every convolution but the last, whose channels are the ten answers.")
    kernel = st.segmented_control("Kernel", KERNELS, default=3, key="all-kernel", required=True)
    steps = st.multiselect(
        "After it, in this order",
        STEPS,
        default=["batchnorm", "relu"],
        format_func=lambda step: _STEP_TITLES[step],
        key="all-after",
    )
    rate = st.slider("Dropout rate", 0.0, 0.6, 0.05, 0.01, key="all-dropout")
    same = st.toggle("Pad so that maps keep their size", value=True, key="all-pad")
    st.button("Apply to all", on_click=_apply_to_all, args=(kernel, tuple(steps), rate, same), type="primary")


# Callbacks: each reads the table, changes one thing, and lays the result back.


def _take(layer_id: str, field: str, key: str) -> None:
    _change(layer_id, {field: st.session_state[key]})


def _take_steps(layer_id: str, key: str) -> None:
    _change(layer_id, {"after": tuple(st.session_state[key])})


def _change(layer_id: str, fields: dict[str, Any]) -> None:
    ids, layers = state.layer_ids(), list(state.design().layers)
    if layer_id not in ids:
        return  # the layer went away while the browser was still showing it
    place = ids.index(layer_id)
    layers[place] = layers[place].model_copy(update=fields)
    _lay(layers, ids)


def _move_up(layer_id: str) -> None:
    _swap(layer_id, -1)


def _move_down(layer_id: str) -> None:
    _swap(layer_id, +1)


def _swap(layer_id: str, distance: int) -> None:
    ids, layers = state.layer_ids(), list(state.design().layers)
    here = ids.index(layer_id)
    there = here + distance
    if 0 <= there < len(ids):
        ids[here], ids[there] = ids[there], ids[here]
        layers[here], layers[there] = layers[there], layers[here]
        _lay(layers, ids)


def _duplicate(layer_id: str) -> None:
    ids, layers = state.layer_ids(), list(state.design().layers)
    place = ids.index(layer_id)
    layers.insert(place + 1, layers[place])
    ids.insert(place + 1, state.new_id())
    _lay(layers, ids)


def _remove(layer_id: str) -> None:
    ids, layers = state.layer_ids(), list(state.design().layers)
    place = ids.index(layer_id)
    del ids[place], layers[place]
    _lay(layers, ids)


def _add() -> None:
    title = st.session_state[_ADD]
    ids, layers = state.layer_ids(), list(state.design().layers)
    place = _place_for(_NEW[title], layers)
    layers.insert(place, _NEW[title])
    ids.insert(place, state.new_id())
    _lay(layers, ids)


def _place_for(new: Layer, layers: list[Layer]) -> int:
    """New layers go before the head, the layer that gives the ten answers; a new head goes to the end."""
    weighted = [place for place, layer in enumerate(layers) if isinstance(layer, Conv | Linear)]
    if not weighted or isinstance(new, GlobalAvgPool | Linear):
        return len(layers)
    head = weighted[-1]
    if _answers(layers[head]) != CLASSES:
        return len(layers)
    return head - 1 if head and isinstance(layers[head - 1], GlobalAvgPool) else head


def _answers(layer: Layer) -> int:
    if isinstance(layer, Conv):
        return layer.channels
    return layer.features if isinstance(layer, Linear) else 0


def _apply_to_all(kernel: int, steps: tuple[str, ...], rate: float, same: bool) -> None:
    layers = list(state.design().layers)
    convs = [place for place, layer in enumerate(layers) if isinstance(layer, Conv)]
    for place in convs[:-1]:
        fields: dict[str, Any] = {"kernel": kernel, "after": steps, "dropout": rate if _drops(steps) else 0.0}
        if same:
            fields["padding"] = kernel // 2
        layers[place] = layers[place].model_copy(update=fields)
    _lay(layers, state.layer_ids())


def _drops(steps: tuple[str, ...]) -> bool:
    return bool({"dropout", "dropout2d"} & set(steps))


def _lay(layers: list[Layer], ids: list[str]) -> None:
    try:
        state.put_design(state.design().with_layers(tuple(layers)), keep_ids=ids)
    except MnistnetError as error:
        state.tell(f"That change was not made: {error}")
