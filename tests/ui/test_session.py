"""What a change of one value of the session sets back, and what it leaves."""

from typing import Any

import pytest
import streamlit as st

from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.ui import session


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session in which nothing was chosen."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


def chosen() -> dict[str, Any]:
    """All values that are not at their defaults."""
    return {one.name: one.value for one in session.PARAMETERS if one.value != one.default}


def test_names_in_the_address_are_unique() -> None:
    names = [one.name for one in session.PARAMETERS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("parameter", session.PARAMETERS, ids=lambda one: one.name)
def test_a_default_is_what_its_text_says(parameter: session.Parameter[Any]) -> None:
    if parameter.default is not None:
        assert parameter.decode(parameter.encode(parameter.default)) == parameter.default


def test_another_run_is_looked_at_from_its_first_digit_and_beside_no_other() -> None:
    session.run_id.set("one")
    session.digit.set(3)
    session.other.set("epoch-2")
    session.view.set("trust")
    session.run_id.set("two")
    assert chosen() == {"run": "two", "view": "trust"}


def test_another_split_is_looked_at_from_its_first_digit() -> None:
    session.run_id.set("one")
    session.digit.set(3)
    session.split.set("validation")
    assert chosen() == {"run": "one", "split": "validation"}


def test_the_layers_of_another_design_are_others_unless_their_ids_are_given() -> None:
    session.design.set(FIRST.architecture)
    before = session.layer_ids()
    session.design.set(FIRST.architecture.renamed("another"))
    after = session.layer_ids()
    assert not set(before) & set(after)
    session.set_design(FIRST.architecture, after)
    assert session.layer_ids() == after


def test_every_change_makes_the_next_start_another_one() -> None:
    token = session.start_token()
    assert session.start_token() == token
    session.design.set(PRESETS["course-10040"].architecture)
    assert session.start_token() != token


def test_nothing_is_changed_by_looking() -> None:
    session.layer_ids()
    session.start_token()
    assert chosen() == {}
    assert not session.is_changed()
    session.digit.set(3)
    assert session.is_changed()
