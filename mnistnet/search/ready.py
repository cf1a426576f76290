"""Ready-made searches for a design: small ones that need no space to be written."""

from collections.abc import Callable
from dataclasses import dataclass

from mnistnet.nets.architecture import MAX_CHANNELS, Architecture, MaxPool
from mnistnet.nets.summary import summarize
from mnistnet.nets.widths import fitted, free_widths, largest_width
from mnistnet.search.choices import Choice, Pooling, RecipeOptions, RecipeRange, Width
from mnistnet.search.search import Budget, Search, SearchError
from mnistnet.training.recipe import Recipe

EPOCHS = 3
_BATCHES = (32, 64, 128, 256, 512)
_SEEDS = 5
_WIDENED = 1.5  # the largest width of a layer over its present one, and the inverse for the smallest


@dataclass(frozen=True)
class Ready:
    """A ready-made search: its title, one sentence about it, and the function that makes it.

    The function takes a design, a recipe and a budget of parameters; it raises SearchError for a design in which
    there is nothing of the kind to vary.
    """

    title: str
    help: str
    make: Callable[[Architecture, Recipe, int], Search]


def _learning_rate(design: Architecture, recipe: Recipe, budget: int) -> Search:
    space = (_rates(recipe, 1 / 8, 4),)
    return _search("learning rate", design, recipe, budget, space, trials=12)


def _rates(recipe: Recipe, least: float, most: float) -> RecipeRange:
    """Learning rates from `least` to `most` times the recipe's."""
    rate = recipe.learning_rate
    return RecipeRange(field="learning_rate", low=rate * least, high=min(10.0, rate * most), log=True)


def _batch_size(design: Architecture, recipe: Recipe, budget: int) -> Search:
    space = (RecipeOptions(field="batch_size", options=_BATCHES), _rates(recipe, 1 / 4, 4))
    return _search("batch size", design, recipe, budget, space, trials=20)


def _pooling(design: Architecture, recipe: Recipe, budget: int) -> Search:
    pools = [place for place, layer in enumerate(design.layers) if isinstance(layer, MaxPool)]
    if not pools:
        raise SearchError(f"pooling: {design.name!a} has no max pool to move; add one")
    space = tuple(Pooling(layer=pool, behind=behind) for pool in pools if len(behind := places(design, pool)) > 1)
    if not space:
        raise SearchError(f"pooling: {design.name!a} leaves its max pool no other place; add a convolution")
    return _search("where to put the pooling", design, recipe, budget, space, trials=12)


def places(design: Architecture, pool: int) -> tuple[int, ...]:
    """The layers behind which the max pool `pool` may stand: those before the last layers."""
    first_head = max(free_widths(design), default=0) + 1
    return tuple(place for place in range(first_head) if place != pool)


def _spend(design: Architecture, recipe: Recipe, budget: int) -> Search:
    widths = free_widths(design)
    if not widths or summarize(fitted(design, budget)).params >= budget:
        raise SearchError(
            f"spend the rest: {design.name!a} has no width that fits {budget:,} parameters; change either"
        )
    space: list[Choice] = []
    for place, width in widths.items():
        low, high = max(1, round(width / _WIDENED)), min(MAX_CHANNELS, max(width + 2, round(width * _WIDENED)))
        high = max(high, min(largest_width(design, place, budget) or 0, 2 * width))
        space.append(Width(layer=place, low=low, high=high))
    return _search("spend what is left", design, recipe, budget, tuple(space), trials=40)


def _seeds(design: Architecture, recipe: Recipe, budget: int) -> Search:
    return _search("five seeds", design, recipe, budget, (), trials=1).changed(seeds=_SEEDS, finalists=0)


def _search(
    name: str, design: Architecture, recipe: Recipe, budget: int, space: tuple[Choice, ...], trials: int
) -> Search:
    epochs = min(recipe.epochs, EPOCHS)
    calm = min(recipe.calm_epochs, epochs // 2)
    chosen = recipe.changed(protocol="holdout", threads=1, epochs=epochs, calm_epochs=calm)
    title = f"{name} of {design.name}"[:80]
    return Search(name=title, design=design, recipe=chosen, space=space, budget=Budget(params=budget), trials=trials)


# By the names that the command line and links give them.
READY: dict[str, Ready] = {
    "learning-rate": Ready(
        "learning rate", "Twelve short trainings at rates from an eighth to four times the recipe's.", _learning_rate
    ),
    "batch-size": Ready(
        "batch size", "Twenty short trainings with batches of 32 to 512 images, each at a rate of its own.", _batch_size
    ),
    "pooling": Ready("where to put the pooling", "Each max pool at every place before the last layers.", _pooling),
    "spend-the-rest": Ready(
        "spend what is left", "Widths from two thirds of the present ones to what the budget allows.", _spend
    ),
    "seeds": Ready("same net, five seeds", "One design and recipe five times: how far seeds alone spread.", _seeds),
}
