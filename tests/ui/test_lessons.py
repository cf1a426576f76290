"""A running lesson: what it holds against widgets, files and addresses, which runs count, and its tasks."""

import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet import links
from mnistnet.lessons.built_in import lessons
from mnistnet.lessons.codec import encode_lesson
from mnistnet.lessons.controls import CONTROLS, RECIPE_CONTROLS
from mnistnet.lessons.lesson import Lesson, strict_lesson
from mnistnet.nets.architecture import Conv
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import queue, transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import training_job
from mnistnet.ui import cache
from tests.support.pages import PAGES, button, opened, slider, texts
from tests.support.samples import TINY, started
from tests.support.situations import DIGITS
from tests.support.situations import running as running_run

pytestmark = pytest.mark.usefixtures("still")

WIDE = FIRST.architecture.with_layers(
    (FIRST.architecture.layers[0].model_copy(update={"channels": 40}), *FIRST.architecture.layers[1:])
)


def lesson(**fields: Any) -> Lesson:
    return strict_lesson({"title": "A lesson", "text": "What to do.", "design": FIRST.architecture, **fields})


def running(made: Lesson, page: str = "design", **address: str) -> AppTest:
    return opened(page, lesson=encode_lesson(made), **address)


def browser_goes_to(app: AppTest, **address: str) -> None:
    """The address changes in the browser, long after the last change, within the same session."""
    app.session_state["_changed"] = 0.0
    app.query_params.clear()
    app.query_params.update(address)
    app.run()


def address(app: AppTest) -> dict[str, str]:
    return {key: str(value) for key, value in app.query_params.items()}


WIDTH = lesson(locked=["width", "epochs"])


def test_a_link_shows_the_text_and_starts_from_the_design() -> None:
    made = lesson(design=PRESETS["course-10040"].architecture, recipe=DIGITS, profile="4k")
    app = running(made)
    assert "What to do" in texts(app)
    assert app.session_state["_design"] == made.design
    assert app.session_state["_recipe"] == DIGITS
    assert app.session_state["_rules"].name == made.rules.name


def test_a_locked_control_is_disabled_and_says_why() -> None:
    app = running(WIDTH)
    assert slider(app, "Width of layer 1").disabled
    assert slider(app, "Epochs").disabled
    assert slider(app, "Width of layer 1").help == "Locked by the lesson."
    assert not slider(app, "Batch size").disabled


@pytest.mark.bar("D5")
def test_a_change_that_the_browser_sends_all_the_same_is_refused() -> None:
    app = running(WIDTH)
    for label in ("Width of layer 1", "Epochs"):
        control = slider(app, label)
        control.proto.disabled = False  # as in a page that somebody changed
        control.set_value(3).run()
    assert app.session_state["_design"] == WIDTH.design
    assert app.session_state["_recipe"] == WIDTH.start


@pytest.mark.bar("D5")
@pytest.mark.parametrize("kept", [{"lesson"}, set[str]()], ids=["with the lesson", "without the lesson"])
def test_an_edited_address_does_not_unlock(kept: set[str]) -> None:
    app = running(WIDTH)
    others = {key: value for key, value in address(app).items() if key in kept}
    edited = {"design": links.encode_design(WIDE), "recipe": links.encode_recipe(DIGITS)}
    browser_goes_to(app, **others, **edited)
    assert app.session_state["_design"] == WIDTH.design
    assert app.session_state["_recipe"] == WIDTH.start
    assert address(app)["lesson"] == encode_lesson(WIDTH)


@pytest.mark.bar("D5")
def test_a_link_whose_design_was_edited_opens_with_the_lessons_own() -> None:
    app = running(WIDTH, design=links.encode_design(WIDE), recipe=links.encode_recipe(DIGITS))
    assert app.session_state["_design"] == WIDTH.design
    assert app.session_state["_recipe"] == WIDTH.start
    assert "A part of the address was left out" in texts(app)


@pytest.mark.bar("D5")
def test_back_to_an_address_from_before_the_lesson_does_not_leave_it() -> None:
    app = opened(design=links.encode_design(WIDE))
    before = address(app)
    app.switch_page(PAGES["lessons"]).run()
    app.button(key="begin-parameters").click().run()
    browser_goes_to(app, **before)
    assert app.session_state["_lesson"] == lessons()["parameters"]
    assert "Leave the lesson" in [one.label for one in app.button]


