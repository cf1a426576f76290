"""A digit of one's own: the predictions of networks, their confidence, and the variations that change them."""

import streamlit as st

from mnistnet.ui import components, frame, trying

frame.require()
st.title("Try a digit", anchor=False)
components.work_in_progress()
trying.bench(trying.networks())
