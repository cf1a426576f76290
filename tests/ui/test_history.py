"""Undo and redo as a value: what is a step, what a new session makes of an earlier one, what a browser may return."""

import json
from dataclasses import replace
from typing import Any

import pytest
import streamlit as st

from mnistnet import links
from mnistnet.errors import MnistnetError
from mnistnet.lessons.lesson import strict_lesson
from mnistnet.nets.architecture import Architecture, Dropout
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.training.recipe import Recipe
from mnistnet.ui import session
from mnistnet.ui.design.undo import history, step, tab_copy
from mnistnet.ui.design.undo.history import MOST_STATES, History, State

LAYERS = FIRST.architecture.layers


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session in which nothing was chosen, and whose first run of the script has ended."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    history.record()
    return state


def change(**fields: Any) -> None:
    """A callback that changes the first layer, then the run of the script that follows it."""
    design = session.design.value
    first = design.layers[0].model_copy(update=fields)
    session.set_design(design.with_layers((first, *design.layers[1:])), session.layer_ids())
    history.record()


def widths() -> list[int]:
    """The channels of the first layer in each state."""
    return [one.architecture.layers[0].channels for one in history.history().states]  # type: ignore[union-attr]


def test_each_change_is_a_step_back_and_forth_with_the_same_layer_ids() -> None:
    ids = session.layer_ids()
    change(channels=17)
    change(channels=18)
    session.recipe.set(Recipe(epochs=7))
    history.record()
    assert history.go(-1)
    assert session.recipe.value == Recipe()
    assert history.go(-2)
    assert session.design.value == FIRST.architecture
    assert session.layer_ids() == ids
    assert not history.go(-1)
    assert history.go(3)
    assert (session.recipe.value.epochs, widths()) == (7, [16, 17, 18, 18])
    assert not history.go(1)


def test_a_change_after_undo_takes_the_place_of_what_was_undone() -> None:
    change(channels=17)
    change(channels=18)
    history.go(-2)
    change(channels=20)
    assert widths() == [16, 20]


def test_setting_what_already_is_makes_no_step() -> None:
    change(channels=16)
    session.recipe.set(Recipe())
    session.split.set("validation")
    history.record()
    assert widths() == [16]


def test_a_design_and_a_recipe_of_one_callback_are_one_step() -> None:
    session.design.set(PRESETS["course-10040"].architecture)
    session.recipe.set(Recipe(epochs=7))
    history.record()
    history.go(-1)
    assert (session.design.value, session.recipe.value) == (FIRST.architecture, Recipe())


@pytest.mark.bar("H1")
def test_a_hundred_steps_and_more_are_kept_and_the_oldest_forgotten() -> None:
    for width in range(1, MOST_STATES + 10):
        change(channels=width)
    assert widths() == list(range(10, MOST_STATES + 10))
    assert MOST_STATES > 100


def test_what_a_lesson_holds_is_not_undone() -> None:
    change(channels=40)
    change(channels=17)
    session.begin(strict_lesson({"title": "t", "text": "t", "design": session.design.value, "locked": ["width"]}))
    history.record()
    assert not history.go(-1)
    assert session.design.value.layers[0].model_dump()["channels"] == 17
    assert "locked by the lesson" in st.session_state["_messages"][0]


def states(*names: str) -> tuple[State, ...]:
    return tuple(State(name, name, "recipe", ()) for name in names)


@pytest.mark.parametrize(
    ("later", "joined", "at"),
    [
        (History(states("b")), "abc", 1),  # refreshed: what was undone can be done again
        (History(states("x")), "abx", 2),  # a link was opened
        (History(states("first", "b"), 1), "abc", 1),  # the last design came back
        (History(states("b", "x"), 1), "abx", 2),
        (History(states("b", "x"), 0), "abx", 1),
        (History(states("first", "x"), 1), ["a", "b", "first", "x"], 3),
    ],
)
def test_a_new_session_continues_the_one_before(later: History, joined: str | list[str], at: int) -> None:
    continued = History(states(*"abc"), 1).continued(later)
    assert ([one.design for one in continued.states], continued.at) == (list(joined), at)