@pytest.mark.bar("D5")
def test_another_lesson_in_the_address_does_not_replace_the_running_one() -> None:
    app = running(WIDTH)
    browser_goes_to(app, lesson=encode_lesson(lesson()))
    assert app.session_state["_lesson"] == WIDTH
    assert "leave the running lesson first" in texts(app)


@pytest.mark.bar("D5")
def test_everything_can_be_locked_at_once() -> None:
    made = lesson(locked=list(CONTROLS))
    app = running(made)
    assert [one.label for one in app.slider if not one.disabled] == []
    assert [one.label for one in app.number_input if not one.disabled and one.key != "drawn"] == []  # invisible
    assert app.selectbox(key="begin-with").disabled
    button(app, "Use the lesson's recipe").click().run()
    assert app.session_state["_design"] == made.design
    assert app.session_state["_recipe"] == made.start
    assert not app.exception


def test_a_layer_is_neither_moved_nor_removed_where_that_is_locked() -> None:
    made = lesson(locked=["move layer", "remove layer"])
    app = running(made)
    first = app.session_state["_layer_ids"][0]
    app.session_state[f"more-{first}"] = True  # its menu is open
    app.run()
    assert app.button(key=f"remove-{first}").disabled
    assert app.button(key=f"down-{first}").disabled
    app.button(key=f"duplicate-{first}").click().run()
    assert len(app.session_state["_design"].layers) == len(made.design.layers) + 1


def test_a_hidden_control_is_not_shown_and_held() -> None:
    made = lesson(hidden=["width", *RECIPE_CONTROLS, "start from", "rules"])
    app = running(made)
    labels = [one.label for one in (*app.slider, *app.number_input, *app.selectbox)]
    assert [label for label in labels if label.startswith(("Width", "Epochs", "Seed", "Optimizer", "Start from"))] == []
    assert not app.exception
    browser_goes_to(app, design=links.encode_design(WIDE))
    assert app.session_state["_design"] == made.design


def _callbacks() -> None:
    """A script that calls what buttons and menus call, in a lesson with everything locked."""
    import streamlit as st

    from mnistnet.lessons.built_in import lessons
    from mnistnet.lessons.controls import CONTROLS
    from mnistnet.nets.presets import PRESETS
    from mnistnet.ui import session
    from mnistnet.ui.design import recipe_editor
    from mnistnet.ui.design.layers import edits, fit
    from mnistnet.ui.design.starting import start_from
    from mnistnet.ui.train import actions

    session.begin(lessons()["parameters"].changed(locked=list(CONTROLS)))
    first, *_ = session.layer_ids()
    for act in (edits.move_down, edits.duplicate, edits.remove):
        act(first)
    for field, value in {"channels": 3, "kernel": 3, "stride": 2, "padding": 0, "bias": True, "after": []}.items():
        edits.change(first, field, value)
    st.session_state.update({"begin-with": "mnistnet-min", "add-layer": "Dropout", "recipe-named": "sprint"})
    st.session_state.update({"all-kernel": 3, "all-after": [], "all-pad": True, "x": "adam"})
    edits.add()
    fit._fit(400)
    edits.apply_to_all()
    start_from._begin()
    recipe_editor._take_named()
    recipe_editor.set_field("optimizer", "x")
    actions.open_design("gallery-mnistnet-min")
    session.design.set(PRESETS["mnistnet-min"].architecture)


@pytest.mark.bar("D5")
def test_no_callback_changes_what_is_locked() -> None:
    app = AppTest.from_function(_callbacks).run()
    assert not app.exception
    started = lessons()["parameters"]
    assert app.session_state["_design"] == started.design
    assert app.session_state["_recipe"] == started.start
    assert len(app.session_state["_messages"]) >= 12
    assert (
        "That change was not made: Kernel: locked by the lesson; leave the lesson to change it."
        in (app.session_state["_messages"])
    )


def _partly_locked() -> None:
    import streamlit as st

    from mnistnet.lessons.built_in import lessons
    from mnistnet.ui import session
    from mnistnet.ui.design import recipe_editor
    from mnistnet.ui.design.layers import edits

    session.begin(lessons()["parameters"].changed(locked=["padding", "learning rate", "epochs"]))
    edits.change(session.layer_ids()[0], "kernel", 3)
    st.session_state.update({"x": "adam", "recipe-named": "sprint"})
    recipe_editor.set_field("optimizer", "x")
    recipe_editor._take_named()


