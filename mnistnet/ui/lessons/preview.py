"""A lesson that is made, as students will see it, its link and its file."""

from urllib.parse import urlencode, urlsplit

import streamlit as st

from mnistnet.lessons.codec import MAX_CHARACTERS, encode_lesson
from mnistnet.lessons.lesson import Lesson
from mnistnet.lessons.work import Work
from mnistnet.ui import app, session
from mnistnet.ui.lessons import panel
from mnistnet.ui.widgets import plain

_PAGE = "lessons"  # the address of the page with the preview; the link leads to the one above it


def preview(lesson: Lesson) -> None:
    """The lesson's panel, with its tasks judged for the current design, its link and its file."""
    st.markdown("**Preview**")
    with st.container(border=True, key="draft-preview"):
        st.markdown(f":material/school: Lesson: {plain(lesson.title)}")
        panel.description(lesson)
        panel.task_lines(lesson, Work(session.design.value))
    st.markdown("**Link**")
    text = encode_lesson(lesson)
    if len(text) > MAX_CHARACTERS:
        st.error(
            f"{len(text):,} characters: at most {MAX_CHARACTERS:,} fit into a link. Shorten the text.",
            icon=":material/error:",
        )
    else:
        st.code(link(text), language=None, wrap_lines=True)
        st.caption("Complete in itself: it works with any dashboard, at its own address.")
    with st.container(horizontal=True):
        st.download_button(
            "Save as a lesson file",
            lesson.to_json(),
            file_name="lesson.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
        )
        st.button("Try it", icon=":material/play_arrow:", on_click=app.begin_lesson, args=(lesson,))


def link(text: str) -> str:
    """The address that begins the lesson of this text, with this dashboard's host where the browser told it."""
    here = urlsplit(st.context.url or "")
    host = (
        f"{here.scheme}://{here.netloc}{here.path.removesuffix('/').removesuffix(f'/{_PAGE}')}/" if here.netloc else ""
    )
    return f"{host}?{urlencode({session.lesson.name: text})}"
