"""Watch a run train; stop it, resume it, see its verdict and the queue."""

import streamlit as st

from mnistnet.ui import components, frame, live, readers
from mnistnet.ui.afterwards import afterwards

frame.require()
st.title("Train", anchor=False)
runs = list(readers.snapshot().runs)
run = components.run_picker(runs, else_why="not in this store any more")
if run is None:
    components.empty("No run yet: design a network and start one.", "pages/design.py", "Design a network")
else:
    live.watch(run)
    afterwards(run)
    live.queue(run)
