"""The command lines that write the same files."""

import shlex

import streamlit as st

from mnistnet.exports.formats import FORMATS
from mnistnet.exports.material import Material
from mnistnet.nets.presets import PRESETS
from mnistnet.ui import session


def commands(material: Material) -> None:
    """A command for each format that the material can be had in."""
    forms = [form for form in FORMATS.values() if material.result or not form.needs_run]
    if not forms:
        return
    with st.expander("On the command line", icon=":material/terminal:"):
        st.caption("Writes the same files into the current folder; `--output` names another place.")
        lines = [f"python -m mnistnet export {name(material)} --format {form.name}" for form in forms]
        if len(session.series.value) > 1:
            runs = " ".join(map(shlex.quote, session.series.value))
            several = [form.name for form in FORMATS.values() if form.write_series]
            lines += [f"python -m mnistnet export {runs} --format {form}" for form in several]
        st.code("\n".join(lines), language="bash")
        if material.result is None and not _is_preset(material):
            st.caption("Save the design first: Design, File, Save as a design file.")


def name(material: Material) -> str:
    """The name of the material on the command line: a run's id, a preset, or a design file of this name."""
    if material.result:
        return shlex.quote(material.result.run.id)
    return material.architecture.name if _is_preset(material) else f"{material.stem}.json"


def _is_preset(material: Material) -> bool:
    preset = PRESETS.get(material.architecture.name)
    return preset is not None and preset.architecture == material.architecture
