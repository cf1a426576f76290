"""Design a network, see its parameters and what it costs, start a training."""

import streamlit as st

from mnistnet.ui import app, cache, controls, session, widgets
from mnistnet.ui.design.data_notice import data_notice
from mnistnet.ui.design.kernels_notice import kernels_notice
from mnistnet.ui.design.layer_table import layer_table
from mnistnet.ui.design.layers.editor import layer_editor
from mnistnet.ui.design.layers.toolbar import toolbar
from mnistnet.ui.design.meter import count, heading, meter
from mnistnet.ui.design.network_editor.component import network_editor
from mnistnet.ui.design.recipe_editor import recipe_editor
from mnistnet.ui.design.start_bar import start_bar
from mnistnet.ui.design.starting import last_design
from mnistnet.ui.design.starting.recipe_offer import recipe_offer
from mnistnet.ui.design.starting.start_from import start_from
from mnistnet.ui.design.training_time import training_time
from mnistnet.ui.design.undo.tab_copy import tab_copy

app.require()
summary = cache.summary(session.design.value)
estimate = training_time(session.design.value, session.recipe.value)

heading()
widgets.work_in_progress()
with widgets.place():
    last_design.notice()
    data_notice()
start_from()
with widgets.place():
    recipe_offer()

count(summary)
network_editor(estimate)

left, right = st.columns([0.66, 0.34], gap="medium")
with left:
    layers, recipe = st.tabs(["Layers", "Training recipe"], key="design-tabs")
    with layers:
        toolbar()
        with st.container(height=560, border=False, key="layers", gap="xsmall"):
            layer_editor(summary)
    with recipe:
        recipe_editor()
with right:
    meter(summary)

with st.bottom:
    start_bar(summary, estimate)
layer_table(summary)
kernels_notice()
last_design.remember()
tab_copy()
controls.drawn()
