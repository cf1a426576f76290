"""A run or the current design as files that open without mnistnet."""

import streamlit as st

from mnistnet.ui import app, cache, widgets
from mnistnet.ui.export import cards, commands, series, subject

app.require()
st.title("Export", anchor=False)
widgets.work_in_progress()
material = subject.material(subject.picker())
if cache.summary(material.architecture).fault:
    widgets.empty(
        "The design has an error: correct it to export it.",
        "pages/design.py",
        "Correct the design",
    )
    st.stop()
cards.cards(material)
series.series()
commands.commands(material)
