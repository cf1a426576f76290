"""Undo and redo on the Design page: the buttons, what they say, and all that is one step."""

import pytest

from mnistnet import links
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.runs.store.store import Store
from tests.support.pages import button, opened, parameters, slider
from tests.support.situations import DIGITS, queued

pytestmark = pytest.mark.usefixtures("still")


def test_a_change_of_the_design_and_one_of_the_recipe_are_undone_and_redone() -> None:
    app = opened()
    assert button(app, "Undo").disabled
    assert button(app, "Redo").disabled
    slider(app, "Width of layer 4").set_value(20).run()
    slider(app, "Epochs").set_value(7).run()
    assert button(app, "Undo").help == "Undo: epochs 5 → 7 (Ctrl+Z)"
    button(app, "Undo").click().run()
    assert slider(app, "Epochs").value == 5
    button(app, "Undo").click().run()
    assert [toast.value for toast in app.toast] == ["Undone\\: layer 4\\: 16 → 20 channels\\."]
    assert slider(app, "Width of layer 4").value == 16
    assert button(app, "Undo").disabled
    button(app, "Redo").click().run()
    assert slider(app, "Width of layer 4").value == 20
    assert parameters(app) == "17,330"
    assert not app.exception


def test_a_removed_layer_comes_back_with_its_widgets() -> None:
    app = opened()
    first = app.session_state["_layer_ids"][0]
    app.session_state[f"more-{first}"] = True
    app.run()
    app.button(key=f"remove-{first}").click().run()
    assert first not in app.session_state["_layer_ids"]
    button(app, "Undo").click().run()
    assert app.session_state["_layer_ids"][0] == first
    assert app.session_state["_design"] == FIRST.architecture
    assert app.button(key=f"fit-{first}").label == "max 40"


def test_a_run_a_preset_and_a_link_are_one_step_each(store: Store) -> None:
    run = queued(store, DIGITS, PRESETS["course-10040"].architecture)
    app = opened()
    app.selectbox(key="begin-with").set_value(f"run {run.id}").run()
    app.selectbox(key="begin-with").set_value("mnistnet-min").run()
    app.session_state["_changed"] = 0.0  # long ago: the browser goes to this address
    app.query_params["design"] = links.encode_design(PRESETS["mnistnet-4k"].architecture)
    app.run()
    names = []
    for _ in range(3):
        names.append((app.session_state["_design"].name, app.session_state["_recipe"].dataset))
        button(app, "Undo").click().run()
    assert names == [("mnistnet-4k", "digits"), ("mnistnet-min", "digits"), ("course-10040", "digits")]
    assert app.session_state["_design"] == FIRST.architecture
    assert button(app, "Undo").disabled
