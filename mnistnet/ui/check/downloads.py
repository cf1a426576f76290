"""The verdicts as files for other programs."""

from collections.abc import Sequence

import streamlit as st

from mnistnet.handins import forms
from mnistnet.handins.results import Checked


def downloads(several: Sequence[Checked]) -> None:
    """A button for each form."""
    files = {
        "CSV": ("check.csv", forms.table(several), "text/csv"),
        "JSON": ("check.json", forms.as_json(forms.document(several)), "application/json"),
        "JUnit XML": ("check.xml", forms.junit(several), "application/xml"),
        "Gradescope": ("results.json", forms.as_json(forms.gradescope(several)), "application/json"),
    }
    with st.container(horizontal=True):
        for title, (name, text, kind) in files.items():
            st.download_button(
                title,
                text.encode(),
                file_name=name,
                mime=kind,
                key=f"check-{name}",
                icon=":material/download:",
                on_click="ignore",
                help=f"The verdicts as {name}",
            )
