"""What a run gets wrong: which digits for which, each of them in depth, and beside other runs."""

import streamlit as st

from mnistnet.ui import app, cache, session, widgets
from mnistnet.ui.digit import panel
from mnistnet.ui.mistakes import calibration, gallery, two_runs

app.require()
st.title("Mistakes", anchor=False)
widgets.work_in_progress()
choice, part, figure = st.columns([0.45, 0.2, 0.35])
with choice:
    run = widgets.run_picker(cache.with_answers(), else_why="its first epoch is not stored yet")
if run is None:
    widgets.empty(
        "No run has finished an epoch yet: mistakes appear here after the first epoch.",
        "pages/design.py",
        "Design a network",
    )
    st.stop()
with part:
    split = gallery.split_picker(run)
evaluation = gallery.evaluation(run, split)
if evaluation is None:
    st.stop()
with figure:
    widgets.score(gallery.accuracy_title(run), evaluation.score, widgets.split_title(run, split))
    gallery.without_refuted_labels(evaluation, run, split)
gallery.view_picker()

if session.view() == "trust":
    calibration.calibration_view(evaluation, run, split)
    st.stop()
if session.view() == "compared":
    two_runs.two_runs_view(evaluation, gallery.images(run, split), run, split)
    st.stop()
left, right = st.columns([0.45, 0.55], gap="medium")
with left:
    gallery.matrix(evaluation, run)
shown = gallery.filtered(evaluation, run)
with right:
    images = gallery.images(run, split)
    if images is not None:
        gallery.gallery(shown, images, run, split)
if shown and images is not None:
    panel.digit_panel(shown, evaluation, images, run, split)
