"""Which gallery runs a run is compared with, the band they make, and where in it the run stands."""

from dataclasses import replace
from pathlib import Path

import pytest

from mnistnet.data.splits import Protocol
from mnistnet.gallery import Entry, Outcome
from mnistnet.insight.predictions.peers import BandPoint, PeerBand, peer_band
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.runs.store.store import Store
from mnistnet.training.progress import EpochDone
from mnistnet.training.recipe import Recipe
from tests.support.samples import metrics, running


def curve(*accuracies: float) -> tuple[EpochDone, ...]:
    return tuple(
        EpochDone(epoch, 1.0, 0.5, 1.0, accuracy, 0.1, 1.0, 100.0) for epoch, accuracy in enumerate(accuracies, 1)
    )


def rows(*accuracies: float) -> list[EpochMetrics]:
    return [metrics(epoch, validation_accuracy=accuracy) for epoch, accuracy in enumerate(accuracies, 1)]


def entry(preset: str, seeds: int = 4, protocol: Protocol = "holdout") -> Entry:
    outcome = Outcome(1, curve(0.9, 0.95), 1.0, 50, 10_000, "")
    outcomes = tuple(replace(outcome, seed=seed) for seed in range(1, seeds + 1))
    return Entry(preset, Recipe(protocol=protocol), outcomes, "", 1, "")


ENTRIES = [entry(name) for name in PRESETS] + [entry("course-10040", protocol="course")]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """10,040 parameters, MNIST, holdout."""
    return running(Store(tmp_path), PRESETS["course-10040"].architecture, dataset="mnist", epochs=18)


def test_peers_are_the_nearest_in_size_until_there_are_enough(run: Run) -> None:
    assert peer_band(run, ENTRIES).names == ("course-10040", "course-10216")


def test_peers_have_the_same_protocol_and_data(run: Run) -> None:
    course = replace(run, recipe_json=run.recipe.changed(protocol="course").model_dump_json())
    assert peer_band(course, ENTRIES).names == ("course-10040",)
    digits = replace(run, recipe_json=run.recipe.changed(dataset="digits").model_dump_json())
    assert peer_band(digits, ENTRIES) == PeerBand((), ())


def test_the_band_reaches_from_the_lowest_to_the_highest_as_long_as_all_go_on() -> None:
    some = PeerBand(("a",), (curve(0.5, 0.75, 0.9), curve(0.25, 0.875), curve(0.375, 0.625)))
    assert some.band == [BandPoint(1, 0.25, 0.375, 0.5), BandPoint(2, 0.625, 0.75, 0.875)]


def test_a_run_stands_after_its_last_epoch() -> None:
    some = PeerBand(("a",), (curve(0.5, 0.75), curve(0.25, 0.875), curve(0.375, 0.625)))
    standing = some.standing(rows(0.3, 0.7))
    assert standing is not None
    assert (standing.epoch, standing.better, standing.total) == (2, 2, 3)


@pytest.mark.parametrize(("accuracy", "far_below"), [(0.1, True), (0.5, False), (0.95, False)])
def test_a_run_below_nearly_all_others_is_far_below(accuracy: float, far_below: bool) -> None:
    some = PeerBand(("a",), tuple(curve(0.4 + step / 20) for step in range(10)))
    standing = some.standing(rows(accuracy))
    assert standing is not None
    assert standing.is_far_below is far_below


def test_nothing_is_said_before_the_first_epoch_or_beyond_the_others_last() -> None:
    some = PeerBand(("a",), (curve(0.5, 0.75),))
    assert some.standing([]) is None
    assert some.standing(rows(0.5, 0.6, 0.7)) is None
    assert PeerBand((), ()).standing(rows(0.5)) is None
