"""The Design page: names, padding, the budget, the preset's recipe, and what the bar at Start says and does."""

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet import links
from mnistnet.nets.architecture import Linear
from mnistnet.nets.layer_types import LAYER_TYPES
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.runs.store.store import Store
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import Recipe, recipe
from mnistnet.ui.design import meter
from tests.support.pages import PAGES, button, opened, slider, texts
from tests.support.situations import queued

pytestmark = pytest.mark.usefixtures("still")


def test_a_design_over_the_budget_is_shrunk_after_a_preview() -> None:
    app = opened(design="1~c64k3s1p1-br0_m2_c64k3s1p1-br0_c64k3s1p1-br0_g_c10k1s1p0-0~big")
    assert app.metric[0].value == "75,328"
    app.session_state["shrink-preview"] = True
    app.run()
    assert app.metric[0].value == "75,328", "the preview changes nothing"
    assert "layer 1: 64 → 33" in texts(app)
    assert "168 parameters left" in texts(app)
    app.button(key="shrink").click().run()
    assert app.metric[0].value == f"{20_000 - 1 - 168:,}"


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
    assert ":red-badge[:material/close: not met: under 20 epochs" in texts(app)
    assert "This run would not meet the rules: under 20 epochs (21; must be under 20)." in texts(app)
    button(app, "Start anyway").click().run()
    assert [run.recipe.epochs for run in store.runs()] == [21]


def test_the_badge_at_start_covers_every_rule() -> None:
    linear = FIRST.architecture.with_layers((*FIRST.architecture.layers[:-2], Linear(features=10)))
    app = opened(design=links.encode_design(linear), recipe=links.encode_recipe(recipe({"epochs": 20})))
    warning = next(caption.value for caption in app.caption if "would not meet" in caption.value)
    for rule in ("under 20,000 parameters", "under 20 epochs", "no fully connected layer"):
        assert rule in warning
    assert ":green-badge[:material/check: rules met" in texts(opened())


@pytest.mark.parametrize("channels", [16, 10])
def test_the_badge_at_start_judges_no_design_that_cannot_be_built(channels: int) -> None:
    """Its last layer has too many outputs, or the pooling before it does not fit."""
    pool = "" if channels == 16 else "m28_m2_"
    said = texts(opened(design=f"1~c16k3s1p1-0_{pool}c{channels}k1s1p0-0~broken"))
    assert ":red-badge[:material/close: cannot be built yet" in said
    assert "Cannot start. Layer" in said
    assert "rules met" not in said
    assert "close: not met: under" not in said


def test_one_parameter_is_left_in_the_singular() -> None:
    assert [meter.parameters(count) for count in (0, 1, 1_000)] == [
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
    assert app.session_state["_recipe"] == Recipe()
    assert "has its own recipe" not in texts(app)


def test_a_larger_kernel_keeps_the_maps_size_where_the_padding_did() -> None:
    app = opened()
    first = _menu_of(app, 0)
    app.segmented_control(key=f"kernel-{first}").set_value(5).run()
    conv = app.session_state["_design"].layers[0]
    assert (conv.kernel, conv.padding) == (5, 2)
    assert app.segmented_control(key=f"padding-{first}").options[0] == "same size (2)"


def test_a_larger_kernel_leaves_another_padding_alone() -> None:
    app = opened()
    first = _menu_of(app, 0)
    app.segmented_control(key=f"padding-{first}").set_value(0).run()
    app.segmented_control(key=f"kernel-{first}").set_value(5).run()
    conv = app.session_state["_design"].layers[0]
    assert (conv.kernel, conv.padding) == (5, 0)


def test_a_layer_is_inserted_below_another_marked_and_announced() -> None:
    app = opened()
    third = _menu_of(app, 2)
    app.selectbox(key=f"insert-below-{third}").set_value("Dropout").run()
    assert app.session_state["_design"].layers[3].type == "dropout"
    assert [toast.value for toast in app.toast] == ["Layer 4 added\\: dropout\\."]
    assert "**4 · dropout** :blue-badge[new]" in texts(app)
    assert "Dropout is not drawn: it is in layer 4." in texts(app)
    slider(app, "Width of layer 1").set_value(17).run()
    assert ":blue-badge[new]" not in texts(app)
    assert not app.toast


def test_every_field_of_every_layer_type_has_a_control() -> None:
    layers = tuple(entry.new for entry in sorted(LAYER_TYPES.values(), key=lambda entry: entry.flattens))
    app = opened(design=links.encode_design(FIRST.architecture.with_layers(layers)))
    for layer_id in app.session_state["_layer_ids"]:
        app.session_state[f"more-{layer_id}"] = True
    app.run()
    widgets = [*app.slider, *app.segmented_control, *app.multiselect, *app.toggle, *app.number_input]
    keys = {str(widget.key) for widget in widgets}
    without = [
        (layer.type, field)
        for layer_id, layer in zip(app.session_state["_layer_ids"], layers, strict=True)
        for field in set(type(layer).model_fields) - {"type", "dropout"}  # the rate only where a step uses it
        if not any(key.startswith(f"{field}-{layer_id}") for key in keys)
    ]
    assert without == []


def test_a_moved_layer_keeps_its_menu_open() -> None:
    app = opened()
    first = _menu_of(app, 0)
    app.button(key=f"down-{first}").click().run()
    assert app.session_state["_layer_ids"][1] == first
    assert app.session_state[f"more-{first}"]


def _menu_of(app: AppTest, place: int) -> str:
    """Open the menu of the layer at `place`; its id."""
    layer_id: str = app.session_state["_layer_ids"][place]
    app.session_state[f"more-{layer_id}"] = True
    app.run()
    return layer_id
