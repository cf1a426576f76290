"""The format `handin`: a run as a zip file that `check` reads again."""

import zipfile
from io import BytesIO

import pytest

from mnistnet.exports import handin
from mnistnet.exports import material as materials
from mnistnet.exports.code import model_py
from mnistnet.exports.material import Material, NeedsRun
from mnistnet.handins import checking
from mnistnet.handins import handin as reading
from mnistnet.handins.results import Checked
from mnistnet.insight.network.steps import finish
from mnistnet.nets.presets import FIRST
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.training.recipe import Recipe
from tests.support.situations import done, running


def checked(material: Material) -> Checked:
    data = finish(handin.files(material))[handin.FILE]
    given = reading.from_bytes(data, "a.zip")
    return checking.concluded([finish(checking.examined(given, model_text=model_py))])[0]


def test_a_run_of_ones_own_passes_all_but_the_goal_on_mnist(still: Store) -> None:
    run = done(still)
    found = checked(materials.of_run(still, run))
    assert [check.check for check in found.failed] == ["at least 99.4% on the test set of MNIST"]
    assert (found.errors, found.total) == (run.test_errors, run.test_total)


def test_the_same_run_gives_the_same_bytes(still: Store) -> None:
    material = materials.of_run(still, done(still))
    first, second = (finish(handin.files(material))[handin.FILE] for _ in range(2))
    assert first == second
    assert {"model.py", "report.md", "report.html", "README.txt"} <= set(zipfile.ZipFile(BytesIO(first)).namelist())


@pytest.mark.mnist
@pytest.mark.parametrize("preset", ["mnistnet-4k", "course-10216"])
def test_a_run_of_the_gallery_fails_only_as_somebody_elses(store: Store, preset: str) -> None:
    run = GALLERY.find(f"gallery-{preset}")
    assert run is not None
    found = checked(materials.of_run(store, run))
    assert [check.check for check in found.failed] == ["log not another's", "weights not another's"]
    assert (found.errors, found.parameters, found.epochs) == (run.test_errors, run.params, run.epochs_done)


def test_a_run_that_is_not_done_is_refused(still: Store) -> None:
    run = running(still)
    with pytest.raises(WrongState, match="a run that is done can be handed in"):
        finish(handin.files(materials.of_run(still, run)))


def test_a_design_without_a_run_is_refused() -> None:
    with pytest.raises(NeedsRun, match="handin needs a run"):
        finish(handin.files(Material(FIRST.architecture, Recipe())))
