"""Runs side by side, and beside the gallery and the published solutions."""

import streamlit as st

from mnistnet.ui import app, cache, session, widgets
from mnistnet.ui.compare import charts, tables
from mnistnet.ui.compare.gallery_table import gallery_table
from mnistnet.ui.compare.run_selection import run_selection

app.require()
st.title("Compare", anchor=False)
widgets.work_in_progress()
runs = cache.listed_runs(*(session.compared.value or ()))
if runs:
    tables.runs_table(runs)
else:
    widgets.empty("You have no run to compare yet: train one.", "pages/design.py", "Design a network")
drawn = run_selection(runs)
left, right = st.columns(2)
with left:
    st.subheader("Validation error", anchor=False)
    charts.error_curves(drawn)
with right:
    st.subheader("Accuracy against parameters", anchor=False)
    charts.accuracy_by_parameters(drawn)
tables.differences_table(drawn)
gallery_table()
