"""The receptive field of each layer of a network, and its effective receptive field."""

import streamlit as st

from mnistnet.ui import app, cache, session, widgets
from mnistnet.ui.receptive_fields import effective, glossary, theoretical

app.require()
st.title("Receptive fields", anchor=False)
widgets.work_in_progress()
theoretical.source_picker()
glossary.glossary()
named = cache.named_layers(theoretical.architecture())
if not named:
    widgets.empty("The first layer does not fit on the image.", "pages/design.py", "Correct the design")
    st.stop()

digits = theoretical.digits()
theoretical.one_unit(named, digits.images, digits.title)
st.subheader("Receptive field by layer", anchor=False, help=glossary.FIELD)
theoretical.coverage(named)
theoretical.side_by_side(named, digits.images)
st.subheader("Effective receptive field", anchor=False, help=glossary.EFFECTIVE)
effective.show(theoretical.picked() or session.design(), named, digits.images, digits.dataset)
