"""The receptive field of each layer of a network, and its effective receptive field."""

import streamlit as st

from mnistnet.ui import app, cache, session, widgets
from mnistnet.ui.receptive_fields import glossary, picker, theoretical
from mnistnet.ui.receptive_fields.effective import effective_view

app.require()
st.title("Receptive fields", anchor=False)
widgets.work_in_progress()
picker.network_picker()
glossary.glossary()
named = cache.named_layers(picker.architecture())
if not named:
    widgets.empty("The first layer does not fit on the image.", "pages/design.py", "Correct the design")
    st.stop()

digits = picker.digits()
theoretical.one_unit(named, digits.images, digits.title)
st.subheader("Receptive field by layer", anchor=False, help=glossary.FIELD)
theoretical.covering_layer(named)
theoretical.all_layers(named, digits.images)
st.subheader("Effective receptive field", anchor=False, help=glossary.EFFECTIVE)
effective_view(picker.picked_run() or session.design.value, named, digits.images, digits.dataset)
