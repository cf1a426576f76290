"""The recipes that come with it: whole, allowed by the assignment, and named after what they are for."""

import pytest

from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import COURSE
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_each_is_a_recipe_within_the_assignments_epochs(name: str) -> None:
    assert recipes.recipe(RECIPES[name].fields).epochs < COURSE.epochs


@pytest.mark.parametrize("name", RECIPES)
def test_none_fixes_what_belongs_to_a_run_or_a_machine(name: str) -> None:
    assert not {"seed", "threads", "device", "dataset"} & set(RECIPES[name].fields)


def test_each_of_our_own_nets_has_its_recipe() -> None:
    own = {name for name, preset in PRESETS.items() if name.startswith("mnistnet-") and not preset.published}
    assert own <= set(RECIPES)


def test_our_own_are_chosen_under_holdout_and_the_published_scored_as_they_were() -> None:
    protocols = {name: recipes.recipe(RECIPES[name].fields).protocol for name in RECIPES}
    assert protocols == {name: "course" if name.startswith("course") else "holdout" for name in RECIPES}
