"""Design a network, see what it costs, start a training."""

import streamlit as st

from mnistnet.ui import app, cache, session, widgets
from mnistnet.ui.design import last_design, layer_editor, recipe_editor, summary_panel
from mnistnet.ui.design.start_bar import start_bar

app.require()
summary = cache.summary(session.design())

st.title("Design", anchor=False)
summary_panel.goal()
widgets.work_in_progress()
last_design.notice()
summary_panel.data_notice()
summary_panel.beginning()
recipe_editor.offered()

left, right = st.columns([0.54, 0.46], gap="medium")
with left:
    layers, recipe = st.tabs(["Layers", "Training recipe"], key="design-tabs")
    with layers:
        layer_editor.toolbar()
        with st.container(height=560, border=False, key="layers"):
            layer_editor.editor(summary)
    with recipe:
        recipe_editor.recipe_editor()
with right:
    summary_panel.meter(summary)
    summary_panel.drawing(summary)

summary_panel.table(summary)
with st.bottom:
    start_bar(summary)
last_design.remember()
