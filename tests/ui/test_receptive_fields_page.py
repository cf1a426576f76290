"""The Receptive fields page: units, layers and terms."""

import pytest

from mnistnet import links
from mnistnet.nets.presets import FIRST
from tests.support.pages import opened, texts

pytestmark = pytest.mark.usefixtures("still")


def test_the_last_layer_has_no_jump_and_its_field_is_clipped() -> None:
    app = opened("receptive_fields")
    app.select_slider(key="field-layer").set_value("10 conv 1×1").run()
    said = [element.value for element in app.markdown if element.value.startswith("Receptive field **")]
    assert said == ["Receptive field **58×58, clipped to 28×28**, **the whole image**; feature map 1×1."]
    assert "starts at pixel" not in texts(app)
    app.select_slider(key="field-layer").set_value("3 conv 3×3").run()
    assert "Receptive field **8×8**; jump 2; feature map 14×14." in texts(app)


@pytest.mark.parametrize("term", ["Receptive field", "Effective receptive field", "Jump", "Stride", "Transition layer"])
def test_receptive_fields_explains_the_lecture_terms(term: str) -> None:
    assert f"- **{term}**: " in texts(opened("receptive_fields"))


def test_a_link_to_a_gallery_run_opens_its_layers() -> None:
    app = opened("receptive_fields", network="gallery-mnistnet-min")
    assert not app.exception
    assert app.selectbox(key="field-whose").value == "gallery-mnistnet-min"


def test_a_unit_shows_the_share_of_ink_it_can_see() -> None:
    app = opened("receptive_fields")
    app.select_slider(key="field-layer").set_value("10 conv 1×1").run()
    ink = next(metric for metric in app.metric if metric.label == "Ink inside the receptive field")
    assert ink.value == "100%"


def test_the_fields_of_a_design_are_seen_before_any_training() -> None:
    app = opened("receptive_fields")
    assert not app.exception
    assert "untrained" in texts(app)
    assert "trained" not in texts(app).replace("untrained", "")


def test_a_design_that_cannot_be_built_has_no_fields_to_look_at() -> None:
    faulty = FIRST.architecture.with_layers(FIRST.architecture.layers[:3])
    app = opened("receptive_fields", design=links.encode_design(faulty))
    assert not app.exception
    assert "Effective receptive fields need a design without errors" in texts(app)
