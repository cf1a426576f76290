"""What needs the network's weights: effective receptive fields, kernels, the images that activate a channel most."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from mnistnet.charts import receptive_fields as charts
from mnistnet.charts.palette import NEUTRAL, TRAINING
from mnistnet.charts.pictures import cut, enlarged, with_field
from mnistnet.charts.receptive_fields import extent
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.insight.network.receptive_fields import EffectiveField
from mnistnet.nets.summary import IMAGE_SIZE, LayerSummary
from mnistnet.runs.run import Run
from mnistnet.ui import cache, network_cache, widgets
from mnistnet.ui.kernel_sheet import kernel_sheet
from mnistnet.ui.network_cache import Subject

_LAYER, _CHANNEL = "driven-layer", "driven-channel"
_TIMES = 5
_PATCHES = 12
_PATCH_SIDE = 84

Named = list[tuple[str, LayerSummary]]


def effective_view(subject: Subject, named: Named, images: Bytes, dataset: str) -> None:
    """The three sections, or a sentence that says why they are not available."""
    if cache.summary(network_cache.architecture(subject)).fault:
        st.info(
            "Effective receptive fields need a design without errors: correct it on the Design page.",
            icon=":material/info:",
        )
        return
    try:
        effective_fields(subject, named, images, dataset)
        first_kernels(subject, dataset)
        top_activations(subject, named, images, dataset)
    except MnistnetError as error:
        widgets.problem(error)


def effective_fields(subject: Subject, named: Named, images: Bytes, dataset: str) -> None:
    """Effective receptive fields of the untrained and the trained network, and their sizes by depth."""
    sample = images[: network_cache.FIELD_IMAGES]
    fresh = network_cache.effective_fields(network_cache.architecture(subject), sample, dataset)
    found = {"untrained": fresh}
    if isinstance(subject, Run):
        found["trained"] = network_cache.effective_fields(subject, sample, dataset)
    st.markdown(_sentence(named, found))
    sizes = {who: [by_layer[row.layer].most_energy for _, row in named] for who, by_layer in found.items()}
    widgets.draw(
        charts.along_depth(named, sizes),
        "along-depth",
        f"Receptive field and effective receptive field of {len(named)} layers; the image is {IMAGE_SIZE} pixels wide",
    )
    st.caption(
        "Bars: receptive field. Marks: effective receptive field, given as the side of a square with as many pixels as "
        f"hold 95% of the squared gradient; mean over {network_cache.FIELD_IMAGES} digits (after Luo et al., 2016)."
    )
    _figures(named, found)
    with st.grid(min_column_width=len(found) * (IMAGE_SIZE * _TIMES + 12)):
        for name, row in named:
            with st.container(gap="xsmall"):
                _pair(name, row, found)


def _sentence(named: Named, found: Mapping[str, Mapping[int, EffectiveField]]) -> str:
    """The first layer with a receptive field as large as the image, else the last, and its effective sizes."""
    name, row = next(((name, row) for name, row in named if row.field >= IMAGE_SIZE), named[-1])
    sizes = " and ".join(
        f"{side}×{side} {who}" for who, by_layer in found.items() for side in (round(by_layer[row.layer].most_energy),)
    )
    return (
        f"Layer **{widgets.plain(name)}** has a receptive field of {extent(row)}. "
        f"Its effective receptive field is about {sizes}."
    )


def _figures(named: Named, found: Mapping[str, Mapping[int, EffectiveField]]) -> None:
    """All sizes as a table, with those by the measure of the paper."""
    with st.expander("All sizes as a table", icon=":material/table:"):
        columns: dict[str, list[str] | list[float]] = {
            "layer": [name for name, _ in named],
            "receptive field": [extent(row) for _, row in named],
            "jump": [str(row.jump) if row.size > 1 else "–" for _, row in named],
            "feature map": [f"{row.size}×{row.size}" for _, row in named],
        }
        for who, by_layer in found.items():
            fields = [by_layer[row.layer] for _, row in named]
            columns[f"effective, {who}"] = [round(field.most_energy, 1) for field in fields]
            columns[f"over 4.55%, {who}"] = [round(field.two_deviations, 1) for field in fields]
        st.dataframe(columns, hide_index=True, key="field-sizes", alt=f"Sizes of {len(named)} layers in pixels")
        st.caption(
            "Effective: the side of the square that holds 95% of the squared gradient. Over 4.55%: the side of the "
            "square of all pixels whose gradient is above 4.55% of the largest, which for a Gaussian are the pixels "
            "within two standard deviations (2σ), the measure of Luo et al."
        )


def _pair(name: str, row: LayerSummary, found: Mapping[str, Mapping[int, EffectiveField]]) -> None:
    """The effective receptive fields of one layer side by side, in the frame of its middle unit's receptive field."""
    middle = row.receptive_fields[row.size // 2]
    paper = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    colours = {"untrained": NEUTRAL, "trained": TRAINING}
    st.markdown(f"**{widgets.plain(name)}** · {extent(row)}")
    with st.container(horizontal=True, gap="xsmall"):
        for who, by_layer in found.items():
            field = by_layer[row.layer]
            with st.container(gap=None, width=IMAGE_SIZE * _TIMES + 4):
                st.image(
                    with_field(paper, field.strength, middle, middle, _TIMES, colours[who]),
                    width=IMAGE_SIZE * _TIMES,
                    alt=f"{name}, {who}: effective receptive field {field.most_energy:.1f} of {row.field} pixels",
                )
                st.caption(f"{who}: {field.most_energy:.1f} px")


def first_kernels(subject: Subject, dataset: str) -> None:
    """The kernels of the first layer as pictures; nothing where it is not a convolution."""
    found = network_cache.probe(subject, dataset).kernels
    if found is not None:
        kernel_sheet(found[:, 0])


@st.fragment
def top_activations(subject: Subject, named: Named, images: Bytes, dataset: str) -> None:
    """The parts of digits that activate the chosen channel most, each cut to the receptive field of its unit."""
    st.subheader("Images that activate a channel most", anchor=False)
    names = [name for name, _ in named]
    left, right = st.columns(2)
    if st.session_state.get(_LAYER) not in names:
        st.session_state[_LAYER] = names[len(names) // 2]
    chosen = left.selectbox("Layer", names, names.index(st.session_state[_LAYER]), key=_LAYER)
    row = dict(named)[chosen]
    if not 1 <= st.session_state.get(_CHANNEL, 0) <= row.channels:
        st.session_state[_CHANNEL] = 1
    channel = right.number_input("Channel", 1, row.channels, st.session_state[_CHANNEL], key=_CHANNEL)
    try:
        found = network_cache.top_activations(
            subject, dataset, row.layer, int(channel) - 1, images[: network_cache.ACTIVATION_IMAGES], _PATCHES
        )
    except MnistnetError as error:  # a fragment runs outside of the `try` in `effective_view`
        widgets.problem(error)
        return
    side = min(row.field, IMAGE_SIZE)
    times = max(1, _PATCH_SIDE // side)
    with st.grid(min_column_width=side * times + 12):
        for activation in found:
            patch = cut(
                images[activation.image],
                row.receptive_fields[activation.row],
                row.receptive_fields[activation.column],
                side,
            )
            with st.container(gap=None):
                st.image(enlarged(patch, times), width=side * times, alt=f"Part of image {activation.image}")
                st.caption(f"{activation.image}: {activation.value:.2f}")
    st.caption(
        f"Of the first {min(len(images), network_cache.ACTIVATION_IMAGES):,} images, the {len(found)} with the highest "
        f"value in channel {channel} of layer {widgets.plain(chosen)}, cut to the receptive field of that unit "
        f"({extent(row)}). Below each: the image's index and the value."
    )
