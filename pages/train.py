"""Watch a run train; stop it, resume it, see its verdict and the queue."""

import streamlit as st

from mnistnet.ui import app, cache, controls, session, widgets
from mnistnet.ui.train import live
from mnistnet.ui.train.queue import queue
from mnistnet.ui.train.run_panel import run_panel

app.require()
st.title("Train", anchor=False)
runs = cache.listed_runs(session.run_id.value)
run = controls.run_picker(runs, else_why="not in this store any more")
if run is None:
    widgets.empty("No run yet: design a network and start one.", "pages/design.py", "Design a network")
else:
    live.watch(run)
    run_panel(run)
    queue(run)
