"""Design a network, see what it costs, start a training."""

import streamlit as st

from mnistnet.ui import components, design_panel, editor, frame, memory, readers, recipe_panel, state
from mnistnet.ui.start_bar import start_bar

frame.require()
walk = readers.walk(state.design())

st.title("Design", anchor=False)
design_panel.goal()
components.work_in_progress()
memory.notice()
design_panel.data_notice()
design_panel.beginning()
recipe_panel.offered()

left, right = st.columns([0.54, 0.46], gap="medium")
with left:
    layers, recipe = st.tabs(["Layers", "Training recipe"], key="design-tabs")
    with layers:
        editor.toolbar()
        with st.container(height=560, border=False, key="layers"):
            editor.editor(walk)
    with recipe:
        recipe_panel.recipe_panel()
with right:
    design_panel.meter(walk)
    design_panel.drawing(walk)

design_panel.table(walk)
with st.bottom:
    start_bar(walk)
memory.remember()
