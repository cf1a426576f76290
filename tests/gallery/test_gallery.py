"""The gallery says what was trained: its files agree with the presets, with their hashes and with themselves."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load

from benchmarks.gallery import seeds, table
from mnistnet import gallery
from mnistnet.gallery import DamagedEntry, Entry
from mnistnet.insight.network import answers
from mnistnet.insight.network.steps import finish
from mnistnet.nets.network import build
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import COURSE
from mnistnet.runs.files import checkpoint
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES

OWN = {"mnistnet-16k": 20_000, "mnistnet-10k": 10_000, "mnistnet-8k": 8_000, "mnistnet-4k": 4_000}
FINAL_FITS = {gallery.final_fit(name) for name in PRESETS if gallery.entry(gallery.final_fit(name))}


def found(name: str) -> Entry:
    entry = gallery.entry(name)
    assert entry is not None, "something that the gallery does not show"
    return entry


@pytest.fixture(params=[*PRESETS, *sorted(FINAL_FITS)])
def entry(request: pytest.FixtureRequest) -> Entry:
    """Each preset's, and each final fit."""
    return found(request.param)


@pytest.fixture(params=PRESETS)
def kept(request: pytest.FixtureRequest) -> Entry:
    """Each preset's, with its weights."""
    return found(request.param)


def test_every_file_belongs_to_a_preset() -> None:
    paths = [Path(file.name) for file in files(gallery.__name__).iterdir()]
    for suffix, names in {".json": {*PRESETS, *FINAL_FITS}, ".safetensors": {*PRESETS}, ".npz": {*PRESETS}}.items():
        assert {path.stem for path in paths if path.suffix == suffix} == names


def test_a_file_is_written_as_it_was_read(entry: Entry) -> None:
    assert gallery.text(entry) == files(gallery.__name__).joinpath(f"{entry.name}.json").read_text()


def test_the_recipe_is_the_frozen_one(entry: Entry) -> None:
    name = entry.preset if entry.preset in RECIPES else "course"
    frozen = recipes.recipe({**RECIPES[name].fields, "threads": entry.threads})
    assert entry.recipe == (frozen.changed(protocol="course") if entry.is_final_fit else frozen)


def test_every_seed_has_every_epoch_of_an_allowed_number(entry: Entry) -> None:
    assert entry.recipe.epochs < COURSE.epochs
    for outcome in entry.outcomes:
        assert [row.epoch for row in outcome.curve] == list(range(1, entry.recipe.epochs + 1))


def test_there_are_enough_seeds_and_none_twice(entry: Entry) -> None:
    assert [outcome.seed for outcome in entry.outcomes] == list(seeds(entry.preset, entry.recipe))
    assert len({outcome.weights_sha256 for outcome in entry.outcomes}) == len(entry.outcomes)


def test_the_weights_are_those_that_were_scored(kept: Entry) -> None:
    weights = load(gallery.weights(kept))
    assert checkpoint.weights_sha256(weights) == kept.outcomes[0].weights_sha256
    build(PRESETS[kept.preset].architecture).load_state_dict(weights)


def test_the_stored_answers_are_the_score(kept: Entry) -> None:
    stored = GALLERY.predictions(run_of(kept), "test")
    assert stored is not None
    errors = int((stored.probabilities.argmax(1) != stored.labels).sum())
    assert (errors, len(stored.labels)) == (kept.outcomes[0].test_errors, kept.outcomes[0].test_total)


def run_of(entry: Entry) -> Run:
    run = GALLERY.find(f"gallery-{entry.preset}")
    assert run is not None
    return run


def test_its_run_is_done_and_has_the_presets_design(kept: Entry) -> None:
    run = run_of(kept)
    assert (run.state, run.architecture, run.params) == (
        RunState.DONE,
        PRESETS[kept.preset].architecture,
        PRESETS[kept.preset].params,
    )
    assert (run.recipe.seed, run.weights_sha256) == (kept.outcomes[0].seed, kept.outcomes[0].weights_sha256)
    assert run in GALLERY.runs()
    assert run.epochs_done == run.recipe.epochs


@pytest.mark.parametrize("name", OWN)
def test_our_own_nets_keep_within_their_names(name: str) -> None:
    assert PRESETS[name].params < OWN[name]


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.published])
def test_the_published_solutions_reach_what_they_state(name: str) -> None:
    published = PRESETS[name].published
    assert published is not None
    assert found(name).best_validation >= published.accuracy


@pytest.mark.mnist
@pytest.mark.parametrize("name", ["mnistnet-min", "course-10040"])
def test_the_weights_answer_the_test_set_as_they_were_scored(name: str, store: Store) -> None:
    entry = found(name)
    run = run_of(entry)
    stored, predictions = GALLERY.predictions(run, "test"), finish(answers.compute(store, run, "test"))
    errors = int((predictions.probabilities.argmax(1) != predictions.labels).sum())
    assert stored is not None
    np.testing.assert_allclose(predictions.probabilities, stored.probabilities, atol=5e-3)
    # Another machine adds in another order: an image or two between two digits may fall the other way.
    assert abs(errors - entry.outcomes[0].test_errors) <= 2


def test_weights_that_are_not_those_are_refused(kept: Entry) -> None:
    with pytest.raises(DamagedEntry, match=f"{kept.preset}.safetensors: not the weights"):
        gallery.weights(replace(kept, weights_file_sha256="0" * 64))


@pytest.mark.parametrize("name", [gallery.final_fit(name) for name in OWN])
def test_a_final_fit_is_no_run_to_look_at(name: str) -> None:
    assert GALLERY.find(f"gallery-{name}") is None
    assert name not in {run.name for run in GALLERY.runs()}


def test_the_results_page_states_what_is_stored() -> None:
    stated = (Path(__file__).parents[2] / "docs" / "results.md").read_text("utf-8")
    assert [line for line in table() if line not in stated] == []


def test_an_unknown_run_is_none_of_the_gallery() -> None:
    assert GALLERY.find("1a2b3c4d") is None
    assert GALLERY.find("gallery-nothing") is None


def test_mean_worst_and_deviation_are_those_of_the_seeds() -> None:
    some = next(iter(gallery.entries().values()))
    outcomes = tuple(replace(some.outcomes[0], test_errors=errors, test_total=1000) for errors in (2, 4, 6))
    entry = replace(some, outcomes=outcomes)
    assert (round(entry.mean, 6), round(entry.worst, 6), round(entry.deviation, 6)) == (0.996, 0.994, 0.002)
    assert replace(some, outcomes=outcomes[:1]).deviation == 0.0
