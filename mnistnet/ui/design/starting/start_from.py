"""Where a design starts from: a preset, a past run, a design file, a printout; and its name."""

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.lessons.controls import DESIGN_FILE, START_FROM
from mnistnet.nets import architecture as designs
from mnistnet.nets.presets import GROUPS, PRESETS
from mnistnet.nets.printouts import reading
from mnistnet.nets.printouts.table import MAX_CHARACTERS
from mnistnet.ui import app, auth, cache, controls, notifications, session, url, widgets
from mnistnet.ui.design.starting import names, recipe_offer
from mnistnet.ui.design.undo.buttons import undo_buttons
from mnistnet.ui.lessons import held

_BEGIN, _NAME, _FILE, _PRINTOUT = "begin-with", "design-name", "design-file", "printout"
_RUNS_OFFERED = 200


def start_from() -> None:
    """The choice of a preset or a past run, the name of the design, undo and redo, and its file."""
    start, name, rest = st.columns([0.35, 0.24, 0.41], vertical_alignment="bottom")
    with start:
        _choice()
    with name:
        key = controls.control(_NAME, session.design.value.name)
        st.text_input(
            "Name of this design", session.design.value.name, key=key, max_chars=designs.MAX_NAME, on_change=_rename
        )
    with rest, st.container(horizontal=True, gap="small"):
        undo_buttons()
        _file()
        shared = (session.design, session.recipe, session.profile)
        url.copy_link("this design with its recipe and rules", {one: one.value for one in shared})


def _file() -> None:
    """The design as a file, and designs from files and printouts."""
    with st.popover("File", icon=":material/description:"):
        st.download_button(
            "Save as a design file",
            session.design.value.to_json(),
            file_name=_file_name(session.design.value.name),
            mime="application/json",
            on_click="ignore",
        )
        st.button(
            "Export as code and more",
            icon=":material/ios_share:",
            on_click=app.show_export,
            args=(session.CURRENT_DESIGN,),
        )
        if not held.is_hidden(DESIGN_FILE):
            st.file_uploader("Open a design file", type="json", key=_FILE, on_change=_open, **held.options(DESIGN_FILE))
            _printout()


def _choice() -> None:
    """The choice of a preset or a past run."""
    if held.is_hidden(START_FROM):
        return
    titles = _titles()
    st.selectbox(
        "Start from",
        list(titles),
        index=None,
        placeholder="a preset, a published solution or a past run",
        format_func=lambda option: titles[option],
        key=_BEGIN,
        on_change=_begin,
        **held.options(START_FROM),
    )


def _titles() -> dict[str, str]:
    """What is offered, by group; the group's name stands first, so that typing it finds the whole group."""
    titles = {
        name: f"{group.capitalize()}: {name} · {preset.params:,} params"
        for group in GROUPS
        for name, preset in PRESETS.items()
        if preset.group == group
    }
    runs, user = cache.listed_runs()[:_RUNS_OFFERED], auth.owner()
    for run in sorted(runs, key=lambda run: run.owner != user):  # the newest first, as they come
        group = "Your runs" if run.owner == user else "Runs of others"
        titles[f"run {run.id}"] = f"{group}: {widgets.run_title(run)}"
    return titles


def _file_name(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name) + ".json"


def _begin() -> None:
    chosen = st.session_state[_BEGIN]
    if held.refuses(START_FROM):
        chosen = None
    if chosen in PRESETS:
        session.design.set(PRESETS[chosen].architecture)
        recipe_offer.offer(chosen)
    elif chosen and (run := cache.chosen(chosen.removeprefix("run "))):
        session.design.set(run.architecture)
        session.recipe.set(run.recipe)
    st.session_state[_BEGIN] = None


def _rename() -> None:
    if controls.is_outdated(_NAME):
        return
    try:
        renamed = session.design.value.renamed(st.session_state[_NAME].strip())
    except MnistnetError as error:
        notifications.notify(f"The name was not changed: {error}")
        return
    if names.is_taken(renamed):
        notifications.notify(
            f"The name was not changed: {renamed.name} is a preset with other layers: choose another name."
        )
        return
    session.set_design(renamed, session.layer_ids())


def _open() -> None:
    file = st.session_state[_FILE]
    if file is None or held.refuses(DESIGN_FILE):
        return
    try:
        opened = designs.parse(file.getvalue())
    except MnistnetError as error:
        notifications.notify(f"The file was not opened: {error}")
        return
    own = names.own(opened)
    if own != opened:
        notifications.notify(
            f"The preset {opened.name} has other layers than this file: the design is called {own.name} here."
        )
    session.design.set(own)


def _printout() -> None:
    st.text_area(
        "Paste a printout of torchinfo or torchsummary",
        key=_PRINTOUT,
        height=140,
        max_chars=MAX_CHARACTERS,
        placeholder="            Conv2d-1            [-1, 8, 28, 28]              72",
        **held.options(DESIGN_FILE),
    )
    st.button(
        "Read the printout", icon=":material/content_paste_go:", on_click=_read, disabled=held.is_held(DESIGN_FILE)
    )


def _read() -> None:
    if held.refuses(DESIGN_FILE):
        return
    try:
        found = reading.read(st.session_state[_PRINTOUT], names.free())
    except MnistnetError as error:
        notifications.notify(f"The printout was not read: {error}")
        return
    for note in found.notes:
        notifications.notify(f"Read from the printout: {note}.")
    session.design.set(found.architecture)
    notifications.toast(f"{len(found.architecture.layers)} layers were read from the printout.")
