"""One card a format: what it is for, what is in it, and its download, or why there is none."""

from dataclasses import replace

import streamlit as st

from mnistnet.exports.formats import FORMATS, Format
from mnistnet.exports.material import Material
from mnistnet.ui import widgets
from mnistnet.ui.export import downloads

_CARD_PIXELS = 330


def cards(material: Material) -> None:
    """The formats side by side, those that can be made first."""
    formats = sorted(FORMATS.values(), key=lambda form: _objection(form, material) is not None)
    with st.grid(3, min_column_width=_CARD_PIXELS):
        for form in formats:
            with st.container(border=True, height="stretch", key=f"export-card-{form.name}"):
                _card(form, material)


def _card(form: Format, material: Material) -> None:
    st.markdown(f"**{form.title}**  \n{form.use}")
    if form.contents:
        st.caption(f"{form.contents}." if not form.contents.endswith(".") else form.contents)
    if form.is_judged:
        st.caption(
            f"Judged by the rules “{widgets.plain(material.profile.name)}”; others can be chosen on the Design page."
        )
    if objection := _objection(form, material):
        st.caption(f":material/info: {objection}")
    else:
        offered = material if _has_epochs(material) else replace(material, result=None)
        downloads.button(form, [offered], f"Download {_ending(form, offered)}")


def _ending(form: Format, material: Material) -> str:
    return f"{form.name}.zip" if downloads.is_zip(form, [material]) else form.file


def _has_epochs(material: Material) -> bool:
    """True where there are weights; a run without any is a design and a recipe."""
    return material.result is not None and bool(material.result.metrics)


def _objection(form: Format, material: Material) -> str | None:
    """The reason why the material cannot be had in this format, as Markdown; None where it can."""
    if form.extra and not form.extra.is_installed:
        return f"Not installed. To install it: `{form.extra.installation}`"
    if form.needs_run and material.result is None:
        return "Needs a run: train the design, then choose its run above."
    if form.needs_run and not _has_epochs(material):
        return "Needs a finished epoch: this run has none yet."
    return None
