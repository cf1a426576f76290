"""The receptive field of each layer of a network, and its effective receptive field."""

import streamlit as st

from mnistnet.ui import components, effective, frame, glossary, readers, state, windows

frame.require()
st.title("Receptive fields", anchor=False)
components.work_in_progress()
windows.source_picker()
glossary.glossary()
named = readers.named_layers(windows.architecture())
if not named:
    components.empty("The first layer does not fit on the image.", "pages/design.py", "Correct the design")
    st.stop()

digits = windows.digits()
windows.one_unit(named, digits.images, digits.title)
st.subheader("Receptive field by layer", anchor=False, help=glossary.FIELD)
windows.coverage(named)
windows.side_by_side(named, digits.images)
st.subheader("Effective receptive field", anchor=False, help=glossary.EFFECTIVE)
effective.show(windows.picked() or state.design(), named, digits.images, digits.dataset)
