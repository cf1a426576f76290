"""The questions about a design and its run, each answered with a figure, and experiments that answer more."""

import streamlit as st

from mnistnet.ui import app, cache, widgets
from mnistnet.ui.review import ablation, answers, batch_sizes, range_test, subject

app.require()
st.title("Review", anchor=False)
widgets.work_in_progress()
reviewed = subject.picker()
sweep = range_test.finished(reviewed)
answers.answers(reviewed, sweep.range if sweep else None)
st.header("Experiments", anchor=False)
if cache.summary(reviewed.architecture).fault:
    widgets.empty("The design has an error: correct it to try something out.", "pages/design.py", "Correct the design")
    st.stop()
range_test.range_test(reviewed, sweep)
batch_sizes.batch_sizes(reviewed)
ablation.ablation(reviewed)
