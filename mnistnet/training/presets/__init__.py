"""The recipes that come with it, as recipe files: how each of our own nets is trained best, two in a hurry."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from mnistnet.nets import presets
from mnistnet.training import recipe as recipes
from mnistnet.training.recipe import Recipe


@dataclass(frozen=True)
class RecipePreset:
    """A named recipe and what it is for."""

    name: str
    purpose: str

    @property
    def fields(self) -> dict[str, Any]:
        """The fields that its file gives; the others have the recipe's defaults."""
        return recipes.parse(files(__name__).joinpath(f"{self.name}.json").read_bytes())


_PUBLISHED, _OF_PUBLISHED = "course-", "course"  # how the published designs are named, and the recipe of them all


RECIPES = {
    preset.name: preset
    for preset in (
        RecipePreset("sprint", "mnistnet-16k to 99.4 % in the fewest seconds"),
        RecipePreset("mnistnet-16k", "the gallery's recipe for mnistnet-16k"),
        RecipePreset("mnistnet-10k", "the gallery's recipe for mnistnet-10k"),
        RecipePreset("mnistnet-8k", "the gallery's recipe for mnistnet-8k"),
        RecipePreset("mnistnet-4k", "the gallery's recipe for mnistnet-4k"),
        RecipePreset("mnistnet-min", "the gallery's recipe for mnistnet-min"),
        RecipePreset("plain-16k", "plain-16k to 99.4 % in about a minute"),
        RecipePreset("course", "the published solutions, validated on the test set as they were"),
    )
}


def for_design(preset: str) -> RecipePreset | None:
    """The recipe that the gallery trains this design preset with; None for a name that no design preset has."""
    return RECIPES.get(_OF_PUBLISHED if preset.startswith(_PUBLISHED) else preset)


def first() -> Recipe:
    """The recipe that a first visitor sees with the first design."""
    return recipes.recipe(RECIPES[presets.FIRST.name].fields)
