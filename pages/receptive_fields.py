"""What each layer of a network can see, and what it does look at."""

import streamlit as st

from mnistnet.ui import components, effective, frame, readers, state, windows

frame.require()
st.title("Receptive fields", anchor=False)
components.work_in_progress()
windows.source_picker()
named = readers.named_layers(windows.architecture())
if not named:
    components.empty("The first layer does not fit on the image.", "pages/design.py", "Mend the design")
    st.stop()

digits = windows.digits()
windows.one_unit(named, digits.images, digits.title)
st.subheader("From layer to layer", anchor=False)
windows.coverage(named)
windows.side_by_side(named, digits.images)
st.subheader("What it looks at", anchor=False)
effective.show(windows.picked() or state.design(), named, digits.images, digits.dataset)
