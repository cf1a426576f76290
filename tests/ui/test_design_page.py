"""The Design page: names, padding, the budget, the preset's recipe, and what the bar at Start says and does."""

import os
import shutil
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet import links
from mnistnet.data import files
from mnistnet.nets.architecture import Linear
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.nets.rules import parameters_text
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.training import presets as recipe_presets
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import Recipe, recipe
from tests.support import idx
from tests.support.pages import PAGES, button, opened, parameters, slider, texts
from tests.support.situations import DIGITS, queued

pytestmark = pytest.mark.usefixtures("still")


def test_the_layer_table_says_how_each_operation_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(design="1~c16k3s1p1-br0_m2_c16k5s1p2-br0_g_c10k1s1p0-0~five")
    (table,) = (frame.value for frame in app.dataframe if "trains" in frame.value)
    assert list(zip(table["layer"], table["trains"], strict=True)) == [
        *[(1, "chain"), (1, "chain"), (2, "chain")],
        *[(3, "torch"), (3, "compiled"), (4, "torch"), (5, "torch")],
    ]
    assert "On a CPU, layers 1 and 2 train as one compiled operation; batch norm" in texts(app)
    monkeypatch.setenv("MNISTNET_KERNELS", "off")
    assert "all layers train by torch's own operations (MNISTNET_KERNELS=off)" in texts(app.run())


def test_a_changed_preset_is_called_neither_after_the_preset_nor_its_size() -> None:
    app = opened()
    slider(app, "Width of layer 4").set_value(17).run()
    assert app.session_state["_design"].name == "my-design"


def test_a_proposed_name_is_one_that_nothing_ran_under(store: Store) -> None:
    queued(store, design=PRESETS["mnistnet-min"].architecture.renamed("my-design"))
    app = opened()
    slider(app, "Width of layer 4").set_value(17).run()
    assert app.session_state["_design"].name == "my-design-2"


def test_two_designs_do_not_run_under_one_proposed_name(store: Store) -> None:
    app = opened()
    slider(app, "Width of layer 4").set_value(17).run()
    app.button(key="start").click().run()
    app.switch_page(PAGES["design"]).run()
    slider(app, "Width of layer 4").set_value(18).run()
    app.button(key="start").click().run()
    assert sorted(run.name for run in store.runs()) == ["my-design", "my-design-2"]


def test_the_name_of_a_preset_is_refused_for_another_design() -> None:
    app = opened()
    slider(app, "Width of layer 4").set_value(17).run()
    app.text_input(key="design-name").set_value("mnistnet-16k").run()
    assert "is a preset with other layers" in app.warning[0].value
    assert app.session_state["_design"].name == "my-design"


def test_a_run_over_20_epochs_is_warned_of_and_can_be_started_anyway(store: Store) -> None:
    app = opened(recipe=links.encode_recipe(recipe({"epochs": 21})))
    assert "not met: under 20 epochs · " in texts(app)
    assert "This run would not meet the rules: under 20 epochs (21; must be under 20)." in texts(app)
    button(app, "Start anyway").click().run()
    assert [run.recipe.epochs for run in store.runs()] == [21]


def test_the_badge_at_start_covers_every_rule() -> None:
    linear = FIRST.architecture.with_layers((*FIRST.architecture.layers[:-2], Linear(features=10)))
    app = opened(design=links.encode_design(linear), recipe=links.encode_recipe(recipe({"epochs": 20})))
    warning = next(caption.value for caption in app.caption if "would not meet" in caption.value)
    for rule in ("under 20,000 parameters", "under 20 epochs", "no fully connected layer"):
        assert rule in warning
    assert "rules met · " in texts(opened())


@pytest.mark.parametrize("channels", [16, 10])
def test_the_badge_at_start_judges_no_design_that_cannot_be_built(channels: int) -> None:
    """Its last layer has too many outputs, or the pooling before it does not fit."""
    pool = "" if channels == 16 else "m28_m2_"
    said = texts(opened(design=f"1~c16k3s1p1-0_{pool}c{channels}k1s1p0-0~broken"))
    assert "cannot be built yet · " in said
    assert "Cannot start. Layer" in said
    assert "rules met" not in said
    assert "not met: under" not in said


def test_one_parameter_is_left_in_the_singular() -> None:
    assert [parameters_text(count) for count in (0, 1, 1_000)] == [
        "0 parameters",
        "1 parameter",
        "1,000 parameters",
    ]


