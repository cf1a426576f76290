"""The command lines that write the same files."""

import shlex

import streamlit as st

from mnistnet.exports.formats import FORMATS, Format
from mnistnet.exports.material import Material
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import COURSE, PROFILES, Profile
from mnistnet.ui import session


def commands(material: Material) -> None:
    """A command for each format that the material can be had in."""
    forms = [form for form in FORMATS.values() if material.result or not form.needs_run]
    if not forms:
        return
    with st.expander("On the command line", icon=":material/terminal:"):
        st.caption("Writes the same files into the current folder; `--output` names another place.")
        lines = [_command(name(material), form, material.profile) for form in forms]
        if len(session.series.value) > 1:
            runs = " ".join(map(shlex.quote, session.series.value))
            lines += [_command(runs, form, material.profile) for form in FORMATS.values() if form.write_series]
        st.code("\n".join(lines), language="bash")
        if material.result is None and not _is_preset(material):
            st.caption("Save the design first: Design, File, Save as a design file.")
        if material.profile.name not in PROFILES:
            st.caption("Save the rules first: Design, Own rules, Save as a profile file.")


def _command(names: str, form: Format, profile: Profile) -> str:
    rules = f" --profile {profile.option}" if form.is_judged and profile != COURSE else ""
    return f"python -m mnistnet export {names} --format {form.name}{rules}"


def name(material: Material) -> str:
    """The name of the material on the command line: a run's id, a preset, or a design file of this name."""
    if material.result:
        return shlex.quote(material.result.run.id)
    return material.architecture.name if _is_preset(material) else f"{material.stem}.json"


def _is_preset(material: Material) -> bool:
    preset = PRESETS.get(material.architecture.name)
    return preset is not None and preset.architecture == material.architecture
