"""Runs side by side, and beside the gallery and the published solutions."""

import streamlit as st

from mnistnet.ui import app, cache, widgets
from mnistnet.ui.compare import charts, tables

app.require()
st.title("Compare", anchor=False)
widgets.work_in_progress()
runs = list(cache.snapshot().runs)
if runs:
    tables.table(runs)
else:
    widgets.empty("You have no run to compare yet: train one.", "pages/design.py", "Design a network")
drawn = charts.chosen(runs)
left, right = st.columns(2)
with left:
    st.subheader("Validation error", anchor=False)
    charts.curves(drawn)
with right:
    st.subheader("Accuracy against parameters", anchor=False)
    charts.plane(drawn)
tables.differing(drawn)
charts.gallery()
