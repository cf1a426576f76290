"""Receptive fields by geometry alone: of one unit on a digit, by layer, and of all layers side by side."""

import streamlit as st

from mnistnet.charts.pictures import with_window
from mnistnet.charts.receptive_fields import extent
from mnistnet.data.datasets import Bytes
from mnistnet.nets.summary import IMAGE_SIZE, LayerSummary, Span
from mnistnet.ui import controls, session, widgets
from mnistnet.ui.receptive_fields import glossary

_LAYER, _DOWN, _ACROSS, _INDEX = "field-layer", "field-down", "field-across", "field-digit"
_TIMES = 14
_SMALL = 5

Named = list[tuple[str, LayerSummary]]


def covering_layer(named: Named) -> None:
    """A sentence: the first layer in which every receptive field contains the whole image."""
    first = next((name for name, row in named if row.covers_image), None)
    whole = f"the whole {IMAGE_SIZE}×{IMAGE_SIZE} image"
    if first:
        sentence = f"**Layer {first}** is the first in which the receptive field of every unit contains {whole}."
    else:
        name, row = named[-1]
        edge = "; units at the edge see less" if row.field >= IMAGE_SIZE else ""
        sentence = (
            f"In no layer does the receptive field of every unit contain {whole}: the last layer, {name}, has "
            f"{extent(row)}{edge}."
        )
    st.markdown(sentence)


def one_unit(named: Named, images: Bytes, title: str) -> None:
    """Controls for a layer, a unit and a digit, and the unit's receptive field on the digit."""
    controls, picture = st.columns([0.45, 0.55])
    with controls:
        names = [name for name, _ in named]
        if st.session_state.get(_LAYER) not in names:
            st.session_state[_LAYER] = names[min(2, len(names) - 1)]
        current = st.session_state[_LAYER]
        chosen = st.select_slider("Layer", names, current, key=_LAYER) if len(names) > 1 else names[0]
        row = dict(named)[chosen]
        unit = _place(row)
        index = _digit(images, title)
        down, across = (row.receptive_fields[position] for position in unit)
        st.markdown(_facts(row), help=" ".join([glossary.FIELD, glossary.JUMP]))
        st.caption(_padding_share(row, down, across))
        seen = int(images[index, down.start : down.stop, across.start : across.stop].sum())
        ink = max(1, int(images[index].sum()))
        st.metric(
            "Ink inside the receptive field",
            f"{seen / ink:.0%}",
            help="Share of the digit's brightness that can influence this unit.",
        )
    with picture:
        st.image(
            with_window(images[index], down, across, _TIMES),
            width=IMAGE_SIZE * _TIMES,
            alt=f"Digit {index}, receptive field: rows {_span(down)}, columns {_span(across)}",
        )


def _facts(row: LayerSummary) -> str:
    """Receptive field, jump and feature map; a map with a single unit has no jump."""
    said = f"Receptive field **{extent(row)}**" + (", **the whole image**" if row.covers_image else "")
    return f"{said}; {_jump(row)}feature map {row.size}×{row.size}."


def _jump(row: LayerSummary) -> str:
    return f"jump {row.jump}; " if row.size > 1 else ""


def _padding_share(row: LayerSummary, down: Span, across: Span) -> str:
    seen = (down.stop - down.start) * (across.stop - across.start)
    share = 1 - seen / row.field**2
    start = f"The receptive field of the first unit starts at pixel {row.offset}." if row.size > 1 else ""
    padding = f"{share:.0%} of this unit's receptive field is padding, outside the image." if share > 0 else ""
    return " ".join(part for part in (start, padding) if part)


def _span(span: Span) -> str:
    return f"{span.start} to {span.stop - 1}"


def _place(row: LayerSummary) -> tuple[int, int]:
    """The chosen unit's row and column in the feature map."""
    if row.size == 1:
        st.caption("The feature map of this layer has a single unit.")
        return 0, 0
    return _unit(_DOWN, "Unit, row", row), _unit(_ACROSS, "Unit, column", row)


def _unit(key: str, label: str, row: LayerSummary) -> int:
    if not 0 <= st.session_state.get(key, -1) < row.size:
        st.session_state[key] = row.size // 2
    return int(st.slider(label, 0, row.size - 1, st.session_state[key], key=key))


def _digit(images: Bytes, title: str) -> int:
    current = session.digit.value or 0
    index = min(current, len(images) - 1)
    key = controls.control(_INDEX, index)
    st.number_input(f"Digit, index in {title}", 0, len(images) - 1, index, key=key, on_change=_typed)
    return index


def _typed() -> None:
    session.digit.set(int(st.session_state[_INDEX]))


def all_layers(named: Named, images: Bytes) -> None:
    """The receptive field of every layer's middle unit on the same digit."""
    image = images[min(session.digit.value or 0, len(images) - 1)]
    with st.grid(min_column_width=IMAGE_SIZE * _SMALL + 12):
        for name, row in named:
            middle = row.receptive_fields[row.size // 2]
            with st.container(gap="xsmall"):
                st.image(
                    with_window(image, middle, middle, _SMALL),
                    width=IMAGE_SIZE * _SMALL,
                    alt=f"{name}: the receptive field of its middle unit, {extent(row)}",
                )
                jump = f", jump {row.jump}" if row.size > 1 else ""
                st.caption(f"{widgets.plain(name)}: {extent(row)}{jump}")
