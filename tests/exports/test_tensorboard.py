"""Event files, read by TensorBoard's own reader. Without the extra and TensorBoard, these tests are skipped."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from mnistnet.exports import material as materials
from mnistnet.exports import tensorboard
from mnistnet.exports.formats import FORMATS
from mnistnet.exports.material import Material
from mnistnet.insight.network.steps import finish
from mnistnet.nets import architecture as designs
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.training import recipe as recipes
from tests.support.samples import metrics, running

pytestmark = pytest.mark.skipif(
    not (tensorboard.EXTRA.is_installed and find_spec("tensorboard")),
    reason=f"{tensorboard.EXTRA.installation} tensorboard",
)


@pytest.fixture
def material(store: Store) -> Material:
    """A run of three epochs."""
    run = running(store)
    for epoch in (1, 2, 3):
        transitions.record_epoch(store, run.id, metrics(epoch, seconds=2.5, validation_accuracy=epoch / 4))
    return materials.of_run(store, store.run(run.id))


def exported(material: Material) -> dict[str, bytes]:
    return dict(finish(FORMATS["tensorboard"].files(material)))


def read(material: Material, folder: Path) -> Any:
    """The one event file of the export, as TensorBoard reads it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    ((name, data),) = exported(material).items()
    path = folder / name
    path.parent.mkdir()
    path.write_bytes(data)
    return EventAccumulator(str(path.parent)).Reload()


def test_every_figure_of_every_epoch_is_read_back(material: Material, tmp_path: Path) -> None:
    events = read(material, tmp_path)
    assert material.result is not None
    assert set(events.Tags()["scalars"]) == set(tensorboard.SCALARS)
    for tag, field in tensorboard.SCALARS.items():
        found = [(event.step, event.value) for event in events.Scalars(tag)]
        assert found == [(row.epoch, pytest.approx(getattr(row, field))) for row in material.result.metrics]


def test_epochs_have_the_time_at_which_they_ended(material: Material, tmp_path: Path) -> None:
    assert material.result is not None
    began = material.result.run.started
    assert began is not None
    times = [event.wall_time for event in read(material, tmp_path).Scalars("loss/train")]
    assert times == pytest.approx([began + 2.5, began + 5, began + 7.5], abs=0.001)


def test_design_and_recipe_are_texts_that_can_be_read_back(material: Material, tmp_path: Path) -> None:
    events = read(material, tmp_path)
    design, recipe = (events.Tensors(f"{tag}/text_summary")[0].tensor_proto for tag in ("design", "recipe"))
    assert designs.parse(design.string_val[0]) == material.architecture
    assert recipes.recipe(recipes.parse(recipe.string_val[0])) == material.recipe


def test_the_recipes_fields_are_hyperparameters(material: Material, tmp_path: Path) -> None:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    started = read(material, tmp_path).SummaryMetadata("_hparams_/session_start_info")
    found = HParamsPluginData.FromString(started.plugin_data.content).session_start_info.hparams
    assert set(found) == {"design", "parameters", *recipes.Recipe.model_fields}
    assert (found["design"].string_value, found["epochs"].number_value) == ("tiny", 3)


def test_the_same_run_gives_the_same_bytes(material: Material) -> None:
    assert exported(material) == exported(material)


def test_the_folder_is_named_after_design_and_run(material: Material) -> None:
    assert material.result is not None
    assert list(exported(material)) == [f"tiny-{material.result.run.id}/events.out.tfevents"]
