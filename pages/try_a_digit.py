"""A digit of one's own: what networks answer, how sure they are, and what it takes to change their minds."""

import streamlit as st

from mnistnet.ui import components, frame, trying

frame.require()
st.title("Try a digit", anchor=False)
components.work_in_progress()
trying.bench(trying.networks())
