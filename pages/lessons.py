"""Lessons: those that come with mnistnet, a lesson from a file, and a lesson of one's own."""

import streamlit as st

from mnistnet.ui import app, widgets
from mnistnet.ui.lessons import builder, choice

app.require()
st.title("Lessons", anchor=False)
widgets.work_in_progress()
choice.built_in_lessons()
choice.from_file()
st.subheader("Make a lesson", anchor=False)
builder.builder()
