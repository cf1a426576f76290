"""Profiles on the pages: chosen, made by the form, opened from a file, carried by the address, and what they judge."""

from collections.abc import Iterable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet import links
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import COURSE, PROFILES
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import recipe
from mnistnet.ui import cache
from tests.support.pages import PAGES, button, opened, texts
from tests.support.samples import metrics, started
from tests.support.situations import queued

pytestmark = pytest.mark.usefixtures("still")

OWN = COURSE.changed(
    name="week-5", title="Week *5* :material/home:", params=9_000, accuracy=0.9945, consistency="last-2"
)


def _form_opened() -> AppTest:
    app = opened()
    app.session_state["own-rules"] = True
    return app.run()


def _field(elements: Iterable[Any], label: str) -> Any:
    return next(element for element in elements if element.label == label)


@pytest.mark.bar("C4")
def test_another_profile_changes_the_card_and_the_address() -> None:
    app = opened()
    assert "✓ met under 20,000 parameters: 16,170; must be under 20,000" in texts(app)
    assert ":gray-badge[known after training] **at least 99.4% on the test set of MNIST**" in texts(app)
    app.selectbox(key="design-profile").set_value("techniques").run()
    said = texts(app)
    assert ":red-badge[:material/close: not met] **dropout used**: no layer uses dropout" in said
    assert "not met: dropout used" in said
    assert app.query_params["rules"] == "techniques"


@pytest.mark.parametrize(("before", "now"), [("course", "20k"), ("half", "10k"), ("hard", "8k/15"), ("tiny", "4k")])
def test_an_address_of_before_opens_its_profile(before: str, now: str) -> None:
    app = opened(rules=before)
    assert not app.warning
    assert app.selectbox(key="design-profile").value == now
    assert app.session_state["_rules"] is PROFILES[now]


def test_an_own_profile_of_the_address_is_shown_as_it_is_written() -> None:
    app = opened(rules=links.encode_profile(OWN))
    assert not app.exception
    assert not app.warning
    assert app.selectbox(key="design-profile").value == "week-5"
    assert "✗ not met under 9,000 parameters: " in texts(app)
    assert "**at least 99.45% validation accuracy in each of the last 2 epochs**" in texts(app)


def test_an_own_profile_can_be_chosen_again_after_a_built_in_one() -> None:
    app = opened(rules=links.encode_profile(OWN))
    app.selectbox(key="design-profile").set_value("20k").run()
    app.selectbox(key="design-profile").set_value("week-5").run()
    assert app.session_state["_rules"] == OWN


def test_the_form_makes_a_profile_that_the_address_carries() -> None:
    app = _form_opened()
    _field(app.text_input, "Name").set_value("mine")
    _field(app.number_input, "Parameters, fewer than").set_value(15_000)
    _field(app.number_input, "Accuracy (%), at least").set_value(99.45)
    _field(app.multiselect, "Required").set_value(["dropout"])
    _field(app.selectbox, "Accuracy reached by").select_index(1)
    _field(app.number_input, "Last epochs").set_value(3)
    button(app, "Use these rules").click().run()
    wanted = COURSE.changed(
        name="mine", title="Own rules", params=15_000, accuracy=0.9945, techniques=("dropout",), consistency="last-3"
    )
    assert app.session_state["_rules"] == wanted
    assert links.decode_profile(app.query_params["rules"]) == wanted


def test_a_refused_form_says_why_and_keeps_what_was_typed() -> None:
    app = _form_opened()
    _field(app.text_input, "Name").set_value("20k")
    _field(app.number_input, "Parameters, fewer than").set_value(15_000)
    button(app, "Use these rules").click().run()
    assert "these are not the rules of that name; choose another name" in app.warning[0].value
    assert app.session_state["_rules"] is COURSE
    assert _field(app.number_input, "Parameters, fewer than").value == 15_000


@pytest.mark.parametrize(("content", "said"), [(OWN.to_json(), ""), ('{"version": 1}', "The file was not opened")])
def test_a_profile_file_is_opened_or_refused(content: str, said: str) -> None:
    app = _form_opened()
    app.file_uploader(key="profile-file").set_value(("p.json", content.encode(), "application/json")).run()
    assert not app.exception
    assert said in "".join(warning.value for warning in app.warning)
    assert app.session_state["_rules"] == (COURSE if said else OWN)


def _trained(store: Store, *accuracies: float) -> None:
    queued(store, recipe({"epochs": len(accuracies)}), PRESETS["mnistnet-min"].architecture)
    run = started(store)
    for epoch, accuracy in enumerate(accuracies, 1):
        transitions.record_epoch(store, run.id, metrics(epoch, validation_accuracy=accuracy))
    transitions.complete(store, run.id, (50, 10_000), "ab" * 32)
    cache.forget()


def test_a_change_of_profile_judges_a_run_again_and_says_by_which(store: Store) -> None:
    _trained(store, 0.99, 0.995, 0.993, 0.995, 0.995, 0.995)
    app = opened("train")
    assert "Assignment met" in texts(app)
    assert app.code[0].value.splitlines()[0] == f"weights sha256 {'ab' * 32}"
    assert app.code[0].value.endswith("rules 20k")
    app.switch_page(PAGES["design"]).run()
    app.selectbox(key="design-profile").set_value("last-5").run()
    app.switch_page(PAGES["train"]).run()
    said = texts(app).replace("\\", "")
    assert "“The assignment, each of the last 5 epochs” not met: 99.50%" in said
    assert "4 of the last 5 epochs at the goal; first epoch at the goal: 2" in said
    assert "Judged by the rules “last-5”" in said
    assert app.code[0].value.endswith("rules last-5")


def test_compare_judges_by_the_chosen_profile(store: Store) -> None:
    _trained(store, 0.99, 0.995, 0.993, 0.995, 0.995, 0.995)
    app = opened("compare", rules="last-5")
    assert list(app.dataframe[0].value["meets last-5"]) == ["no: 4 of the last 5 epochs at the goal"]
    assert list(opened("compare").dataframe[0].value["meets assignment"]) == ["yes"]
