"""The one style sheet for the whole page, where no setting of the theme serves."""

from pathlib import Path

import streamlit as st

_component = st.components.v2.component(
    "mnistnet_styles", css=Path(__file__).with_name("styles.css").read_text(encoding="utf-8"), isolate_styles=False
)


def apply() -> None:
    """Put the style sheet on the page."""
    _component(key="styles")
