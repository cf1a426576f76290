"""What the Design page shows around the editor: where to begin, the meter, the table, the start."""

import pandas as pd
import streamlit as st

from mnistnet.charts import design as charts
from mnistnet.charts import fields
from mnistnet.charts.palette import LAYER_TITLE
from mnistnet.data import datasets, files
from mnistnet.data.files import DataError
from mnistnet.data.splits import counts
from mnistnet.errors import MnistnetError
from mnistnet.nets import architecture as designs
from mnistnet.nets import rules
from mnistnet.nets.geometry import IMAGE_SIZE, Walk
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import PROFILES
from mnistnet.runs import supervisor
from mnistnet.system import cores
from mnistnet.ui import access, components, edits, readers, state

_BEGIN, _NAME, _PROFILE, _FILE = "begin-with", "design-name", "design-profile", "design-file"
_RUNS_OFFERED = 200


def beginning() -> None:
    """Where to begin: a preset, a past run, a file; and the design's name."""
    start, name, file = st.columns([0.45, 0.35, 0.2], vertical_alignment="bottom")
    with start:
        runs = {f"run {run.id}": run for run in readers.snapshot().runs[:_RUNS_OFFERED]}
        titles = {name: f"{name} · {preset.params:,} parameters" for name, preset in PRESETS.items()}
        titles |= {key: components.run_title(run) for key, run in runs.items()}
        st.selectbox(
            "Begin with",
            list(titles),
            index=None,
            placeholder="a published solution, one of ours, a past run",
            format_func=lambda option: titles[option],
            key=_BEGIN,
            on_change=_begin,
        )
    with name:
        key = state.control(_NAME, state.design().name)
        st.text_input(
            "Name of this design", state.design().name, key=key, max_chars=designs.MAX_NAME, on_change=_rename
        )
    with file, st.popover("File", icon=":material/description:"):
        st.download_button(
            "Save as a design file",
            state.design().to_json(),
            file_name=_file_name(state.design().name),
            mime="application/json",
            on_click="ignore",
        )
        st.file_uploader("Open a design file", type="json", key=_FILE, on_change=_open)


def _file_name(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name) + ".json"


def goal() -> None:
    """What all this is for, in one sentence."""
    rules = state.profile()
    st.caption(
        f"The goal: at least {rules.accuracy:.1%} on MNIST with fewer than {rules.params:,} parameters, in fewer than "
        f"{rules.epochs} epochs, without a fully connected layer. Move a width, watch the count, start training."
    )


def _begin() -> None:
    chosen = st.session_state[_BEGIN]
    if chosen in PRESETS:
        state.put_design(PRESETS[chosen].architecture)
    elif chosen and (run := readers.chosen(chosen.removeprefix("run "))):
        state.put_design(run.architecture)
        state.put_recipe(run.recipe)
    st.session_state[_BEGIN] = None


def _rename() -> None:
    try:
        state.put_design(state.design().renamed(st.session_state[_NAME].strip()), keep_ids=state.layer_ids())
    except MnistnetError as error:
        state.tell(f"The name was not changed: {error}")


def _open() -> None:
    file = st.session_state[_FILE]
    if file is None:
        return
    try:
        state.put_design(designs.parse(file.getvalue()))
    except MnistnetError as error:
        state.tell(f"The file was not opened: {error}")


def meter(walk: Walk) -> None:
    """Parameters against the budget, layer by layer, and the rules with their verdicts."""
    profile = state.profile()
    count, rubric = st.columns([0.34, 0.66])
    with count:
        left = profile.params - 1 - walk.params
        room = f"{left:,} to spare" if left >= 0 else f"{-left:,} too many"
        st.metric(
            "Parameters" if walk.is_whole else "Parameters so far",
            f"{walk.params:,}",
            room if walk.is_whole else "a layer does not fit",
            delta_color="green" if left >= 0 and walk.is_whole else "red",
            delta_arrow="off",
            help="Trainable numbers: convolution weights and biases, and two for each batch-normalised channel.",
        )
    with rubric:
        key = state.control(_PROFILE, profile.name)
        st.selectbox(
            "Rules",
            list(PROFILES),
            index=list(PROFILES).index(profile.name),
            format_func=lambda name: PROFILES[name].title,
            key=key,
            on_change=lambda: state.put_profile(st.session_state[_PROFILE]),
            label_visibility="collapsed",
        )
        components.verdicts(rules.verdicts(state.design(), walk, state.recipe().epochs, profile))
    chart = charts.budget(walk, profile)
    components.draw(
        chart,
        "budget",
        f"{walk.params:,} of fewer than {profile.params:,} parameters, layer by layer",
    )
    if walk.is_whole and left < 0:
        st.button(
            "Narrow all layers to fit",
            icon=":material/compress:",
            on_click=edits.narrow,
            args=(profile.params,),
            help="Every width by the same factor. One layer alone: its “max” button, where it is enough.",
        )
    uses = ", ".join(f"{note.technique} ×{note.uses}" for note in rules.notes(state.design()))
    st.caption(f"For information: {uses}.")


