"""The Receptive fields page's pieces: the window of one unit on a digit, and all layers side by side."""

from dataclasses import dataclass

import streamlit as st

from mnistnet.charts.pictures import with_window
from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.geometry import IMAGE_SIZE, Row, Span, window
from mnistnet.runs import exhibits
from mnistnet.runs.predictions import SplitName
from mnistnet.runs.run import Run
from mnistnet.ui import address, components, readers, state

_LAYER, _DOWN, _ACROSS, _INDEX = "field-layer", "field-down", "field-across", "field-digit"
_WHOSE, _RUNS_OFFERED = "field-whose", 200
_TIMES = 14
_SMALL = 5

Named = list[tuple[str, Row]]


def source_picker() -> None:
    """Whose layers to look at: the design on the table or a run's."""
    titles = {address.TABLE: f"the design on the table: {state.design().name}"}
    titles |= {
        run.id: components.run_title(run) for run in (*readers.snapshot().runs[:_RUNS_OFFERED], *exhibits.runs())
    }
    current = state.network() if state.network() in titles else address.TABLE
    key = state.control(_WHOSE, current)
    st.selectbox(
        "Network",
        list(titles),
        index=list(titles).index(current),
        format_func=titles.__getitem__,
        key=key,
        on_change=_whose_chosen,
    )


def _whose_chosen() -> None:
    state.choose_network(st.session_state[_WHOSE])


def picked() -> Run | None:
    """The run whose network was picked; None for the design on the table."""
    return None if state.network() == address.TABLE else readers.chosen(state.network())


def architecture() -> Architecture:
    """The design that was picked."""
    run = picked()
    return run.architecture if run else state.design()


@dataclass(frozen=True, eq=False)
class Digits:
    """Images to look at, (n, 28, 28) uint8, the data set they are from, and how they are called."""

    images: Bytes
    dataset: str
    title: str


def digits() -> Digits:
    """The picked network's images, where they are here, else the offline sample's."""
    run = picked()
    recipe = run.recipe if run else state.recipe()
    split: SplitName = state.split() if run and state.split() in run.scorable else "test"
    try:
        images = readers.images(recipe.dataset, recipe.protocol, split)
        return Digits(images, recipe.dataset, f"the {split} images of {datasets.source(recipe.dataset).title}")
    except MnistnetError:
        images = readers.images(datasets.OFFLINE.name, "course", "test")
        return Digits(images, datasets.OFFLINE.name, datasets.OFFLINE.title)


def coverage(named: Named) -> None:
    """Which layer first sees the whole digit, in a sentence."""
    first = next((name for name, row in named if row.covers_image), None)
    if first:
        sentence = f"**Layer {first}** is the first in which every unit sees the whole {IMAGE_SIZE}×{IMAGE_SIZE} image."
    else:
        name, row = named[-1]
        reason = "its units at the edge do not" if row.field >= IMAGE_SIZE else f"of {IMAGE_SIZE}"
        sentence = f"No layer sees the whole image everywhere: the last, {name}, sees {row.field} pixels, {reason}."
    st.markdown(sentence)


def one_unit(named: Named, images: Bytes, title: str) -> None:
    """Pick a layer, a unit and a digit; see the unit's window on it."""
    controls, picture = st.columns([0.45, 0.55])
    with controls:
        names = [name for name, _ in named]
        if st.session_state.get(_LAYER) not in names:
            st.session_state[_LAYER] = names[min(2, len(names) - 1)]
        current = st.session_state[_LAYER]
        chosen = st.select_slider("Layer", names, current, key=_LAYER) if len(names) > 1 else names[0]
        row = dict(named)[chosen]
        unit = (_unit(_DOWN, "Unit, row", row), _unit(_ACROSS, "Unit, column", row))
        index = _digit(images, title)
        down, across = (window(row, position) for position in unit)
        st.markdown(
            f"Sees **{row.field}×{row.field}** pixels"
            + (", **the whole image**" if row.covers_image else "")
            + f". Neighbours are {row.jump} px apart; the map is {row.size}×{row.size}."
        )
        st.caption(_on_padding(row, down, across))
        seen = int(images[index, down.start : down.stop, across.start : across.stop].sum())
        ink = max(1, int(images[index].sum()))
        st.metric(
            "Ink inside the window",
            f"{seen / ink:.0%}",
            help="Share of the digit's brightness that this unit can possibly know of.",
        )
    with picture:
        st.image(
            with_window(images[index], down, across, _TIMES),
            width=IMAGE_SIZE * _TIMES,
            alt=f"Digit {index}, seen: rows {_span(down)}, columns {_span(across)}",
        )


def _on_padding(row: Row, down: Span, across: Span) -> str:
    seen = (down.stop - down.start) * (across.stop - across.start)
    share = 1 - seen / row.field**2
    start = f"The first unit's field starts at pixel {row.first}"
    return (
        f"{start}. {share:.0%} of this unit's field lies outside the image, on padding." if share > 0 else f"{start}."
    )


def _span(span: Span) -> str:
    return f"{span.start} to {span.stop - 1}"


def _unit(key: str, label: str, row: Row) -> int:
    if row.size == 1:
        st.caption(f"{label}: the map has a single one.")
        return 0
    if not 0 <= st.session_state.get(key, -1) < row.size:
        st.session_state[key] = row.size // 2
    return int(st.slider(label, 0, row.size - 1, st.session_state[key], key=key))


def _digit(images: Bytes, title: str) -> int:
    current = state.digit() or 0
    index = min(current, len(images) - 1)
    key = state.control(_INDEX, index)
    st.number_input(f"Digit, index in {title}", 0, len(images) - 1, index, key=key, on_change=_typed)
    return index


def _typed() -> None:
    state.choose_digit(int(st.session_state[_INDEX]))


def side_by_side(named: Named, images: Bytes) -> None:
    """Every layer's middle unit on the same digit."""
    image = images[min(state.digit() or 0, len(images) - 1)]
    with st.grid(min_column_width=IMAGE_SIZE * _SMALL + 20):
        for name, row in named:
            with st.container(gap="xsmall"):
                st.caption(f"{components.plain(name)}: {row.field} px, jump {row.jump}")
                st.image(
                    with_window(image, window(row, row.size // 2), window(row, row.size // 2), _SMALL),
                    width=IMAGE_SIZE * _SMALL,
                    alt=f"{name}: its middle unit sees {min(row.field, IMAGE_SIZE)} pixels a side",
                )
