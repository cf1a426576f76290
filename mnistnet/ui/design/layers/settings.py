"""The settings in a layer's menu: a control for each field that its card has none for."""

from collections.abc import Mapping, Sequence

import streamlit as st

from mnistnet.nets.architecture import KERNELS, MAX_CHANNELS, PADDINGS, STRIDES, Layer
from mnistnet.nets.layer_types import STEP_TYPES, TITLES, has_rate
from mnistnet.ui import controls
from mnistnet.ui.design.layers import edits
from mnistnet.ui.lessons import held


def layer_settings(layer_id: str, layer: Layer) -> None:
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
        slider(layer_id, "dropout", fields["dropout"], "Dropout rate", 0.0, max(0.6, fields["dropout"]))
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


def slider(layer_id: str, field: str, value: float, label: str, low: float, high: float) -> None:
    """A slider that sets a field of the layer."""
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
