"""Experiments: which runs they consist of, what they are called, and what may be said of their results."""

import numpy as np
import pytest

from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.review.experiments import Comparison, Experiment, ablation, batch_sizes, compare, scaled_rate
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import Recipe
from tests.support.random_designs import designs
from tests.support.samples import TINY, conv, design, recipe

NETS = ["mnistnet-16k", "course-10040", "course-19122", "course-19290"]
PLAIN = design(conv(8, after=["relu"]), conv(10, 1), {"type": "globalavgpool"}, name="plain")


def labels(experiment: Experiment) -> list[str]:
    return [variant.label for variant in experiment.variants]


# Which runs


def test_batch_sizes_are_a_quarter_the_same_and_four_times_for_three_epochs() -> None:
    found = batch_sizes(TINY, Recipe())
    assert [variant.recipe.batch_size for variant in found.variants] == [128, 32, 512]
    assert [variant.recipe.learning_rate for variant in found.variants] == pytest.approx([0.2, 0.05, 0.8])
    assert {variant.recipe.epochs for variant in found.variants} == {3}
    assert [variant.architecture.name for variant in found.variants] == ["tiny", "tiny batch 32", "tiny batch 512"]


def test_other_optimizers_scale_by_the_square_root() -> None:
    assert scaled_rate(Recipe(optimizer="adam"), 512) == pytest.approx(0.01)


@pytest.mark.parametrize("size", [8, 16, 2048])
def test_batch_sizes_stay_within_what_a_recipe_may_have(size: int) -> None:
    found = batch_sizes(TINY, Recipe(batch_size=size, learning_rate=9))
    sizes = [variant.recipe.batch_size for variant in found.variants]
    assert len(set(sizes)) == len(sizes)
    assert all(8 <= one <= 2048 for one in sizes)


@pytest.mark.parametrize("name", NETS)
def test_an_ablation_removes_what_a_preset_has(name: str) -> None:
    found = ablation(PRESETS[name].architecture, Recipe(), 3)
    dropout = "with dropout" if name == "mnistnet-16k" else "without dropout"
    assert labels(found) == ["as it is", "without batch norm", dropout, "without augmentation"]
    norm, drop = found.others[0].architecture, found.others[1].architecture
    assert not any("batchnorm" in layer.steps for layer in norm.layers)
    assert summarize(norm).fault is None
    assert summarize(drop).params == summarize(PRESETS[name].architecture).params
    assert found.others[2].recipe.shift == found.others[2].recipe.rotation_degrees == 0


def test_an_ablation_adds_what_a_design_lacks() -> None:
    still = Recipe(rotation_degrees=0, shift=0, scale=0)
    found = ablation(PLAIN, still, 3)
    assert labels(found) == ["as it is", "with batch norm", "with dropout", "with augmentation"]
    assert found.others[0].architecture.layers[0].steps == ("batchnorm", "relu")
    assert found.others[0].architecture.layers[1].steps == ()
    assert found.others[2].recipe.shift == Recipe().shift


def test_a_bias_takes_the_place_of_batch_norms_shift() -> None:
    """16 x 2 of six batch norms are removed, six times 16 biases are added."""
    preset = PRESETS["mnistnet-min"]
    assert ablation(preset.architecture, Recipe(), 3).others[0].params == preset.params - 6 * 16


def test_the_epochs_without_augmentation_shrink_with_the_others() -> None:
    short = ablation(TINY, Recipe(epochs=19, calm_epochs=4), 3).baseline.recipe
    assert (short.epochs, short.calm_epochs) == (3, 1)


def test_with_all_its_epochs_the_baseline_is_the_recipe_itself() -> None:
    chosen = Recipe(epochs=19, calm_epochs=4)
    assert ablation(TINY, chosen, 19).baseline.recipe == chosen


def test_random_designs_have_experiments_that_can_be_built() -> None:
    for one in designs(100, seed=3):
        for found in (ablation(one, Recipe(), 3), batch_sizes(one, Recipe())):
            assert len({variant.token for variant in found.variants}) == len(found.variants)
            for variant in found.variants:
                assert summarize(variant.architecture).fault is None or summarize(one).fault
                assert len(variant.architecture.name) <= 80


# Found again


def test_the_runs_of_an_experiment_are_found_in_the_store_and_only_those(store: Store) -> None:
    found = batch_sizes(TINY, recipe())
    assert found.missing(store.runs()) == list(found.variants)
    store.enqueue(TINY, recipe(epochs=4))
    store.enqueue(found.baseline.architecture, found.baseline.recipe)
    assert found.missing(store.runs()) == list(found.others)


def test_a_baseline_is_used_for_both_experiments_and_under_any_name(store: Store) -> None:
    store.enqueue(TINY.renamed("another name"), recipe(epochs=3))
    runs = store.runs()
    for found in (batch_sizes(TINY, recipe()), ablation(TINY, recipe(), 3)):
        assert found.baseline not in found.missing(runs)


def test_the_same_experiment_asked_for_twice_is_queued_once(store: Store) -> None:
    found = ablation(TINY, recipe(), 3)
    for _ in range(2):
        store.enqueue_all(
            [(one.architecture, one.recipe) for one in found.variants], tokens=[one.token for one in found.variants]
        )
    assert len(store.runs()) == len(found.variants)
    assert found.missing(store.runs()) == []


# What may be said


def outcome(fixed: int, newly_wrong: int, total: int = 1000) -> Comparison:
    """A baseline that is wrong on the first `fixed` images, beside one that is wrong on the next `newly_wrong`."""
    place = np.arange(total)
    before, after = place < fixed, (place >= fixed) & (place < fixed + newly_wrong)
    return compare(before.astype(np.uint8), after.astype(np.uint8), np.zeros(total, np.uint8))


@pytest.mark.parametrize(
    ("fixed", "newly_wrong", "comparisons", "verdict"),
    [
        (0, 0, 1, "not distinguishable"),
        (12, 8, 1, "not distinguishable"),
        (10, 1, 1, "better"),  # p = 0.012
        (1, 10, 1, "worse"),
        (10, 1, 5, "not distinguishable"),  # 0.059 for five at once
        (40, 5, 3, "better"),
    ],
)
def test_better_is_said_only_beyond_chance(fixed: int, newly_wrong: int, comparisons: int, verdict: str) -> None:
    assert outcome(fixed, newly_wrong).verdict(comparisons) == verdict


@pytest.mark.parametrize(("fixed", "newly_wrong"), [(0, 0), (12, 8), (40, 5), (0, 900)])
def test_the_interval_holds_the_difference(fixed: int, newly_wrong: int) -> None:
    found = outcome(fixed, newly_wrong)
    assert found.difference == pytest.approx((fixed - newly_wrong) / 1000)
    assert found.interval.low <= found.difference <= found.interval.high
    assert found.interval.low < found.interval.high
