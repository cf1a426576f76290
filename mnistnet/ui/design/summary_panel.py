"""What the Design page shows around the editor: where to start from, the meter, the drawing, the table."""

import math

import pandas as pd
import streamlit as st

from mnistnet.charts import design as charts
from mnistnet.charts import receptive_fields
from mnistnet.charts.palette import LAYER_TITLE
from mnistnet.data import datasets, files
from mnistnet.data.datasets import Source
from mnistnet.data.files import DataError
from mnistnet.data.splits import counts
from mnistnet.errors import MnistnetError
from mnistnet.nets import architecture as designs
from mnistnet.nets import rules
from mnistnet.nets.architecture import Conv
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import PROFILES
from mnistnet.nets.summary import IMAGE_SIZE, Summary
from mnistnet.nets.widths import shrunk
from mnistnet.training import acceleration
from mnistnet.ui import cache, session, widgets
from mnistnet.ui.design import edits, names, recipe_editor

_BEGIN, _NAME, _PROFILE, _FILE = "begin-with", "design-name", "design-profile", "design-file"
_RUNS_OFFERED = 200
_FEW_STEPS = 150  # mnistnet-min on the sample: 19 % after 33 steps, 84 % after 129, 77 to 83 % after 258
_WAYS = (
    "On a CPU. chain: with its neighbours, in one compiled operation. compiled: by a compiled loop. torch: by "
    "torch's own operation. A chain is pairs of a depthwise 3×3 and a 1×1 convolution with stride 1, the same size "
    "out as in, no bias, then batch norm and ReLU; before them a 3×3 convolution of the image with 2×2 max pool, "
    "behind them a global mean."
)


def beginning() -> None:
    """Where to start from: a preset, a past run, a file; and the design's name."""
    start, name, file = st.columns([0.45, 0.35, 0.2], vertical_alignment="bottom")
    with start:
        runs = {f"run {run.id}": run for run in cache.snapshot().runs[:_RUNS_OFFERED]}
        titles = {name: f"{name} · {preset.params:,} parameters" for name, preset in PRESETS.items()}
        titles |= {key: widgets.run_title(run) for key, run in runs.items()}
        st.selectbox(
            "Start from",
            list(titles),
            index=None,
            placeholder="a preset, a published solution or a past run",
            format_func=lambda option: titles[option],
            key=_BEGIN,
            on_change=_begin,
        )
    with name:
        key = session.control(_NAME, session.design().name)
        st.text_input(
            "Name of this design", session.design().name, key=key, max_chars=designs.MAX_NAME, on_change=_rename
        )
    with file, st.popover("File", icon=":material/description:"):
        st.download_button(
            "Save as a design file",
            session.design().to_json(),
            file_name=_file_name(session.design().name),
            mime="application/json",
            on_click="ignore",
        )
        st.file_uploader("Open a design file", type="json", key=_FILE, on_change=_open)


def _file_name(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name) + ".json"


def goal() -> None:
    """The goal, in one sentence."""
    rules = session.profile()
    st.caption(
        f"The goal: at least {rules.accuracy:.1%} on MNIST with fewer than {rules.params:,} parameters, in fewer than "
        f"{rules.epochs} epochs, without a fully connected layer."
    )


def _begin() -> None:
    chosen = st.session_state[_BEGIN]
    if chosen in PRESETS:
        session.set_design(PRESETS[chosen].architecture)
        recipe_editor.offer(chosen)
    elif chosen and (run := cache.chosen(chosen.removeprefix("run "))):
        session.set_design(run.architecture)
        session.set_recipe(run.recipe)
    st.session_state[_BEGIN] = None


def _rename() -> None:
    try:
        renamed = session.design().renamed(st.session_state[_NAME].strip())
    except MnistnetError as error:
        session.notify(f"The name was not changed: {error}")
        return
    if names.is_taken(renamed):
        session.notify(f"The name was not changed: {renamed.name} is a preset with other layers: choose another name.")
        return
    session.set_design(renamed, keep_ids=session.layer_ids())


