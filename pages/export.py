"""A run or the current design as files that open without mnistnet."""

import streamlit as st

from mnistnet.ui import app, cache, widgets
from mnistnet.ui.export import cards, commands, series, subject

app.require()
st.title("Export", anchor=False)
widgets.work_in_progress()
material = subject.material(subject.picker())
if not cache.summary(material.architecture).is_whole:
    widgets.empty("A layer of the design does not fit.", "pages/design.py", "Correct the design")
    st.stop()
cards.cards(material)
series.series()
commands.commands(material)
