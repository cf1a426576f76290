"""The recipes that come with it: whole, allowed by the assignment, and named after what they are for."""

import pytest

from mnistnet import gallery
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import COURSE
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES, for_design

OF_A_RUN = {"seed", "threads", "device", "precision"}


@pytest.mark.parametrize("name", RECIPES)
def test_each_is_a_recipe_within_the_assignments_epochs(name: str) -> None:
    assert recipes.recipe(RECIPES[name].fields).epochs < COURSE.epochs


@pytest.mark.parametrize("name", RECIPES)
def test_none_fixes_what_belongs_to_a_run_or_a_machine(name: str) -> None:
    assert not {"seed", "threads", "device", "dataset"} & set(RECIPES[name].fields)


def test_each_of_our_own_nets_has_its_recipe() -> None:
    own = {name for name, preset in PRESETS.items() if name.startswith("mnistnet-") and not preset.published}
    assert own <= set(RECIPES)


@pytest.mark.parametrize("name", PRESETS)
def test_each_design_preset_has_the_recipe_that_the_gallery_trained_it_with(name: str) -> None:
    preset, entry = for_design(name), gallery.entry(name)
    assert preset is not None
    assert entry is not None
    assert recipes.recipe(preset.fields).model_dump(exclude=OF_A_RUN) == entry.recipe.model_dump(exclude=OF_A_RUN)


def test_our_own_are_chosen_under_holdout_and_the_published_scored_as_they_were() -> None:
    protocols = {name: recipes.recipe(RECIPES[name].fields).protocol for name in RECIPES}
    assert protocols == {name: "course" if name.startswith("course") else "holdout" for name in RECIPES}