def _open() -> None:
    file = st.session_state[_FILE]
    if file is None:
        return
    try:
        opened = designs.parse(file.getvalue())
    except MnistnetError as error:
        session.notify(f"The file was not opened: {error}")
        return
    own = names.own(opened)
    if own != opened:
        session.notify(
            f"The preset {opened.name} has other layers than this file: the design is called {own.name} here."
        )
    session.set_design(own)


def meter(summary: Summary) -> None:
    """Parameters against the budget, layer by layer, and the rules with their verdicts."""
    profile = session.profile()
    count, rubric = st.columns([0.34, 0.66])
    with count:
        left = profile.params - 1 - summary.params
        room = f"{left:,} parameters left" if left >= 0 else f"{-left:,} too many"
        st.metric(
            "Parameters" if summary.is_whole else "Parameters so far",
            f"{summary.params:,}",
            room if summary.is_whole else "a layer does not fit",
            delta_color="green" if left >= 0 and summary.is_whole else "red",
            delta_arrow="off",
            help="Trainable parameters: weights and biases, and two for each channel that batch norm normalises.",
        )
    with rubric:
        key = session.control(_PROFILE, profile.name)
        st.selectbox(
            "Rules",
            list(PROFILES),
            index=list(PROFILES).index(profile.name),
            format_func=lambda name: PROFILES[name].title,
            key=key,
            on_change=lambda: session.set_profile(st.session_state[_PROFILE]),
            label_visibility="collapsed",
        )
        widgets.verdicts(rules.verdicts(session.design(), summary, session.recipe().epochs, profile))
    chart = charts.budget(summary, profile)
    widgets.draw(
        chart,
        "budget",
        f"{summary.params:,} parameters, layer by layer; must be under {profile.params:,}",
    )
    if summary.is_whole and left < 0:
        _shrink(profile.params)
    uses = ", ".join(f"{note.technique} ×{note.uses}" for note in rules.notes(session.design()))
    st.caption(f"Layers that use: {uses}.")


def _shrink(budget: int) -> None:
    """Shrinks all layers, after it has shown what becomes of each."""
    preview = st.popover(
        "Shrink all layers to fit the budget", icon=":material/compress:", key="shrink-preview", on_change="rerun"
    )
    if not preview.open:
        return
    with preview:
        before, after = session.design(), shrunk(session.design(), budget)
        if after == before:
            st.markdown("Even with one channel in each layer the design is over the budget: remove a layer.")
            return
        left = budget - 1 - cache.summary(after).params
        widths = [
            f"layer {number}: {old.channels} → {new.channels}"
            for number, (old, new) in enumerate(zip(before.layers, after.layers, strict=True), 1)
            if isinstance(old, Conv) and isinstance(new, Conv) and old != new
        ]
        st.markdown("Channels, before → after:  \n" + "  \n".join(widths))
        st.caption(f"{left:,} parameters left. To narrow one layer only, use its “max” button.")
        st.button("Shrink the layers", type="primary", key="shrink", on_click=edits.shrink, args=(budget,))


def drawing(summary: Summary) -> None:
    """The network's drawing: widths and feature-map sizes."""
    if not summary.rows:
        return
    last = summary.rows[-1]
    widgets.draw(
        charts.drawing(summary),
        "drawing",
        f"{len(session.design().layers)} layers, from a {IMAGE_SIZE}×{IMAGE_SIZE} image to {last.channels} channels",
    )
    st.caption(
        "Bar height: feature-map size. Bar width and the number above it: channels." + _not_drawn(summary),
    )
    widgets.draw(
        receptive_fields.small(cache.named_layers(session.design())),
        "fields-small",
        f"Receptive field layer by layer, up to {summary.field} of {IMAGE_SIZE} pixels",
    )
    st.caption("Receptive field of each layer, in pixels. Dashed line: the whole image.")


