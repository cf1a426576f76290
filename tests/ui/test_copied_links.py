"""What "Copy link" gives opens exactly what was shown, today and after defaults change."""

import json
import shutil
from typing import Any
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import Recipe
from mnistnet.ui import session
from tests.support.pages import opened, slider, texts
from tests.test_kept import KEPT, kept, says_the_same

pytestmark = pytest.mark.usefixtures("still")

EARLIER: dict[str, Any] = kept("addresses.json")
PARAMETERS = {one.name: one for one in session.PARAMETERS}


@pytest.fixture
def earlier(still: Store) -> Store:
    """The runs of an earlier version, in a place where they may be changed."""
    shutil.copytree(KEPT / "store", still.root)
    return still


def plain(value: Any) -> Any:
    """A parameter's value as JSON has it."""
    if hasattr(value, "to_json"):
        return json.loads(value.to_json())
    if isinstance(value, Recipe):
        return json.loads(value.model_dump_json())
    return list(value) if isinstance(value, tuple) else value


def query(app: AppTest) -> str:
    """The query of the address that "Copy link" shows; a page without a browser has no host."""
    return next(code.value for code in app.code if "?" in code.value).partition("?")[2]


@pytest.mark.bar("D3")
@pytest.mark.parametrize("what", EARLIER)
def test_an_address_of_before_means_the_same(what: str) -> None:
    for name, text in parse_qsl(EARLIER[what]["query"], strict_parsing=True):
        assert says_the_same(plain(PARAMETERS[name].decode(text)), EARLIER[what]["means"][name])


@pytest.mark.bar("D3", "D4")
@pytest.mark.mnist
@pytest.mark.parametrize("what", EARLIER)
def test_an_address_of_before_opens_what_it_did_and_is_copied_as_it_was(what: str, earlier: Store) -> None:
    before = EARLIER[what]
    app = opened(before["page"], **dict(parse_qsl(before["query"])))
    assert not app.exception
    assert "only partly understood" not in texts(app)
    assert query(app) == before["query"]
    assert [run.id for run in earlier.runs() if run.state.is_active] == []  # nothing was started


@pytest.mark.bar("D4")
def test_the_address_of_a_run_opens_that_run(earlier: Store) -> None:
    app = opened("train", run="46dc7c25")
    assert app.selectbox(key="pick-run").value == "46dc7c25"


@pytest.mark.bar("D4")
@pytest.mark.mnist
def test_the_address_of_a_wrong_digit_opens_that_digit() -> None:
    app = opened("mistakes", **dict(parse_qsl(EARLIER["wrong digit"]["query"])))
    assert app.selectbox(key="pick-run").value == "gallery-mnistnet-4k"
    assert app.number_input(key="digit-picker").value == 6576


def test_the_address_of_a_comparison_opens_these_runs_and_names_those_that_are_gone(earlier: Store) -> None:
    app = opened("compare", runs="gallery-mnistnet-4k,deadbeef,46dc7c25")
    assert set(app.multiselect(key="compare-runs").value) == {"gallery-mnistnet-4k", "46dc7c25"}
    assert "Not in this store: deadbeef" in texts(app)


def test_the_runs_that_are_compared_stay_in_the_address() -> None:
    app = opened("compare")
    app.multiselect(key="compare-runs").set_value(["gallery-mnistnet-8k", "gallery-mnistnet-4k"]).run()
    assert app.query_params["runs"] == "gallery-mnistnet-8k,gallery-mnistnet-4k"
    assert "runs=gallery-mnistnet-8k,gallery-mnistnet-4k" in query(app)


def test_a_comparison_of_no_runs_stays_empty() -> None:
    app = opened("compare")
    app.multiselect(key="compare-runs").set_value([]).run()
    assert opened("compare", runs="").multiselect(key="compare-runs").value == []
    assert app.multiselect(key="compare-runs").value == []


def test_a_copied_design_brings_its_recipe_even_where_that_is_the_default() -> None:
    app = opened()
    slider(app, "Width of layer 4").set_value(20).run()
    parameters = dict(parse_qsl(query(app)))
    assert set(parameters) == {"design", "recipe", "rules"}
    again = opened(**parameters)
    assert again.session_state["_design"] == app.session_state["_design"]


@pytest.mark.parametrize(
    ("key", "text"), [("runs", "a b"), ("runs", ",".join(["46dc7c25"] * 31)), ("run", "run 1"), ("ask", "x" * 3000)]
)
def test_a_broken_part_is_named_once_and_the_others_are_taken(key: str, text: str) -> None:
    app = opened(design="1~c16k3s1p1-br0_g_c10k1s1p0i-0~mine", **{key: text})
    assert not app.exception
    assert [warning.value for warning in app.warning if f"left out: {key} " in warning.value.replace("\\", "")]
    assert len(app.warning) == 1
    assert app.session_state["_design"].name == "mine"
