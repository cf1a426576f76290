"""A digit of one's own: the predictions of networks, their confidence, and the variations that change them."""

import streamlit as st

from mnistnet.ui import app, widgets
from mnistnet.ui.try_a_digit.predictions import networks_picker, predictions_view

app.require()
st.title("Try a digit", anchor=False)
widgets.work_in_progress()
predictions_view(networks_picker())
