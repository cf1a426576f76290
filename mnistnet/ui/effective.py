"""What a network's layers do look at, beside what they could: effective fields, kernels, what drives a channel."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from mnistnet.charts import fields as charts
from mnistnet.charts.palette import NEUTRAL, TRAINING
from mnistnet.charts.pictures import cut, enlarged, sheet, with_field
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.insight.sights import Field
from mnistnet.nets.geometry import IMAGE_SIZE, Row, window
from mnistnet.runs.run import Run
from mnistnet.ui import components, insights, readers
from mnistnet.ui.insights import Subject

_LAYER, _CHANNEL = "driven-layer", "driven-channel"
_TIMES = 5
_KERNEL_SIDE = 36  # pixels that one kernel of the sheet may take
_KERNELS_IN_A_ROW = 12
_PATCHES = 12
_PATCH_SIDE = 84

Named = list[tuple[str, Row]]


def show(subject: Subject, named: Named, images: Bytes, dataset: str) -> None:
    """All that takes the network itself, and not its geometry alone; says why where it cannot be had."""
    if readers.walk(insights.architecture(subject)).fault:
        st.info("This needs a design that can be built.", icon=":material/info:")
        return
    try:
        looked_at(subject, named, images, dataset)
        kernels(subject, dataset)
        driven(subject, named, images, dataset)
    except MnistnetError as error:
        components.problem(error)


def looked_at(subject: Subject, named: Named, images: Bytes, dataset: str) -> None:
    """Effective fields, untrained beside trained, and both sizes along depth."""
    fresh = insights.effective(insights.architecture(subject), images, dataset)
    found = {"untrained": fresh}
    if isinstance(subject, Run):
        found["trained"] = insights.effective(subject, images, dataset)
    st.markdown(_sentence(named, found))
    sizes = {who: [by_layer[row.layer].most_energy for _, row in named] for who, by_layer in found.items()}
    components.draw(
        charts.along_depth(named, sizes),
        "along-depth",
        f"Receptive field and effective field of {len(named)} layers; the image is {IMAGE_SIZE} pixels wide",
    )
    st.caption(
        f"Bars: what a unit can see. Marks: what it looks at, the side of a square as large as the pixels that hold "
        f"95% of the squared gradient, over {insights.SAMPLE} digits (after Luo et al., 2016)."
    )
    with st.grid(min_column_width=len(found) * (IMAGE_SIZE * _TIMES + 12)):
        for name, row in named:
            with st.container(gap="xsmall"):
                _pair(name, row, found)


def _sentence(named: Named, found: Mapping[str, Mapping[int, Field]]) -> str:
    name, row = next(((name, row) for name, row in named if row.field >= IMAGE_SIZE), named[-1])
    sizes = " and ".join(f"{by_layer[row.layer].most_energy:.0f} px {who}" for who, by_layer in found.items())
    return f"Layer **{components.plain(name)}** can see {min(row.field, IMAGE_SIZE)} px a side; it looks at {sizes}."


def _pair(name: str, row: Row, found: Mapping[str, Mapping[int, Field]]) -> None:
    """One layer's effective fields side by side, with the window of its middle place around each."""
    middle = window(row, row.size // 2)
    paper = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    colours = {"untrained": NEUTRAL, "trained": TRAINING}
    st.markdown(f"**{components.plain(name)}** · sees {row.field} px")
    with st.container(horizontal=True, gap="xsmall"):
        for who, by_layer in found.items():
            field = by_layer[row.layer]
            with st.container(gap=None, width=IMAGE_SIZE * _TIMES + 4):
                st.image(
                    with_field(paper, field.strength, middle, middle, _TIMES, colours[who]),
                    width=IMAGE_SIZE * _TIMES,
                    alt=f"{name}, {who}: looks at {field.most_energy:.1f} of {row.field} pixels",
                )
                st.caption(f"{who}: {field.most_energy:.1f} px (95%), {field.two_deviations:.1f} px (2σ)")


def kernels(subject: Subject, dataset: str) -> None:
    """The first layer's kernels as pictures."""
    found = insights.lens(subject, dataset).kernels
    if found is None:
        return
    st.subheader("What the first layer looks for", anchor=False)
    times = max(1, _KERNEL_SIDE // found.shape[2])
    st.image(
        sheet(found[:, 0], _KERNELS_IN_A_ROW, times, grey_is_zero=True),
        alt=f"{len(found)} kernels of the first convolution",
    )
    st.caption(f"{len(found)} kernels of {found.shape[2]}×{found.shape[3]}: white asks for ink, black for paper.")


@st.fragment
def driven(subject: Subject, named: Named, images: Bytes, dataset: str) -> None:
    """The patches of real digits that drive a chosen channel hardest, each cut to its receptive field."""
    st.subheader("What drives a channel", anchor=False)
    names = [name for name, _ in named]
    one, other = st.columns(2)
    if st.session_state.get(_LAYER) not in names:
        st.session_state[_LAYER] = names[len(names) // 2]
    chosen = one.selectbox("Of layer", names, names.index(st.session_state[_LAYER]), key=_LAYER)
    row = dict(named)[chosen]
    if not 1 <= st.session_state.get(_CHANNEL, 0) <= row.channels:
        st.session_state[_CHANNEL] = 1
    channel = other.number_input("Channel", 1, row.channels, st.session_state[_CHANNEL], key=_CHANNEL)
    try:
        found = insights.drivers(subject, dataset, row.layer, int(channel) - 1, images, _PATCHES)
    except MnistnetError as error:  # a fragment runs without the page, which would catch it
        components.problem(error)
        return
    side = min(row.field, IMAGE_SIZE)
    times = max(1, _PATCH_SIDE // side)
    with st.grid(min_column_width=side * times + 12):
        for driver in found:
            patch = cut(images[driver.image], window(row, driver.row), window(row, driver.column), side)
            with st.container(gap=None):
                st.image(enlarged(patch, times), width=side * times, alt=f"part of image {driver.image}")
                st.caption(f"{driver.image}: {driver.value:.2f}")
    st.caption(
        f"Of the first {min(len(images), insights.DRIVEN_BY):,} images, those that drive channel {channel} of layer "
        f"{components.plain(chosen)} hardest, cut to the {side} pixels that its unit sees; under each the image's "
        "number and the channel's value."
    )