def test_the_layers_get_their_ids_back() -> None:
    kept = History((replace(history.history().current, layer_ids=tuple(f"{n:08x}" for n in range(len(LAYERS)))),))
    history.bring_back(kept)
    assert session.layer_ids()[:2] == ["00000000", "00000001"]
    assert not session.is_changed()


# In words


def words(layers: Any, name: str = "n", recipe: Recipe | None = None) -> str:
    before = Architecture(name="n", layers=FIRST.architecture.layers)
    after = Architecture(name=name, layers=tuple(layers))
    texts = [(links.encode_design(before), Recipe()), (links.encode_design(after), recipe or Recipe())]
    return step.in_words(*(State("", design, links.encode_recipe(one), ()) for design, one in texts))


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("layer 1: 16 → 24 channels", ([LAYERS[0].model_copy(update={"channels": 24}), *LAYERS[1:]],)),
        ("layer 1: – → stride 2", ([LAYERS[0].model_copy(update={"stride": 2}), *LAYERS[1:]],)),
        ("layer 3, new: dropout, rate 0.1", ([*LAYERS[:2], Dropout(rate=0.1), *LAYERS[2:]],)),
        ("layer 2, removed: max pool, 2×2", ([LAYERS[0], *LAYERS[2:]],)),
        ("design n → m", (LAYERS, "m")),
        ("design n → m", (LAYERS[:3], "m")),
        ("epochs 18 → 7; batch size 128 → 64; 1 more", (LAYERS, "n", Recipe(epochs=7, batch_size=64, seed=2))),
    ],
)
def test_a_step_is_told_in_words(said: str, arguments: tuple[Any, ...]) -> None:
    assert words(*arguments) == said


# What the browser returns


def kept(**fields: Any) -> dict[str, Any]:
    current = history.history().current
    one = {"id": "00000001", "design": current.design, "recipe": current.recipe, "layer_ids": list(current.layer_ids)}
    return {"states": [one], "at": 0, "locked": [], "opened": [], **fields}


def with_state(**fields: Any) -> dict[str, Any]:
    return kept(states=[{**kept()["states"][0], **fields}])


def test_what_a_tab_kept_comes_back_as_it_was() -> None:
    copy = tab_copy.read(json.dumps(kept(locked=["0000000a"], opened=["0000000b"])))
    assert copy.history.current.equals(history.history().current)
    assert copy.history.current.layer_ids == tuple(session.layer_ids())
    assert [set(copy.locked), set(copy.opened)] == [{"0000000a"}, {"0000000b"}]


@pytest.mark.parametrize(
    "text",
    [
        None,
        3,
        "rubbish",
        "[" * 3_000,
        "x" * 2_000_000,
        json.dumps([]),
        '{"states": [], "at": 0, "locked": [], "opened": []}',
        '{"states": {}, "at": 0, "locked": [], "opened": [], "more": 1}',
    ],
    ids=lambda text: repr(text)[:20],
)
def test_rubbish_is_refused_in_one_line(text: Any) -> None:
    with pytest.raises(MnistnetError) as error:
        tab_copy.read(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    "change",
    [
        {"at": 1},
        {"at": -1},
        {"at": True},
        {"at": float("nan")},
        {"locked": ["<img src=x>"]},
        {"opened": ["00000001"] * 13_000},
        {"id": "../../00"},
        {"design": "<script>alert(1)</script>"},
        {"design": "1~c999999k3s1p1-0~x"},
        {"recipe": "3~mnist~holdout~nan"},
        {"layer_ids": ["00000001"] * len(LAYERS)},
        {"layer_ids": []},
    ],
    ids=repr,
)
def test_a_history_with_one_wrong_part_is_refused(change: dict[str, Any]) -> None:
    given = kept(**change) if change.keys() <= kept().keys() else with_state(**change)
    with pytest.raises(MnistnetError):
        tab_copy.read(json.dumps(given))


def test_two_states_of_one_id_are_refused() -> None:
    with pytest.raises(MnistnetError, match="begins anew"):
        tab_copy.read(json.dumps(kept(states=kept()["states"] * 2)))
