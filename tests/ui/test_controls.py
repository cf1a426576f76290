"""Controls that the session sets: what the browser sends from before it has drawn that is nobody's choice."""

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet.nets.layer_types import own_width
from mnistnet.nets.presets import FIRST
from mnistnet.ui import session
from tests.support.pages import button, opened, slider

pytestmark = pytest.mark.usefixtures("still")

FITTED = "max 40"  # layer 1 of the first design


def refitted(*, drawn: bool) -> AppTest:
    """The first layer made wider, then layer 4; the browser's second request has the width and name from before."""
    app = opened()
    revision = app.number_input(key="drawn").value
    button(app, FITTED).click().run()
    assert app.number_input(key="drawn").value != revision
    assert app.text_input(key="design-name").value == "my-design"
    slider(app, "Width of layer 1 ").set_value(own_width(FIRST.architecture.layers[0]))
    app.text_input(key="design-name").set_value(FIRST.architecture.name)
    if not drawn:
        app.number_input(key="drawn").set_value(revision)
    slider(app, "Width of layer 4").set_value(20).run()
    return app


def width(app: AppTest, place: int) -> int | None:
    """The channels of the layer at `place`, counted from 1."""
    return own_width(app.session_state[session.design.key].layers[place - 1])


def test_values_from_before_the_answer_was_drawn_change_nothing() -> None:
    app = refitted(drawn=False)
    assert (width(app, 1), width(app, 4)) == (40, 20)
    assert not app.warning
    assert slider(app, "Width of layer 1 ").value == 40  # and the browser is told again
    assert app.text_input(key="design-name").value == "my-design"


def test_steps_undone_in_a_hurry_stay_undone() -> None:
    app = opened()
    for width_of_4 in (17, 18, 19):
        slider(app, "Width of layer 4").set_value(width_of_4).run()
    revision = app.number_input(key="drawn").value
    for _ in range(3):  # each request sends what the browser has drawn: nothing since the first
        slider(app, "Width of layer 4").set_value(19)
        app.number_input(key="drawn").set_value(revision)
        button(app, "Undo").click().run()
    assert width(app, 4) == 16


def test_the_same_values_are_choices_once_the_answer_was_drawn() -> None:
    app = refitted(drawn=True)
    assert (width(app, 1), width(app, 4)) == (16, 20)


def test_another_value_is_a_choice_before_the_answer_was_drawn() -> None:
    app = opened()
    revision = app.number_input(key="drawn").value
    button(app, FITTED).click().run()
    app.number_input(key="drawn").set_value(revision)
    slider(app, "Width of layer 1 ").set_value(12).run()
    assert width(app, 1) == 12


def test_a_recipe_that_was_taken_is_not_undone_by_what_was_shown_before() -> None:
    app = opened()
    before, revision = app.session_state[session.recipe.key].epochs, app.number_input(key="drawn").value
    epochs = slider(app, "Epochs")
    button(app, "Use the default recipe").click().run()
    taken = app.session_state[session.recipe.key]
    assert taken.epochs != before
    slider(app, "Epochs").set_value(epochs.value)
    app.number_input(key="drawn").set_value(revision)
    slider(app, "Width of layer 4").set_value(20).run()
    assert app.session_state[session.recipe.key] == taken
