"""The making of a lesson: its text, what it locks and hides, its tasks. It starts from the current design and recipe.

The lesson that is made is one frozen value, the session's draft; each control sets a changed one.
"""

from typing import Any

import streamlit as st

from mnistnet.errors import MnistnetError
from mnistnet.lessons import lesson as lessons
from mnistnet.lessons.controls import ACTIONS, CONTROLS, LAYER_CONTROLS, RECIPE_CONTROLS, RULES
from mnistnet.lessons.lesson import Lesson
from mnistnet.nets.rules import parameters_text
from mnistnet.ui import cache, controls, notifications, session
from mnistnet.ui.lessons import tasks
from mnistnet.ui.lessons.preview import preview
from mnistnet.ui.widgets import plain

_FIRST_TITLE = "My lesson"
_BOX_PIXELS = 250
_GROUPS = {"Layers": LAYER_CONTROLS, "Design": (*ACTIONS, RULES), "Training recipe": RECIPE_CONTROLS}


def builder() -> None:
    """The controls of the lesson that is made, beside its preview, its link and its file."""
    made = current()
    left, right = st.columns(2, gap="large")
    with left:
        _words(made)
        _start()
        _held(made)
        tasks.tasks(made, change)
    with right:
        preview(made)


def current() -> Lesson:
    """The lesson that is made, with the session's design, recipe and rules."""
    start = {
        "design": session.design.value,
        "recipe": session.recipe.value,
        "profile": session.profile.encode(session.profile.value),
    }
    draft = session.draft.value
    return draft.changed(**start) if draft else lessons.strict_lesson({"title": _FIRST_TITLE, **start})


def change(**fields: Any) -> None:
    """Change fields of the lesson that is made; says why where that is not allowed."""
    try:
        session.draft.set(current().changed(**fields))
    except MnistnetError as error:
        notifications.notify(f"That change was not made: {error}")


def _words(made: Lesson) -> None:
    key = controls.control("draft-title", made.title)
    st.text_input(
        "Title", made.title, key=key, max_chars=lessons.MAX_TITLE, on_change=lambda: change(title=st.session_state[key])
    )
    text = controls.control("draft-text", made.text)
    st.text_area(
        "Text for students",
        made.text,
        key=text,
        max_chars=lessons.MAX_TEXT,
        height=160,
        help="Plain text: shown as it is written, line by line.",
        on_change=lambda: change(text=st.session_state[text]),
    )


def _start() -> None:
    count = parameters_text(cache.summary(session.design.value).params)
    st.caption(
        f"It starts from the current design, {plain(session.design.value.name)} ({count}), with the current recipe and "
        f"the rules “{plain(session.profile.value.title)}”."
    )
    st.page_link("pages/design.py", label="Change the design or the recipe", icon=":material/edit:")


def _held(made: Lesson) -> None:
    """A box for each control to lock, and one to hide it."""
    st.markdown("**Controls**")
    locked, hidden = st.tabs([f"Locked: {len(made.locked)}", f"Hidden: {len(made.hidden)}"], key="draft-controls")
    with locked:
        st.caption("A locked control is shown, with its value, and cannot be used.")
        _boxes("locked", made.locked, "")
    with hidden:
        st.caption("A hidden control is not shown, and cannot be used either.")
        _boxes("hidden", made.hidden, "Hide: ")


def _boxes(field: str, chosen: tuple[str, ...], prefix: str) -> None:
    for title, names in _GROUPS.items():
        st.markdown(f":gray[{title}]")
        with st.grid(min_column_width=_BOX_PIXELS):
            for name in names:
                key = controls.control(f"draft-{field}-{name}", name in chosen)
                st.checkbox(
                    prefix + CONTROLS[name].title, name in chosen, key=key, on_change=_tick, args=(field, name, key)
                )


def _tick(field: str, name: str, key: str) -> None:
    chosen = {*getattr(current(), field)} - {name}
    change(**{field: tuple(chosen | {name}) if st.session_state[key] else tuple(chosen)})
