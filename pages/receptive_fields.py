"""What each layer of the design on the table can see."""

import streamlit as st

from mnistnet.ui import components, frame, readers, windows

frame.require()
st.title("Receptive fields", anchor=False)
components.work_in_progress()
windows.source_picker()
walk = readers.walk(windows.architecture())
named = windows.layers(walk)
if not named:
    components.empty("The first layer does not fit on the image.", "pages/design.py", "Mend the design")
    st.stop()

images, title = windows.digits()
windows.one_unit(named, images, title)
st.subheader("From layer to layer", anchor=False)
windows.coverage(named)
windows.side_by_side(named, images)