def drawing(walk: Walk) -> None:
    """The network's drawing: widths and map sizes."""
    if not walk.rows:
        return
    last = walk.rows[-1]
    components.draw(
        charts.drawing(walk),
        "drawing",
        f"{len(state.design().layers)} layers, from a {IMAGE_SIZE}×{IMAGE_SIZE} image to {last.channels} channels",
    )
    st.caption("Height: the map's side. Width and the number above: channels.")
    components.draw(
        fields.small(readers.named_layers(state.design())),
        "fields-small",
        f"Receptive field layer by layer, up to {walk.field} of {IMAGE_SIZE} pixels",
    )
    st.caption("How many pixels one unit of each layer can see; dashed, the whole image.")


def table(walk: Walk) -> None:
    """Each operation with shape, parameters, multiply-accumulates, field and jump."""
    total = max(1, walk.params)
    frame = pd.DataFrame(
        [
            (
                row.layer + 1,
                LAYER_TITLE[row.type],
                "×".join(map(str, row.shape)),
                row.params,
                100 * row.params / total,
                row.macs,
                f"{row.field}" + (" · covers the whole image" if row.covers_image else ""),
                row.jump,
            )
            for row in walk.rows
        ],
        columns=["layer", "operation", "output", "parameters", "share", "MACs", "field", "jump"],
    )
    st.dataframe(
        frame,
        hide_index=True,
        height=min(38 + 35 * len(frame), 560),
        key="layer-table",
        alt=f"Layer table: {walk.params:,} parameters and {walk.macs:,} multiply-accumulates in all",
        column_config={
            "layer": st.column_config.NumberColumn(width=50),
            "share": st.column_config.ProgressColumn(
                "share", format="%.0f %%", min_value=0, max_value=100, help="Share of all parameters"
            ),
            "parameters": st.column_config.NumberColumn(format="localized"),
            "MACs": st.column_config.NumberColumn(format="localized", help="Multiply-accumulates for one image"),
            "field": st.column_config.TextColumn(
                "field, px", width=190, help="Receptive field: how many pixels a unit can see"
            ),
            "jump": st.column_config.NumberColumn("jump, px", help="Distance between neighbouring units' windows"),
        },
    )
    st.caption(f"{walk.params:,} parameters, {walk.macs:,} multiply-accumulates for one image.")
    witness = st.expander("torchinfo's own summary", icon=":material/fact_check:", on_change="rerun", key="witness")
    if witness.open:
        with witness:
            if walk.fault:
                st.markdown("torchinfo needs a design that can be built.")
            else:
                st.code(readers.torchinfo_summary(state.design()), language=None)


def start(walk: Walk) -> None:
    """The bar at the bottom: what it will cost, and Start."""
    recipe, profile = state.recipe(), state.profile()
    images = counts(datasets.source(recipe.dataset), recipe.protocol).train
    fits = walk.is_whole and walk.params < profile.params
    colour, icon = ("green", "check") if fits else ("red", "close")
    guess = readers.training_time(state.design(), images, recipe.epochs, recipe.threads or cores())
    basis = f"corrected by {guess.runs_seen} runs on this machine" if guess.runs_seen else "a first guess"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small"):
        st.markdown(
            f":{colour}-badge[:material/{icon}: {walk.params:,}{'' if walk.is_whole else ' +'} / {profile.params:,}] "
            f"{recipe.epochs} epochs" + (f", about {components.duration(guess.seconds)}" if walk.is_whole else ""),
            width="content",
            help=f"Training time on this machine's CPU, {basis}.",
        )
        st.button(
            "Start training",
            type="primary",
            icon=":material/play_arrow:",
            key="start",
            disabled=walk.fault is not None,
            on_click=_start,
            args=(state.start_token(),),
        )
    if walk.fault:
        st.caption(f":material/error: Cannot start. Layer {walk.fault.layer + 1}: {walk.fault.message}.")


def _start(token: str) -> None:
    try:
        run = supervisor.submit(readers.store(), state.design(), state.recipe(), token, owner=access.owner())
    except MnistnetError as error:
        state.tell(f"Not started: {error}")
        return
    readers.forget()
    state.choose_run(run.id)
    state.go_to("pages/train.py")


def data_notice() -> None:
    """Says so where the chosen data set is not on this machine yet, and offers what works without it."""
    source = datasets.source(state.recipe().dataset)
    try:
        if datasets.is_here(source.name):
            if source is datasets.OFFLINE:
                st.info(f"{source.title}: no accuracy on it is an MNIST accuracy.", icon=":material/info:")
            return
    except DataError as error:
        st.error(components.plain(str(error)), icon=":material/error:")
        return
    place = datasets.folder(source).resolve()
    with st.container(border=True):
        st.markdown(f":material/download: {source.title} is not on this machine yet: the first run downloads it.")
        megabytes = sum(files.size(name) for name in files.NAMES) / 1e6
        st.caption(f"It goes to `{place}` ({megabytes:.0f} MB). To fetch and verify it now, or to check your own copy:")
        st.code(f"MNISTNET_DATA=/your/copy python -m mnistnet data --dataset {source.name}", language="bash")
        offline = state.recipe().changed(dataset=datasets.OFFLINE.name)
        st.button("Use the offline sample instead", on_click=state.put_recipe, args=(offline,))
