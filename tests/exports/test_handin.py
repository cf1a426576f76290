"""The format `handin`: a run as a zip file that `check` reads again."""

import zipfile
from collections.abc import Sequence
from io import BytesIO

import pytest
import torch

from mnistnet.exports import handin
from mnistnet.exports import material as materials
from mnistnet.exports.code import model_py
from mnistnet.exports.material import Material, NeedsRun
from mnistnet.handins import checking, weights
from mnistnet.handins import handin as reading
from mnistnet.handins.archive import WEIGHTS
from mnistnet.handins.results import Check, Checked
from mnistnet.insight.network.steps import finish
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.nets.rules import COURSE, PROFILES, verdicts
from mnistnet.nets.summary import summarize
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.training.recipe import Recipe
from tests.exports.code.inspection import network_of
from tests.support.handins import finished
from tests.support.random_designs import designs
from tests.support.situations import done, running

ON_THE_SAMPLE = "at least 99.4% on the test set of MNIST"  # which no hand-in on the offline sample has


def checked(material: Material) -> Checked:
    data = finish(handin.files(material))[handin.FILE]
    given = reading.from_bytes(data, "a.zip")
    return checking.concluded([finish(checking.examined(given, model_text=model_py))])[0]


def test_a_run_of_ones_own_passes_all_but_the_goal_on_mnist(still: Store) -> None:
    run = done(still)
    found = checked(materials.of_run(still, run))
    assert [check.check for check in found.failed] == [ON_THE_SAMPLE]
    assert (found.errors, found.total) == (run.test_errors, run.test_total)


def test_its_report_and_its_check_are_by_the_rules_that_were_chosen(still: Store) -> None:
    run = done(still)
    own = COURSE.changed(name="week-5", title="Week 5", params=100)
    for profile, is_built_in in ((PROFILES["4k"], True), (own, False)):
        data = finish(handin.files(materials.of_run(still, run, profile)))[handin.FILE]
        given = reading.from_bytes(data, "a.zip")
        report = zipfile.ZipFile(BytesIO(data)).read("report.md").decode()
        assert f"The rules of “{profile.title}”" in report
        by_itself, by_given = (finish(checking.examined(given, rules, model_py)).checked for rules in (None, profile))
        assert [check.passed for check in by_itself.checks if check.check == "rules"] == [is_built_in]
        assert Check("rules", True, f"{profile.name}, for which it was made") in by_given.checks
        assert f"under {profile.params:,} parameters" in [check.check for check in by_given.checks]


def test_the_same_run_gives_the_same_bytes(still: Store) -> None:
    material = materials.of_run(still, done(still))
    first, second = (finish(handin.files(material))[handin.FILE] for _ in range(2))
    assert first == second
    assert {"model.py", "report.md", "report.html", "README.txt"} <= set(zipfile.ZipFile(BytesIO(first)).namelist())


def not_as_written(store: Store, several: Sequence[Architecture]) -> dict[str, list[str]]:
    """By the design's JSON, what is read back differently from a hand-in with random weights; nothing where all is."""
    found = {}
    for seed, architecture in enumerate(several):
        network = network_of(architecture, seed)
        run = finished(store, network, architecture)
        data = finish(handin.files(materials.of_run(store, run)))[handin.FILE]
        given = reading.from_bytes(data, "a.zip")
        state = network.state_dict()
        read = weights.read(given.read[WEIGHTS], weights.forms_of(state))
        checks = finish(checking.examined(given, model_text=model_py)).checked
        rules = [rule.rule for rule in verdicts(architecture, summarize(architecture), run.recipe.epochs, COURSE)]
        same = {
            "design": given.manifest.design == architecture,
            "recipe": given.manifest.recipe == run.recipe,
            "weights": all(torch.equal(read[name], tensor) for name, tensor in state.items()),
            "parameters": given.manifest.claims.parameters == sum(one.numel() for one in network.parameters()),
            "test set": (checks.errors, checks.total) == (run.test_errors, run.test_total),
            **{check.check: check.passed for check in checks.checks if check.check not in (*rules, ON_THE_SAMPLE)},
        }
        if wrong := [name for name, is_same in same.items() if not is_same]:
            found[architecture.to_json()] = wrong
    return found


def test_any_design_and_weights_are_read_as_they_were_written(still: Store) -> None:
    presets = [PRESETS[name].architecture for name in ("mnistnet-16k", "course-10040")]
    assert not_as_written(still, [*presets, *designs(2, seed=14)]) == {}


@pytest.mark.long
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_read_as_it_was_written(still: Store, name: str) -> None:
    assert not_as_written(still, [PRESETS[name].architecture]) == {}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_200_designs_are_read_as_they_were_written(still: Store, seed: int) -> None:
    assert not_as_written(still, designs(20, seed)) == {}


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