def test_what_is_validated_on_is_changed_beside_start_with_one_click() -> None:
    app = opened()
    choice = app.segmented_control(key="start-protocol")
    assert choice.options == ["Honest (5,000 held out)", "As the assignment (test set)"]
    choice.set_value("course").run()
    assert app.session_state["_recipe"].protocol == "course"
    assert app.segmented_control(key="recipe-protocol").value == "course"


def test_a_chosen_preset_offers_its_own_recipe_and_says_what_it_changes() -> None:
    app = opened(recipe=links.encode_recipe(recipe({"epochs": 21})))
    app.selectbox(key="begin-with").set_value("course-10040").run()
    assert app.session_state["_recipe"].epochs == 21, "a recipe is not changed unasked"
    said = texts(app)
    assert "course-10040 has its own recipe" in said
    assert "epochs 21 → 19" in said
    assert "Honest (5,000 held out) → As the assignment (test set)" in said
    button(app, "Use its recipe").click().run()
    assert app.session_state["_recipe"] == recipe(RECIPES["course"].fields)
    assert "has its own recipe" not in texts(app)


def test_an_offered_recipe_can_be_refused() -> None:
    app = opened()
    app.selectbox(key="begin-with").set_value("mnistnet-min").run()
    button(app, "Keep mine").click().run()
    assert app.session_state["_recipe"] == recipe_presets.first()
    assert "has its own recipe" not in texts(app)


@pytest.mark.bar("E3")
def test_without_mnist_the_design_page_offers_the_offline_sample(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path / "nothing"))
    app = opened()
    assert "not on this machine yet" in texts(app)
    button(app, "Use the offline sample instead").click().run()
    assert app.session_state["_recipe"].dataset == "digits"
    assert "No accuracy on it is an MNIST accuracy" in texts(app)
    assert "too few to learn" not in texts(app), "it brings its own batch size"


def test_a_data_set_that_is_closed_to_the_user_is_named_on_the_design_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    idx.shrink(monkeypatch)
    raw = idx.write(tmp_path / "MNIST" / "raw")
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: path != raw / files.NAMES[0])  # root may read everything
    app = opened()
    assert not app.exception
    assert "Permission denied" in texts(app)
    assert "not on this machine yet" not in texts(app)


def test_a_built_in_recipe_is_taken_whole() -> None:
    assert _taken(opened()) == recipe(RECIPES["mnistnet-4k"].fields)


def _taken(app: AppTest) -> Recipe:
    """The current recipe after mnistnet-4k's was chosen from the menu."""
    app.menu_button(key="recipe-named").click("mnistnet-4k").run()
    taken: Recipe = app.session_state["_recipe"]
    return taken


def test_a_preset_replaces_the_design() -> None:
    app = opened()
    app.selectbox(key="begin-with").set_value("course-10040").run()
    assert parameters(app) == "10,040"
    assert app.session_state["_design"] == PRESETS["course-10040"].architecture


def test_presets_and_runs_are_offered_by_group_and_found_by_its_name(store: Store) -> None:
    run = queued(store)
    offered = opened().selectbox(key="begin-with").options
    groups = [label.partition(":")[0] for label in offered]
    assert [group for group, _ in groupby(groups)] == ["To begin with", "Our best", "Published solutions", "Your runs"]
    assert "Published solutions: course-10040 · 10,040 params" in offered
    assert offered[-1].startswith(f"Your runs: {run.id} · {FIRST.name}")


def test_one_click_starts_and_shows_the_run(store: Store) -> None:
    app = opened()
    button(app, "Start training").click().run()
    runs = store.runs()
    assert [run.name for run in runs] == [FIRST.name]
    assert app.title[0].value == "Train"
    assert runs[0].id in app.query_params["run"]


@pytest.mark.bar("S9")
def test_twenty_clicks_on_start_make_one_run(store: Store) -> None:
    app = opened()
    token = app.session_state["_token"]
    for _ in range(20):
        supervisor.submit(store, FIRST.architecture, DIGITS, token)
    assert len(store.runs()) == 1


def test_a_full_disk_refuses_the_start_and_says_why(monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    app = opened()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1024))
    button(app, "Start training").click().run()
    assert not app.exception
    assert "Not started" in app.warning[0].value
    assert store.runs() == []
