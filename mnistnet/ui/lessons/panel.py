"""The lesson as students see it: its text, its tasks with what is done, what is locked, and how to leave it."""

from collections.abc import Callable, Sequence

import streamlit as st

from mnistnet.lessons import built_in
from mnistnet.lessons.controls import CONTROLS
from mnistnet.lessons.lesson import Lesson
from mnistnet.lessons.work import Outcome, Work
from mnistnet.ui import session
from mnistnet.ui.lessons import progress
from mnistnet.ui.widgets import plain

_TICK_SECONDS = 2


def running(begin: Callable[[Lesson], None]) -> None:
    """The running lesson, at the top of each page; nothing without one. `begin` begins the next one."""
    lesson = session.lesson.value
    if lesson is None:
        return
    with st.expander(f"Lesson: {plain(lesson.title)}", expanded=True, icon=":material/school:", key="lesson-panel"):
        text, tasks = st.columns([0.55, 0.45], gap="medium")
        with text:
            description(lesson)
        with tasks:
            waits = any(run.state.is_active for run in progress.runs(lesson))
            st.fragment(_tasks, run_every=_TICK_SECONDS if waits else None)(lesson, begin)


def description(lesson: Lesson) -> None:
    """The lesson's text, as it is written, and what is locked."""
    with st.container(gap="xsmall"):
        for line in lesson.text.split("\n"):
            if line:  # a line by itself: two together could become a heading
                st.markdown(plain(line))
    if lesson.locked:
        st.caption(f":material/lock: {_held(lesson)}.")


def _held(lesson: Lesson) -> str:
    """The locked controls, or the free ones where those are fewer."""
    free = [control.title for name, control in CONTROLS.items() if name not in lesson.held]
    if len(free) < len(lesson.held):
        return f"Locked, except: {', '.join(free)}" if free else "Everything is locked"
    return f"Locked: {', '.join(CONTROLS[name].title for name in lesson.locked)}"


def _tasks(lesson: Lesson, begin: Callable[[Lesson], None]) -> None:
    """The tasks, and the buttons that go on from here."""
    if session.lesson.value != lesson:  # a button of this fragment was clicked: draw the whole page
        st.rerun()
    done = task_lines(lesson, progress.work(lesson))
    next_lesson = built_in.following(lesson) if done else None
    with st.container(horizontal=True):
        if next_lesson:
            label = f"Next lesson: {next_lesson.title}"
            st.button(label, type="primary", key="next-lesson", on_click=begin, args=(next_lesson,))
        st.button("Leave the lesson", icon=":material/logout:", key="leave-lesson", on_click=session.leave)


def task_lines(lesson: Lesson, work: Work) -> bool:
    """Each task with its outcome; True where all are done."""
    outcomes = [task.outcome(work) for task in lesson.tasks]
    if not outcomes:
        st.caption("This lesson has no tasks.")
        return False
    st.markdown(f"**{_count(outcomes)}**")
    st.markdown(
        "  \n".join(
            f"{_badge(outcome)} {plain(task.task)} ({plain(outcome.figure)})"
            for task, outcome in zip(lesson.tasks, outcomes, strict=True)
        )
    )
    return all(outcome.done for outcome in outcomes)


def _count(outcomes: Sequence[Outcome]) -> str:
    done, of = sum(outcome.done for outcome in outcomes), len(outcomes)
    return "All tasks are done." if done == of else f"{done} of {of} {'task' if of == 1 else 'tasks'} done"


def _badge(outcome: Outcome) -> str:
    return ":green-badge[:material/check: done]" if outcome.done else ":gray-badge[:material/pending: not yet]"
