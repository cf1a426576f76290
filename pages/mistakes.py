"""What a run gets wrong: which digits for which, each of them in depth, and beside other runs."""

import streamlit as st

from mnistnet.ui import compared, components, failures, frame, in_depth, readers, state, trust

frame.require()
st.title("Mistakes", anchor=False)
components.work_in_progress()
choice, part, figure = st.columns([0.45, 0.2, 0.35])
with choice:
    run = components.run_picker(readers.with_answers(), else_why="its first epoch is not stored yet")
if run is None:
    components.empty(
        "No run has finished an epoch yet: mistakes appear here after the first epoch.",
        "pages/design.py",
        "Design a network",
    )
    st.stop()
with part:
    split = failures.split_picker(run)
evaluation = failures.evaluation(run, split)
if evaluation is None:
    st.stop()
with figure:
    components.score("Accuracy", evaluation.score, components.split_title(run, split))
    failures.without_refuted_labels(evaluation, run, split)
failures.view_picker()

if state.view() == "trust":
    trust.trust(evaluation, run, split)
    st.stop()
if state.view() == "compared":
    compared.compared(evaluation, failures.images(run, split), run, split)
    st.stop()
left, right = st.columns([0.45, 0.55], gap="medium")
with left:
    failures.matrix(evaluation, run)
shown = failures.filtered(evaluation, run)
with right:
    images = failures.images(run, split)
    if images is not None:
        failures.gallery(shown, images, run, split)
if shown and images is not None:
    in_depth.in_depth(shown, evaluation, images, run, split)
