"""The tasks of the lesson that is made: a control for each setting of each check."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import streamlit as st

from mnistnet.lessons.checks import CHECKS, Settings
from mnistnet.lessons.lesson import MAX_TASKS, Lesson
from mnistnet.lessons.run_checks import QUESTION_TITLES
from mnistnet.nets.layer_types import TITLES as LAYER_TITLES
from mnistnet.training.recipe import TITLES as RECIPE_TITLES
from mnistnet.ui import controls
from mnistnet.ui.widgets import plain

_ADD = "draft-add-task"
_LABELS = {
    "low": "At least",
    "high": "At most",
    "at_least": "At least",
    "accuracy": "Accuracy, 0 to 1",
    "field": "Setting",
    "runs": "Runs",
    "step": "Step",
    "digits": "Digits",
    "question": "Explanation",
}
_TITLES = {
    str(name): title for name, title in (*QUESTION_TITLES.items(), *LAYER_TITLES.items(), *RECIPE_TITLES.items())
}

Change = Callable[..., None]


def tasks(made: Lesson, change: Change) -> None:
    """The tasks in their order, each with its settings, and a menu of those that can be added."""
    st.markdown("**Tasks**")
    for place, task in enumerate(made.tasks):
        with st.container(border=True, key=f"draft-task-{place}"):
            _task(place, task, made.tasks, change)
    st.menu_button(
        "Add a task",
        list(CHECKS),
        format_func=lambda name: CHECKS[name].label,
        icon=":material/add_task:",
        key=_ADD,
        on_click=lambda: change(tasks=(*made.tasks, CHECKS[st.session_state[_ADD]]())),
        disabled=len(made.tasks) == MAX_TASKS,
    )


def _task(place: int, task: Settings, all_tasks: Sequence[Settings], change: Change) -> None:
    st.markdown(f"{place + 1}. {plain(task.task)}")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for field in type(task).model_fields:
            if field != "check":
                _setting(place, task, field, all_tasks, change)
        others = tuple(one for number, one in enumerate(all_tasks) if number != place)
        st.button(
            f"Remove task {place + 1}",
            key=f"draft-remove-{place}",
            icon=":material/delete:",
            on_click=change,
            kwargs={"tasks": others},
        )


def _setting(place: int, task: Settings, field: str, all_tasks: Sequence[Settings], change: Change) -> None:
    value, label = getattr(task, field), f"{_LABELS[field]} (task {place + 1})"
    kind = type(value).__name__
    key = controls.control(f"draft-{place}-{task.model_dump()['check']}-{field}-{kind}", value)

    def set_it() -> None:
        fields = {**task.model_dump(), field: st.session_state[key]}
        change(tasks=tuple(fields if number == place else one for number, one in enumerate(all_tasks)))

    if isinstance(value, str):
        options = list(_options(task, field))
        st.selectbox(
            label, options, options.index(value), format_func=_TITLES.__getitem__, key=key, on_change=set_it, width=220
        )
    else:
        step = 0.01 if isinstance(value, float) else 1
        st.number_input(label, 0 * step, None, value, step=step, key=key, on_change=set_it, width=180)


def _options(task: Settings, field: str) -> tuple[Any, ...]:
    return get_args(type(task).model_fields[field].annotation)
