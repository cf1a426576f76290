"""A search: what varies, under which budget, towards what, by which sampler; and its JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mnistnet import strict_json
from mnistnet.errors import BadInput
from mnistnet.nets import architecture as designs
from mnistnet.nets.architecture import MAX_NAME, Architecture, DesignError
from mnistnet.nets.summary import summarize
from mnistnet.search import space as spaces
from mnistnet.search.choices import KINDS, MAX_CHOICES, Choice
from mnistnet.search.space import SpaceError
from mnistnet.training import recipe as recipes
from mnistnet.training.recipe import Recipe, RecipeError

VERSION = 1
MAX_TRIALS = 10_000
MAX_SEEDS = 10
MAX_FINALISTS, MAX_FINALIST_SEEDS = 10, 20

SamplerName: TypeAlias = Literal["tpe", "cmaes", "nsga2", "random", "grid"]
PrunerName: TypeAlias = Literal["none", "halving"]
Objective: TypeAlias = Literal["accuracy", "accuracy and parameters"]
SAMPLERS: dict[SamplerName, str] = {
    "tpe": "TPE (tree-structured Parzen estimator)",
    "cmaes": "CMA-ES",
    "nsga2": "NSGA-II",
    "random": "random",
    "grid": "grid",
}


class SearchError(BadInput):
    """A search that cannot be read or started; the message names the field."""


def _version(value: int) -> int:
    if value != VERSION:
        raise ValueError(f"this mnistnet reads version {VERSION}; update it")
    return value


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("only printable characters are allowed; retype the name")
    return name


class Budget(BaseModel):
    """The limits of a proposal: fewer than `params` trainable parameters, fewer than `macs` multiply-accumulates."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    params: Annotated[int, Field(ge=1, le=10_000_000)] = 20_000
    macs: Annotated[int, Field(ge=1, le=10**12)] | None = None

    def excess(self, params: int, macs: int) -> float:
        """How far a proposal is over the budget, as a share of it; 0 or less within it."""
        over = [(params - (self.params - 1)) / self.params]
        if self.macs:
            over.append((macs - (self.macs - 1)) / self.macs)
        return max(over)


class Search(BaseModel):
    """A search as its file describes it. Frozen; `require_usable` checks what its fields say about each other.

    `design` and `recipe` are the start; the recipe's epochs, data set and threads hold for all trials, its protocol is
    `holdout`. `trials`: trainings of proposals within the budget, refused proposals not counted. `seeds`: of a trial,
    whose value is the mean of their final validation accuracies. `finalists`: the best trials that are trained again
    with `finalist_seeds` new seeds, beside the starting design; 0 leaves that out. `seed`: of the sampler.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: Annotated[int, AfterValidator(_version)] = VERSION
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_printable)]
    design: Architecture
    recipe: Recipe
    space: Annotated[tuple[Choice, ...], Field(max_length=MAX_CHOICES, strict=False)]
    budget: Budget = Budget()
    objective: Objective = "accuracy"
    sampler: SamplerName = "tpe"
    pruner: PrunerName = "none"
    trials: Annotated[int, Field(ge=1, le=MAX_TRIALS)] = 40
    seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] = 1
    finalists: Annotated[int, Field(ge=0, le=MAX_FINALISTS)] = 3
    finalist_seeds: Annotated[int, Field(ge=1, le=MAX_FINALIST_SEEDS)] = 5
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1

    def to_json(self) -> str:
        """The text of the search file."""
        return self.model_dump_json(indent=2) + "\n"

    def changed(self, **fields: Any) -> "Search":
        """The same search with other fields, checked anew. Raises SearchError."""
        return strict_search({**self.model_dump(), **fields})


def require_usable(search: Search) -> None:
    """SearchError where the fields of the search do not fit each other: it could not be run."""
    try:
        spaces.require_usable(search.design, search.recipe, search.space)
    except (SpaceError, DesignError) as error:
        raise SearchError(f"space: {error}") from None
    if search.recipe.protocol != "holdout":
        raise SearchError(
            f"protocol={search.recipe.protocol}: a search that looks at the test set would be chosen by it; "
            "choose holdout"
        )
    if fault := summarize(search.design).fault:
        raise SearchError(f"design {search.design.name!a}: {fault}; correct the starting design")
    if (search.objective == "accuracy and parameters") != (search.sampler == "nsga2"):
        raise SearchError(
            f"sampler={search.sampler}, objective={search.objective}: nsga2 is for two objectives, "
            "the others are for one; change either"
        )
    if search.pruner != "none" and search.sampler == "nsga2":
        raise SearchError(f"pruner={search.pruner}: not with two objectives; choose none")
    if search.sampler == "grid" and any(choice.vary == "recipe range" for choice in search.space):
        raise SearchError("sampler=grid: a grid needs options; give options in place of each recipe range")
    if not search.space and search.trials > 1:
        raise SearchError(f"trials={search.trials}: nothing varies; choose 1 trial with several seeds, or a choice")
    if search.sampler == "cmaes" and len(search.space) < 2:
        raise SearchError("sampler=cmaes: needs at least two choices; choose tpe")


def strict_search(value: object) -> Search:
    """`value` (plain fields) as a Search; SearchError names the first wrong field."""
    try:
        return strict_json.validated(Search, value, types=(*KINDS, *designs.LAYER_CLASSES))
    except ValueError as error:
        raise SearchError(str(error)) from None


def parse(
    text: str | bytes,
    given: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    params: int | None = None,
) -> Search:
    """The search in a file's text. Raises SearchError.

    `given` replaces fields of the file, `settings` fields of its recipe, `params` the parameters of its budget.
    """
    try:
        value = strict_json.versioned(text, "a search is one JSON object with version, name, design, space", VERSION)
    except ValueError as error:
        raise SearchError(str(error)) from None
    value |= given or {}
    own = value.get("recipe", {})
    if isinstance(own, dict):
        try:  # fields that are not given have the defaults that a recipe file's have
            value["recipe"] = recipes.recipe({**own, **(settings or {})})
        except RecipeError as error:
            raise SearchError(f"recipe.{error}") from None
    if params is not None and isinstance(value.get("budget", {}), dict):
        value["budget"] = {**value.get("budget", {}), "params": params}
    found = strict_search(value)
    require_usable(found)
    return found


def load(path: Path, given: Mapping[str, Any], settings: Mapping[str, Any], params: int | None) -> Search:
    """The search in the file at `path`, with what is given instead, as in `parse`. Raises SearchError."""
    try:
        text = strict_json.contents(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no file has such a name"
        raise SearchError(f"search {str(path)!a}: {why}; give a readable file") from None
    return parse(text, given, settings, params)


def grid_size(space: Sequence[Choice]) -> int:
    """The number of different proposals of a space of options; 0 where a choice is a range of real numbers."""
    size = 1
    for choice in space:
        size *= 0 if choice.vary == "recipe range" else len(choice.options)
    return size
