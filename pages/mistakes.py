"""What a run gets wrong: which digits for which, each of them in depth, and beside other runs."""

import streamlit as st

from mnistnet.ui import app, cache, controls, session, widgets
from mnistnet.ui.digit.panel import digit_panel
from mnistnet.ui.lessons import progress
from mnistnet.ui.mistakes import filters, header
from mnistnet.ui.mistakes.calibration import calibration_view
from mnistnet.ui.mistakes.confusion_matrix import confusion_matrix
from mnistnet.ui.mistakes.gallery import gallery
from mnistnet.ui.mistakes.two_runs import two_runs_view

app.require()
st.title("Mistakes", anchor=False)
widgets.work_in_progress()
choice, part = st.columns([0.65, 0.35], gap="medium")
with choice:
    run = controls.run_picker(
        cache.runs_with_predictions(session.run_id.value), else_why="its first epoch is not stored yet"
    )
if run is None:
    widgets.empty(
        "No run has finished an epoch yet: mistakes appear here after the first epoch.",
        "pages/design.py",
        "Design a network",
    )
    st.stop()
with part:
    split = header.split_picker(run)
evaluation = header.evaluation(run, split)
if evaluation is None:
    st.stop()
header.view_picker()

if session.view.value == "trust":
    header.score(evaluation, run, split)
    calibration_view(evaluation, run, split)
    st.stop()
if session.view.value == "compared":
    header.score(evaluation, run, split)
    two_runs_view(evaluation, header.images(run, split), run, split)
    st.stop()
matrix, choices = st.columns([0.45, 0.55], gap="medium")
with matrix:
    confusion_matrix(evaluation, run)
with choices:
    header.score(evaluation, run, split)
    filters.filters(run)
shown = filters.filtered(evaluation, run)
images = header.images(run, split)
overview, depth = st.columns(2, gap="medium")
with overview:
    if images is not None:
        gallery(shown, images, run, split)
if progress.is_new_look(run, split):
    st.rerun()  # the lesson's panel, above, and the address
if shown and images is not None:
    digit_panel(depth, shown, evaluation, images, run, split)
