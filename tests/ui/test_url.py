"""The address bar: what it holds, what a broken one does, and the browser's Back."""

import pytest
from streamlit.runtime.state.query_params import QueryParams

from mnistnet import links
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.runs.store.store import Store
from mnistnet.training import presets as recipe_presets
from mnistnet.training.recipe import Recipe
from tests.support.pages import PAGES, opened, slider, texts
from tests.support.situations import DIGITS, queued

pytestmark = pytest.mark.usefixtures("still")


def test_the_address_holds_the_design_and_the_recipe() -> None:
    app = opened()
    slider(app, "Width of layer 4").set_value(20).run()
    slider(app, "Epochs").set_value(7).run()
    again = opened(**{key: str(value) for key, value in app.query_params.items()})
    assert again.session_state["_design"] == app.session_state["_design"]
    assert again.session_state["_recipe"] == app.session_state["_recipe"]


@pytest.mark.bar("D2")
@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("design", "1~c16k4s1p1-br0_g~x"),
        ("design", "2~g~x"),
        ("design", "<script>alert(1)</script>"),
        ("recipe", "1~mnist~holdout~nan"),
        ("run", "../../etc"),
        ("digit", "-1"),
        ("rules", "none"),
        ("lesson", "1.abc"),
        ("draft", "<script>"),
    ],
)
def test_a_broken_address_is_named_and_the_page_keeps_a_safe_value(key: str, text: str) -> None:
    app = opened(**{key: text})
    assert not app.exception
    assert "The address was only partly understood" in app.warning[0].value
    assert app.session_state["_design"] == FIRST.architecture


@pytest.mark.bar("D3")
def test_a_link_fills_the_form_and_starts_nothing(store: Store) -> None:
    opened(design=links.encode_design(PRESETS["course-10040"].architecture), recipe=links.encode_recipe(DIGITS))
    assert store.runs() == []


@pytest.mark.bar("S2")
def test_values_survive_a_visit_to_another_page() -> None:
    app = opened()
    slider(app, "Width of layer 4").set_value(21).run()
    slider(app, "Epochs").set_value(9).run()
    app.switch_page(PAGES["train"]).run()
    app.switch_page(PAGES["design"]).run()
    assert slider(app, "Width of layer 4").value == 21
    assert slider(app, "Epochs").value == 9


def test_an_unknown_run_in_the_address_is_named(store: Store) -> None:
    queued(store)
    assert "Run deadbeef: not in this store" in texts(opened("train", run="deadbeef"))


def test_a_first_visit_has_the_recipe_of_the_first_design_and_its_address_holds_it() -> None:
    app = opened()
    assert app.session_state["_design"] == FIRST.architecture
    assert app.session_state["_recipe"] == recipe_presets.first()
    assert links.decode_recipe(str(app.query_params["recipe"])) == recipe_presets.first()


def test_an_address_with_a_design_and_no_recipe_means_the_default_recipe() -> None:
    app = opened(design=links.encode_design(FIRST.architecture))
    assert app.session_state["_recipe"] == Recipe()


def test_back_to_an_address_without_a_recipe_restores_the_default() -> None:
    app = opened(design=links.encode_design(FIRST.architecture))
    before = dict(app.query_params)
    slider(app, "Epochs").set_value(7).run()
    assert "recipe" in app.query_params
    app.session_state["_changed"] = 0.0  # long ago: what comes now is no echo of this change
    app.query_params.clear()
    app.query_params.update(before)
    app.run()
    assert app.session_state["_recipe"].epochs == 18


def test_a_change_taken_back_before_the_browser_showed_it_is_in_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that comes with the second change is right by chance: the one sent between them is under way."""
    app = opened(design=links.encode_design(FIRST.architecture))
    before = dict(app.query_params)
    slider(app, "Epochs").set_value(7).run()
    sent: list[dict[str, str]] = []
    monkeypatch.setattr(QueryParams, "_send_query_param_msg", lambda self: sent.append(self.to_dict()))
    app.query_params.clear()
    app.query_params.update(before)
    slider(app, "Epochs").set_value(18).run()
    assert len(sent) == 1
    assert "recipe" not in sent[0]
    app.run()
    assert len(sent) == 1  # nothing changed: a new entry in the browser's history would be in the way of Back


def test_no_more_than_three_networks_are_asked() -> None:
    names = ",".join(f"gallery-{name}" for name in list(PRESETS)[:4])
    assert "at most 3" in texts(opened(nets=names))
