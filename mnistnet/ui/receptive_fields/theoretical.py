"""The Receptive fields page's pieces: the receptive field of one unit on a digit, and all layers side by side."""

from dataclasses import dataclass

import streamlit as st

from mnistnet.charts.pictures import with_window
from mnistnet.charts.receptive_fields import extent
from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.summary import IMAGE_SIZE, LayerSummary, Span, window
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run
from mnistnet.runs.sources import GALLERY
from mnistnet.ui import cache, session, url, widgets
from mnistnet.ui.receptive_fields import glossary

_LAYER, _DOWN, _ACROSS, _INDEX = "field-layer", "field-down", "field-across", "field-digit"
_WHOSE, _RUNS_OFFERED = "field-whose", 200
_TIMES = 14
_SMALL = 5

Named = list[tuple[str, LayerSummary]]


def source_picker() -> None:
    """Whose layers to look at: the current design's or a run's."""
    titles = {url.TABLE: f"Current design: {session.design().name}"}
    titles |= {run.id: widgets.run_title(run) for run in (*cache.snapshot().runs[:_RUNS_OFFERED], *GALLERY.runs())}
    current = session.network() if session.network() in titles else url.TABLE
    key = session.control(_WHOSE, current)
    st.selectbox(
        "Network",
        list(titles),
        index=list(titles).index(current),
        format_func=titles.__getitem__,
        key=key,
        on_change=_whose_chosen,
    )


def _whose_chosen() -> None:
    session.choose_network(st.session_state[_WHOSE])


def picked() -> Run | None:
    """The run whose network was picked; None for the current design."""
    return None if session.network() == url.TABLE else cache.chosen(session.network())


def architecture() -> Architecture:
    """The design that was picked."""
    run = picked()
    return run.architecture if run else session.design()


@dataclass(frozen=True, eq=False)
class Digits:
    """Images to look at, (n, 28, 28) uint8, the name of their data set, and their title."""

    images: Bytes
    dataset: str
    title: str


def digits() -> Digits:
    """The picked network's images where they are on this machine, else the offline sample's."""
    run = picked()
    recipe = run.recipe if run else session.recipe()
    split: SplitName = session.split() if run and session.split() in run.scorable else "test"
    try:
        images = cache.images(recipe.dataset, recipe.protocol, split)
        return Digits(images, recipe.dataset, f"the {split} images of {datasets.source(recipe.dataset).title}")
    except MnistnetError:
        images = cache.images(datasets.OFFLINE.name, "course", "test")
        return Digits(images, datasets.OFFLINE.name, datasets.OFFLINE.title)


def coverage(named: Named) -> None:
    """The first layer whose every receptive field contains the whole image, in a sentence."""
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
        down, across = (window(row, position) for position in unit)
        st.markdown(_facts(row), help=" ".join([glossary.FIELD, glossary.JUMP]))
        st.caption(_on_padding(row, down, across))
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
    """Receptive field, jump and feature map; no jump where the map is a single unit, which has no neighbour."""
    said = f"Receptive field **{extent(row)}**" + (", **the whole image**" if row.covers_image else "")
    return f"{said}; {_jump(row)}feature map {row.size}×{row.size}."


def _jump(row: LayerSummary) -> str:
    return f"jump {row.jump}; " if row.size > 1 else ""


def _on_padding(row: LayerSummary, down: Span, across: Span) -> str:
    seen = (down.stop - down.start) * (across.stop - across.start)
    share = 1 - seen / row.field**2
    start = f"The receptive field of the first unit starts at pixel {row.first}." if row.size > 1 else ""
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
    current = session.digit() or 0
    index = min(current, len(images) - 1)
    key = session.control(_INDEX, index)
    st.number_input(f"Digit, index in {title}", 0, len(images) - 1, index, key=key, on_change=_typed)
    return index


def _typed() -> None:
    session.choose_digit(int(st.session_state[_INDEX]))


def side_by_side(named: Named, images: Bytes) -> None:
    """The receptive field of every layer's middle unit on the same digit."""
    image = images[min(session.digit() or 0, len(images) - 1)]
    with st.grid(min_column_width=IMAGE_SIZE * _SMALL + 20):
        for name, row in named:
            with st.container(gap="xsmall"):
                st.image(
                    with_window(image, window(row, row.size // 2), window(row, row.size // 2), _SMALL),
                    width=IMAGE_SIZE * _SMALL,
                    alt=f"{name}: the receptive field of its middle unit, {extent(row)}",
                )
                jump = f", jump {row.jump}" if row.size > 1 else ""
                st.caption(f"{widgets.plain(name)}: {extent(row)}{jump}")
