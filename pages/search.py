"""Searches: many short trainings under a budget, live and afterwards, and the form of a new one."""

import streamlit as st

from mnistnet.ui import app, widgets
from mnistnet.ui.search import live, picker
from mnistnet.ui.search.new import form

app.require()
st.title("Search", anchor=False)
widgets.work_in_progress(with_searches=False)
shown = picker.picker()
if shown is None:
    form.form()
else:
    live.watch(shown)