def _not_drawn(summary: Summary) -> str:
    numbers = sorted({row.layer + 1 for row in summary.rows if row.type in ("dropout", "dropout2d")})
    return f" Dropout is not drawn: it is in layer {', '.join(map(str, numbers))}." if numbers else ""


def table(summary: Summary) -> None:
    """Each operation with shape, parameters, multiply-accumulates, receptive field and jump."""
    total = max(1, summary.params)
    frame = pd.DataFrame(
        [
            (
                row.layer + 1,
                LAYER_TITLE[row.type],
                "×".join(map(str, row.shape)),
                row.params,
                100 * row.params / total,
                row.macs,
                f"{row.field}×{row.field}" + (" · whole image" if row.covers_image else ""),
                row.jump,
                way,
            )
            for row, way in zip(summary.rows, acceleration.fast_path(session.design(), summary).rows, strict=True)
        ],
        columns=["layer", "operation", "output", "parameters", "share", "MACs", "field", "jump", "trains"],
    )
    st.dataframe(
        frame,
        hide_index=True,
        height=min(38 + 35 * len(frame), 560),
        key="layer-table",
        alt=f"Layer table: {summary.params:,} parameters and {summary.macs:,} multiply-accumulates in total",
        column_config={
            "layer": st.column_config.NumberColumn(width=50),
            "share": st.column_config.ProgressColumn(
                "share", format="%.0f %%", min_value=0, max_value=100, help="Share of all parameters"
            ),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "MACs": st.column_config.NumberColumn(format="localized", help="Multiply-accumulates for one image"),
            "field": st.column_config.TextColumn(
                "receptive field, px", width=190, help="How many pixels of the image one unit depends on"
            ),
            "jump": st.column_config.NumberColumn(
                "jump, px", help="Distance between neighbouring units, in image pixels"
            ),
            "trains": st.column_config.TextColumn("trains as", width=80, help=_WAYS),
        },
    )
    st.caption(
        f"{summary.params:,} parameters, {summary.macs:,} multiply-accumulates for one image. "
        + acceleration.described(session.design(), summary)
    )
    witness = st.expander("Summary by torchinfo", icon=":material/fact_check:", on_change="rerun", key="witness")
    if witness.open:
        with witness:
            if summary.fault:
                st.markdown("torchinfo needs a design without errors.")
            else:
                st.code(cache.torchinfo_summary(session.design()), language=None)


def data_notice() -> None:
    """Says where the chosen data set is small or not on this machine yet, and offers what works without it."""
    source = datasets.source(session.recipe().dataset)
    try:
        if datasets.is_here(source.name):
            if source is datasets.OFFLINE:
                st.info(_about_sample(source), icon=":material/info:")
            return
    except DataError as error:
        st.error(widgets.plain(str(error)), icon=":material/error:")
        return
    place = datasets.folder(source).resolve()
    with st.container(border=True):
        st.markdown(f":material/download: {source.title} is not on this machine yet. The first run downloads it.")
        megabytes = sum(files.size(name) for name in files.NAMES) / 1e6
        st.caption(
            f"It is stored in `{place}` ({megabytes:.0f} MB). To download it now, or to check a copy that you have:"
        )
        st.code(f"MNISTNET_DATA=/your/copy python -m mnistnet data --dataset {source.name}", language="bash")
        offline = session.recipe().on("digits")
        st.button("Use the offline sample instead", on_click=session.set_recipe, args=(offline,))


def _about_sample(source: Source) -> str:
    recipe = session.recipe()
    images = counts(source, recipe.protocol).train
    steps = math.ceil(images / recipe.batch_size) * recipe.epochs
    said = f"{source.title}: {images:,} training images. No accuracy on it is an MNIST accuracy."
    if steps < _FEW_STEPS:
        said += f" {steps} training steps are too few to learn: choose a smaller batch size or more epochs."
    return said
