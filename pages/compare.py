"""Runs side by side, and beside the gallery and the published solutions."""

import streamlit as st

from mnistnet.ui import comparing, components, frame, ranking, readers

frame.require()
st.title("Compare", anchor=False)
components.work_in_progress()
runs = list(readers.snapshot().runs)
if runs:
    ranking.table(runs)
else:
    components.empty("You have no run to compare yet: train one.", "pages/design.py", "Design a network")
drawn = comparing.chosen(runs)
left, right = st.columns(2)
with left:
    st.subheader("Validation error", anchor=False)
    comparing.curves(drawn)
with right:
    st.subheader("Accuracy against parameters", anchor=False)
    comparing.plane(drawn)
ranking.differing(drawn)
comparing.gallery()
