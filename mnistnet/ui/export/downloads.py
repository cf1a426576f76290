"""Downloads: the files of a format, made when somebody asks for them, shared by sessions and kept while there is room.

The browser asks for the file in a thread without a page, while the page runs again. Both advance one computation: the
page shows its progress, and why it failed.
"""

import mimetypes
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.exports.formats import Format
from mnistnet.exports.material import Material
from mnistnet.insight.network.steps import Steps
from mnistnet.runs.files import zip_members
from mnistnet.runs.store.store import default_root
from mnistnet.ui import computations, widgets
from mnistnet.ui.computations import Key, TakesLong

_ASKED = "_export-asked"
_BINARY = "application/octet-stream"


@dataclass(frozen=True)
class Download:
    """The contents of one file, whose bytes count against what is kept."""

    data: bytes


@st.fragment
def button(form: Format, materials: Sequence[Material], label: str, *, primary: bool = False) -> None:
    """A button that downloads the materials in this format; below it progress, and the reason where it failed.

    A fragment, so that the rest of the page does not wait for the file.
    """
    key, name = f"export-{form.name}-{len(materials)}", file_name(form, materials)
    computation = _key(form, materials), lambda: _download(form, materials), f"Making {form.title}"
    st.download_button(
        label,
        lambda: computations.finished(*computation).data,
        file_name=name,
        mime=mimetypes.guess_type(name)[0] or _BINARY,
        key=key,
        on_click=_ask,
        args=(key,),
        type="primary" if primary else "secondary",
        icon=":material/download:",
    )
    if st.session_state.get(_ASKED) == key:
        _follow(computation)


def _ask(key: str) -> None:
    st.session_state[_ASKED] = key


def _follow(computation: tuple[Key, Callable[[], Steps[Download]], str]) -> None:
    try:
        with st.spinner(f"{computation[2]}…"):
            computations.result(*computation)
    except TakesLong as error:
        widgets.problem(error)  # and still asked for: its button continues
        return
    except MnistnetError as error:
        widgets.problem(error)
    del st.session_state[_ASKED]


def file_name(form: Format, materials: Sequence[Material]) -> str:
    """The name that the browser saves the download under; of several files, that of a zip file."""
    stem = materials[0].stem if len(materials) == 1 else f"{len(materials)}-runs"
    return f"{stem}-{form.name}.zip" if is_zip(form, materials) else f"{stem}-{form.file}"


def is_zip(form: Format, materials: Sequence[Material]) -> bool:
    """True where the download is a zip file of several files."""
    return form.is_folder and not (form.is_alone and all(material.result is None for material in materials))


def _download(form: Format, materials: Sequence[Material]) -> Steps[Download]:
    files = yield from form.files(*materials)
    return Download(zip_members.packed(files) if is_zip(form, materials) else files[form.file])


def _key(form: Format, materials: Sequence[Material]) -> Key:
    return "export", str(default_root()), form.name, *map(_identity, materials)


def _identity(material: Material) -> Hashable:
    """A value that is equal where the exports are: of a run what it has reached, else design and recipe."""
    if material.result is None:
        return material.architecture, material.recipe
    run = material.result.run
    return run.id, run.attempt, run.epochs_done, run.weights_sha256, run.state, material.profile
