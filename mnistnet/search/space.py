"""A space: choices over a design and its recipe, and the design and recipe that values give. Knows no sampler."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from mnistnet.errors import BadInput
from mnistnet.nets.architecture import Architecture, Layer, MaxPool
from mnistnet.nets.layer_types import LAYER_TYPES
from mnistnet.nets.widths import free_widths
from mnistnet.search.choices import (
    FIXED_FIELDS,
    Choice,
    Pooling,
    RecipeOptions,
    RecipeRange,
    Repeat,
    Setting,
    Value,
    Values,
    Width,
)
from mnistnet.training.recipe import Recipe, RecipeError


class SpaceError(BadInput):
    """A space that no search can use; the message names the choice."""


def proposal(
    architecture: Architecture, recipe: Recipe, space: Sequence[Choice], values: Values
) -> tuple[Architecture, Recipe]:
    """The design and the recipe with these values in place of the starting ones.

    Another kernel brings the padding that keeps the map's size, where the layer's own does and no choice gives it. The
    design may have a fault, as `summarize` says. Raises SpaceError where a value is missing or not allowed.
    """
    missing = [choice.name for choice in space if choice.name not in values]
    if missing:
        raise SpaceError(f"{missing[0]}: no value; give one for each choice of the space")
    fields: dict[str, Any] = {}
    layers: list[Layer] = list(architecture.layers)
    counts: dict[int, int] = {}
    places: dict[int, int] = {}
    varied = {(choice.layer, choice.field) for choice in space if isinstance(choice, Setting)}
    for choice in space:
        value = values[choice.name]
        match choice:
            case Width():
                field = str(LAYER_TYPES[layers[choice.layer].type].width)
                layers[choice.layer] = _changed(layers[choice.layer], choice, **{field: value})
            case Setting():
                padding = {} if (choice.layer, "padding") in varied else _padding(layers[choice.layer], choice, value)
                layers[choice.layer] = _changed(layers[choice.layer], choice, **{choice.field: value, **padding})
            case Repeat():
                counts[choice.layer] = int(value)
            case Pooling():
                places[choice.layer] = int(value)
            case RecipeOptions() | RecipeRange():
                fields[choice.field] = value
    try:
        return architecture.with_layers(_placed(layers, counts, places)), recipe.changed(**fields)
    except RecipeError as error:
        raise SpaceError(f"recipe: {error}") from None


def _changed(layer: Layer, choice: Width | Setting, **fields: Value) -> Layer:
    try:
        return type(layer).model_validate({**layer.model_dump(), **fields})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise SpaceError(f"{choice.name}={fields}: {problem}") from None


def _padding(layer: Layer, choice: Setting, kernel: Value) -> dict[str, Value]:
    """The padding that keeps the map's size under another kernel, where the layer's own padding keeps it."""
    now, padding = getattr(layer, "kernel", None), getattr(layer, "padding", None)
    if choice.field != "kernel" or not isinstance(kernel, int) or now is None or padding is None:
        return {}
    return {"padding": kernel // 2} if now == 2 * padding + 1 else {}


def _placed(layers: Sequence[Layer], counts: Mapping[int, int], places: Mapping[int, int]) -> tuple[Layer, ...]:
    """The layers in their new order: pools where they were moved to, layers as often as they are to stand."""
    found: list[Layer] = []
    for number, layer in enumerate(layers):
        if number not in places:
            found += [layer] * counts.get(number, 1)
        found += [layers[pool] for pool, behind in places.items() if behind == number]
    return tuple(found)


def starting_values(architecture: Architecture, recipe: Recipe, space: Sequence[Choice]) -> dict[str, Value]:
    """The values of the starting design and recipe, where the space has them: one that is out of a range is cut to it.

    What has no counterpart among options is the first of them.
    """
    found: dict[str, Value] = {}
    for choice in space:
        match choice:
            case Width() | Repeat():
                layer = architecture.layers[choice.layer]
                is_width = isinstance(choice, Width)
                now = int(getattr(layer, str(LAYER_TYPES[layer.type].width))) if is_width else 1
                found[choice.name] = min(choice.options, key=lambda option: (abs(option - now), option))
            case Pooling():
                found[choice.name] = choice.layer - 1 if choice.layer - 1 in choice.behind else choice.behind[0]
            case RecipeRange():
                found[choice.name] = min(max(float(getattr(recipe, choice.field)), choice.low), choice.high)
            case Setting() | RecipeOptions():
                owner: Any = architecture.layers[choice.layer] if isinstance(choice, Setting) else recipe
                now = getattr(owner, choice.field)
                found[choice.name] = now if now in choice.options else choice.options[0]
    return found


def require_usable(architecture: Architecture, recipe: Recipe, space: Sequence[Choice]) -> None:
    """SpaceError where a choice does not fit the design or the recipe, or two have one name."""
    seen: set[str] = set()
    for choice in space:
        if choice.name in seen:
            raise SpaceError(f"{choice.name}: varied twice; keep one")
        seen.add(choice.name)
        _require_place(architecture, recipe, choice)
    for choice in space:  # each option alone: their checks do not depend on each other
        for value in _ends(choice):
            proposal(architecture, recipe, space, {**starting_values(architecture, recipe, space), choice.name: value})


def _require_place(architecture: Architecture, recipe: Recipe, choice: Choice) -> None:
    if isinstance(choice, RecipeOptions | RecipeRange):
        if choice.field not in Recipe.model_fields or choice.field in FIXED_FIELDS:
            allowed = ", ".join(name for name in Recipe.model_fields if name not in FIXED_FIELDS)
            raise SpaceError(f"recipe field {choice.field!a}: cannot vary; choose one of {allowed}")
        if isinstance(choice, RecipeRange) and not isinstance(getattr(recipe, choice.field), float):
            raise SpaceError(f"{choice.name}: no real number; give options instead of a range")
        return
    if choice.layer >= len(architecture.layers):
        raise SpaceError(f"layer {choice.layer}: the design has {len(architecture.layers)}, from 0; choose one of them")
    layer = architecture.layers[choice.layer]
    if isinstance(choice, Width) and choice.layer not in free_widths(architecture):
        raise SpaceError(f"{choice.name}: a {layer.type} there has no width of its own, or gives the 10 outputs")
    if isinstance(choice, Setting) and (choice.field not in type(layer).model_fields or choice.field == "type"):
        raise SpaceError(f"{choice.name}: a {layer.type} has no such setting; choose another")
    if isinstance(choice, Pooling):
        if not isinstance(layer, MaxPool):
            raise SpaceError(f"{choice.name}: is a {layer.type}; only a maxpool can be moved")
        if wrong := [place for place in choice.behind if place >= len(architecture.layers) or place == choice.layer]:
            raise SpaceError(f"{choice.name}: behind {wrong[0]}: no other layer has this number; choose another")


def _ends(choice: Choice) -> tuple[Value, ...]:
    if isinstance(choice, RecipeRange):
        return choice.low, choice.high
    options = choice.options
    return (options[0], options[-1]) if isinstance(choice, Width | Repeat) else options
