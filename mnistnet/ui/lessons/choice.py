"""The choice of a lesson: one that comes with mnistnet, or one from a file."""

from collections.abc import Callable

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.lessons import built_in
from mnistnet.lessons import lesson as lessons
from mnistnet.lessons.lesson import Lesson
from mnistnet.ui import app, notifications, session
from mnistnet.ui.widgets import plain

_FILE = "lesson-file"
_CARD_PIXELS = 300


def built_in_lessons() -> None:
    """A card for each lesson that comes with mnistnet: title, what it is about, Begin."""
    st.caption("A lesson gives a design, locks some controls, and sees by itself which of its tasks are done.")
    with st.grid(3, min_column_width=_CARD_PIXELS):
        for number, (name, lesson) in enumerate(built_in.lessons().items(), 1):
            with st.container(border=True, height="stretch", key=f"lesson-{name}"):
                _card(f"{number}. {lesson.title}", name, lesson)


def _card(title: str, name: str, lesson: Lesson) -> None:
    st.markdown(f"**{plain(title)}**")
    st.markdown(plain(lesson.text.partition("\n")[0]))
    if lesson == session.lesson.value:
        st.button("Running", key=f"begin-{name}", disabled=True, icon=":material/school:")
        return
    st.button(
        "Begin",
        key=f"begin-{name}",
        icon=":material/play_arrow:",
        help=f"Begin “{lesson.title}”: its design and recipe replace the current ones.",
        on_click=app.begin_lesson,
        args=(lesson,),
    )


def from_file() -> None:
    """The choice of a lesson's file."""
    with st.expander("Open a lesson's file", icon=":material/upload_file:"):
        st.caption("A lesson's link opens by itself. A file begins here, or opens below to be changed.")
        st.file_uploader("Lesson file", type="json", key=_FILE)
        with st.container(horizontal=True):
            for label, take in (("Begin this lesson", app.begin_lesson), ("Change it below", edit)):
                st.button(label, on_click=_open, args=(take,), disabled=st.session_state.get(_FILE) is None)


def _open(take: Callable[[Lesson], None]) -> None:
    file = st.session_state[_FILE]
    if file is None:
        return
    try:
        opened = lessons.parse(file.getvalue())
    except MnistnetError as error:
        notifications.notify(f"The file was not opened: {error}")
        return
    take(opened)


def edit(lesson: Lesson) -> None:
    """Make the lesson the one that is made, and its design, recipe and rules the current ones."""
    session.design.set(lesson.design)
    session.recipe.set(lesson.start)
    session.profile.set(lesson.rules)
    session.draft.set(lesson)
