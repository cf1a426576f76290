"""Hand-ins checked: uploaded, scored anew from their weights, compared with each other."""

import streamlit as st

from mnistnet.ui import app, widgets
from mnistnet.ui.check import downloads, table, uploads, verdicts
from mnistnet.ui.rules.profile_picker import profile_picker

app.require()
st.title("Check a hand-in", anchor=False)
widgets.work_in_progress()
st.caption(
    "Counts, builds and scores each network from its design and weights, and compares that with what is claimed. "
    "No code of a hand-in is run, and nothing of it is stored."
)
profile_picker()
several = uploads.checked(uploads.files())
if several:
    table.table(several)
    downloads.downloads(several)
    verdicts.verdicts(several)
