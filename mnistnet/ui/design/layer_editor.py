"""The layer editor: a card for each layer, with a slider for its main setting and a menu for the others."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

from mnistnet.lessons import controls as named
from mnistnet.nets import widths
from mnistnet.nets.architecture import KERNELS, MAX_CHANNELS, MAX_LAYERS, PADDINGS, STRIDES, Conv, Layer
from mnistnet.nets.layer_types import SHORT_TITLES, STEP_TYPES, TITLES, caption, has_rate
from mnistnet.nets.summary import Summary
from mnistnet.ui import controls, session
from mnistnet.ui.design import edits, marks
from mnistnet.ui.lessons import held

_newest = st.components.v2.component(
    "mnistnet_newest", js=Path(__file__).with_name("newest.js").read_text(encoding="utf-8")
)
_SLIDER_ENDS = (64, 128, 256, MAX_CHANNELS)


def layer_editor(summary: Summary) -> None:
    """The cards of all layers of the current design."""
    for index, (layer_id, layer) in enumerate(zip(session.layer_ids(), session.design.value.layers, strict=True)):
        with st.container(border=True, key=f"layer-{layer_id}", gap="xsmall"):
            _card(index, layer_id, layer, summary)
    if newest := edits.newest():
        _newest(key="newest", data={"card": f"layer-{newest}"})


def _card(index: int, layer_id: str, layer: Layer, summary: Summary) -> None:
    title, control, actions = st.columns([0.49, 0.2, 0.31], vertical_alignment="center", gap="xsmall")
    mark = marks.badge(layer_id) + (" :blue-badge[new]" if layer_id == edits.newest() else "")
    title.markdown(f"**{index + 1} · {_headline(layer)}{mark}  \n:gray[:small[{_facts(index, summary)}]]")
    with control:
        _main_control(index, layer_id, layer)
    with actions.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        _fit_button(index, layer_id, layer)
        _more(index, layer_id, layer)
    if summary.fault and summary.fault.layer == index:
        st.error(f"Layer {index + 1}: {summary.fault.message}.", icon=":material/error:")


def _headline(layer: Layer) -> str:
    steps = "".join(f" → {SHORT_TITLES[step]}" for step in layer.steps)
    return f"{caption(layer)}**" + (f" :gray[:small[{steps}]]" if steps else "")


def _facts(index: int, summary: Summary) -> str:
    rows = summary.of_layer(index)
    if not rows:
        return "cannot be built yet"
    last = rows[-1]
    params = sum(row.params for row in rows)
    return f"{last.size}×{last.size} · {params:,} params · receptive field {last.field}×{last.field}"


def _main_control(index: int, layer_id: str, layer: Layer) -> None:
    fields, place = held.shown(layer.model_dump()), f"layer {index + 1}"
    if width := fields.get("channels"):
        _slider(layer_id, "channels", width, f"Width of {place} (channels)", 1, _slider_end(width))
    elif width := fields.get("features"):
        _slider(layer_id, "features", width, f"Outputs of {place}", 1, _slider_end(width))
    elif size := fields.get("size"):
        _slider(layer_id, "size", size, f"Pooling window of {place}", 2, max(8, size))
    elif (rate := fields.get("rate")) is not None:
        _slider(layer_id, "rate", rate, f"Dropout rate of {place}", 0.0, max(0.6, rate))


def _slider_end(width: int) -> int:
    """The upper end of a slider: fine steps for narrow layers, a wide range for wide ones."""
    return next(end for end in _SLIDER_ENDS if width <= end)


def _slider(layer_id: str, field: str, value: float, label: str, low: float, high: float) -> None:
    key = controls.control(f"{field}-{layer_id}-{high}", value)  # another scale is another widget
    step = 0.01 if isinstance(value, float) else 1
    st.slider(
        label,
        low,
        high,
        value,
        step=step,
        key=key,
        on_change=edits.set_field,
        args=(layer_id, field, key),
        label_visibility="visible" if field == "dropout" else "collapsed",
        **held.of_setting(field),
    )


def _fit_button(index: int, layer_id: str, layer: Layer) -> None:
    if not isinstance(layer, Conv) or held.is_held("width"):
        return
    budget = session.profile.value.params
    widest = widths.largest_width(session.design.value, index, budget)
    if widest is None or widest == layer.channels:
        return
    st.button(
        f"max {widest}",
        key=f"fit-{layer_id}",
        help=f"Give layer {index + 1} {widest} channels, the most that stays under {budget:,} parameters.",
        on_click=edits.change,
        args=(layer_id, "channels", widest),
    )


def _more(index: int, layer_id: str, layer: Layer) -> None:
    menu = st.popover(
        f"Edit {index + 1}",
        help=f"Settings of layer {index + 1}; move, duplicate, remove it; insert a layer below it",
        key=edits.menu(layer_id),
        on_change="rerun",
    )
    if not menu.open:
        return
    with menu:
        count = len(session.design.value.layers)
        with st.container(horizontal=True, gap="xsmall"):
            _act("Up", "arrow_upward", layer_id, edits.move_up, named.MOVE, disabled=index == 0)
            _act("Down", "arrow_downward", layer_id, edits.move_down, named.MOVE, disabled=index == count - 1)
            _act("Duplicate", "content_copy", layer_id, edits.duplicate, named.ADD, disabled=count == MAX_LAYERS)
            _act("Remove", "delete", layer_id, edits.remove, named.REMOVE, disabled=count == 1)
        _insert_below(layer_id, full=count == MAX_LAYERS)
        marks.lock(layer_id, index)
        _settings(layer_id, layer)


def _insert_below(layer_id: str, *, full: bool) -> None:
    if held.is_hidden(named.ADD):
        return
    key = f"insert-below-{layer_id}"
    st.selectbox(
        "Insert below",
        list(edits.NEW),
        index=None,
        placeholder="Choose a layer type",
        key=key,
        on_change=edits.insert_below,
        args=(layer_id, key),
        **held.options(named.ADD, disabled=full),
    )


def _settings(layer_id: str, layer: Layer) -> None:
    """A control for each field of the layer that its card has none for."""
    fields = held.shown(layer.model_dump())
    if "channels" in fields:
        _number(layer_id, "channels", fields["channels"], "Channels", 1, MAX_CHANNELS)
    if fields.keys() & {"kernel", "stride", "padding"}:
        with st.container(horizontal=True):
            if "kernel" in fields:
                _choice(layer_id, "kernel", KERNELS, fields["kernel"])
            if "stride" in fields:
                _choice(layer_id, "stride", STRIDES, fields["stride"])
            if "padding" in fields:
                _padding(layer_id, layer.model_dump()["kernel"], fields["padding"])
    if "after" in fields:
        _steps(layer_id, layer.steps)
    if "dropout" in fields and has_rate(layer.steps):
        _slider(layer_id, "dropout", fields["dropout"], "Dropout rate", 0.0, max(0.6, fields["dropout"]))
    if "bias" in fields:
        _toggle(layer_id, "bias", fields["bias"], "Bias")


def _padding(layer_id: str, kernel: int, padding: int) -> None:
    same = edits.same_padding(kernel)
    options = (same, *(option for option in PADDINGS if option != same))
    _choice(
        layer_id,
        "padding",
        options,
        padding,
        titles={option: f"same size ({option})" if option == same else str(option) for option in options},
        why="“Same size” keeps the feature map's size at stride 1, also when you change the kernel.",
    )


def _steps(layer_id: str, steps: Sequence[str]) -> None:
    key = controls.control(f"after-{layer_id}", list(steps))
    st.multiselect(
        "Followed by",
        list(STEP_TYPES),
        default=list(steps),
        format_func=lambda step: TITLES[step],
        key=key,
        on_change=edits.set_field,
        args=(layer_id, "after", key),
        **held.of_setting(
            "after",
            "Applied in this order. The order matters: dropout before batch norm differs from dropout after it.",
        ),
    )


def _choice(
    layer_id: str,
    field: str,
    options: Sequence[int],
    value: int,
    *,
    titles: Mapping[int, str] | None = None,
    why: str | None = None,
) -> None:
    key = controls.control(f"{field}-{layer_id}", value)
    st.segmented_control(
        field.capitalize(),
        options,
        default=value,
        format_func=lambda option: titles[option] if titles else str(option),
        key=key,
        on_change=edits.set_field,
        args=(layer_id, field, key),
        required=True,
        **held.of_setting(field, why),
    )


def _number(layer_id: str, field: str, value: int, label: str, low: int, high: int) -> None:
    key, holds = controls.control(f"{field}-exact-{layer_id}", value), held.of_setting(field)
    st.number_input(
        label, low, high, value, step=1, key=key, on_change=edits.set_field, args=(layer_id, field, key), **holds
    )


def _toggle(layer_id: str, field: str, value: bool, label: str) -> None:
    key, holds = controls.control(f"{field}-{layer_id}", value), held.of_setting(field)
    st.toggle(label, value, key=key, on_change=edits.set_field, args=(layer_id, field, key), **holds)


def _act(label: str, icon: str, layer_id: str, action: Callable[[str], None], control: str, *, disabled: bool) -> None:
    if held.is_hidden(control):
        return
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{label.lower()}-{layer_id}",
        on_click=action,
        args=(layer_id,),
        **held.options(control, disabled=disabled),
    )