def test_what_usually_follows_a_change_leaves_what_is_locked() -> None:
    """The padding with another kernel, the rate with another optimizer, all fields with a built-in recipe."""
    app = AppTest.from_function(_partly_locked).run()
    design, recipe, before = app.session_state["_design"], app.session_state["_recipe"], lessons()["parameters"]
    assert (design.layers[0].kernel, design.layers[0].padding) == (3, 2)
    assert recipe != before.start
    assert (recipe.learning_rate, recipe.epochs) == (before.start.learning_rate, before.start.epochs)
    assert "_messages" not in app.session_state


def test_leaving_frees_everything_and_keeps_the_design() -> None:
    app = running(WIDTH)
    button(app, "Leave the lesson").click().run()
    assert app.session_state["_design"] == WIDTH.design
    assert "lesson" not in app.query_params
    slider(app, "Width of layer 1").set_value(3).run()
    changed = app.session_state["_design"].layers[0]
    assert isinstance(changed, Conv)
    assert changed.channels == 3


def test_a_refresh_goes_on_with_the_lesson() -> None:
    app = running(WIDTH)
    slider(app, "Batch size").set_value(64).run()
    again = opened(**address(app))
    assert again.session_state["_lesson"] == WIDTH
    assert again.session_state["_begun"] == app.session_state["_begun"]
    assert again.session_state["_recipe"].batch_size == 64


def test_a_text_is_shown_as_it_is_written() -> None:
    app = running(lesson(title="# <b>x</b>", text="# Big\n===\n[x](javascript:alert(1)) $x$ :red[y]"))
    shown = [element.value for element in app.markdown]
    assert r"\# Big" in shown
    assert not any("[x](javascript" in value or value.startswith("# ") for value in shown)


def test_a_broken_lesson_is_named_and_nothing_is_held() -> None:
    app = opened(lesson="1.abc")
    assert "The address was only partly understood" in app.warning[0].value
    assert not app.exception
    assert app.session_state["_lesson"] is None


# What counts


def trained(store: Store) -> Run:
    """The next run of the queue, really trained."""
    run = started(store)
    training_job.train(store, run)
    cache.forget()
    return store.run(run.id)


@pytest.mark.parametrize("change", ["", "before", "locked"])
def test_a_run_counts_from_the_lessons_start_and_with_what_it_locks(change: str, store: Store) -> None:
    made = lesson(recipe=DIGITS, locked=["epochs"], tasks=[{"check": "run", "accuracy": 0.0}])
    run = running_run(store, DIGITS.changed(epochs=1) if change == "locked" else DIGITS)
    transitions.finish(store, run.id, RunState.DONE)
    cache.forget()
    begun = int(time.time()) + (60 if change == "before" else -60)
    app = running(made, begun=str(begun))
    assert ("no finished run yet" in texts(app)) == bool(change)


def test_the_lesson_on_learning_rates_is_done_by_three_trainings(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a student does it, from the link to the last tick: on the offline sample, in some seconds."""
    monkeypatch.setattr(queue, "cores", lambda: 1)  # two threads of so small a network wait for each other
    made = lessons()["learning-rate"]
    app = running(made)
    for rate in (0.01, 0.1, 1.0):
        app.number_input(key="recipe-learning_rate").set_value(rate).run()
        button(app, "Start training").click().run()
        trained(store)
        app.switch_page(PAGES["design"]).run()
    assert "All tasks are done" in texts(app)
    assert button(app, "Next lesson: Reading mistakes")
    again = opened(**address(app))
    assert "All tasks are done" in texts(again)


def test_a_wrong_digit_counts_once_it_was_opened(store: Store) -> None:
    store.enqueue(TINY, DIGITS.changed(epochs=1))
    run = trained(store)
    evaluation = cache.stored_evaluation(run, "test")
    assert evaluation is not None
    wrong = {one.index for one in evaluation.mistakes}
    right = next(index for index in range(297) if index not in wrong)
    made = lesson(tasks=[{"check": "mistakes", "digits": 2}])
    first, second, *_ = sorted(wrong)
    app = running(made, run=run.id, digit=str(first), begun="1", looks=f"{run.id}.test.{right}.why", ask="layers")
    assert "0 of 2" in texts(app)
    app.switch_page(PAGES["mistakes"]).run()
    assert "1 of 2" in texts(app)
    again = running(made, begun="1", looks=f"{address(app)['looks']}_{run.id}.test.{second}.why")
    assert "All tasks are done" in texts(again)
