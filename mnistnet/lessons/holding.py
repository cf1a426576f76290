"""The changes that a lesson's locks allow: whether a value could come from its start without a held control.

Values are compared with the lesson's start, however they came about: by a widget, an address, a file or a past run.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from mnistnet.lessons.controls import ADD, CONTROLS, LAYER_CONTROLS, MOVE, RECIPE_CONTROLS, REMOVE, RULES
from mnistnet.lessons.lesson import Lesson
from mnistnet.nets.architecture import Architecture, Layer
from mnistnet.nets.layer_types import LAYER_TYPES
from mnistnet.nets.rules import Profile
from mnistnet.training.recipe import Recipe


def objection(lesson: Lesson, parameter: str, value: object) -> str | None:
    """The reason why the lesson does not allow this value of a session's parameter; None where it does."""
    judge = _JUDGES.get(parameter)
    control = judge(lesson, value) if judge else None
    return control and refusal(control)


def refusal(control: str) -> str:
    """The message where a held control would change."""
    return f"{CONTROLS[control].title}: locked by the lesson; leave the lesson to change it"


def keeps(lesson: Lesson, design: Architecture, recipe: Recipe) -> bool:
    """True where design and recipe have everything that the lesson holds."""
    return _design(lesson, design) is None and _recipe(lesson, recipe) is None


def _design(lesson: Lesson, design: Architecture) -> str | None:
    """The held control that was needed to come from the lesson's design to this one; None without one."""
    more = len(design.layers) - len(lesson.design.layers)
    likely = ADD if more > 0 else REMOVE if more < 0 else MOVE
    for name in (likely, ADD, REMOVE, MOVE):
        if name in lesson.held and not _reachable(lesson, design):
            return name
    for name, control in LAYER_CONTROLS.items():
        if name in lesson.held and not _reachable(lesson, design, control.fields):
            return name
    return None


def _reachable(lesson: Lesson, design: Architecture, fields: tuple[str, ...] = ()) -> bool:
    """True where the layers, each by its type and these fields, can come from the lesson's by what is not held.

    A layer that is added is one of the editor's new ones or a copy of one that is there.
    """
    before = [_signature(layer, fields) for layer in lesson.design.layers]
    after = [_signature(layer, fields) for layer in design.layers]
    can_add, can_remove, can_move = (name not in lesson.held for name in (ADD, REMOVE, MOVE))
    fresh = {_signature(entry.new, fields) for entry in LAYER_TYPES.values()} | set(before)
    if can_add and can_remove:  # to move is then to remove and to add
        return set(after) <= fresh
    if can_move:
        lost, added = Counter(before) - Counter(after), Counter(after) - Counter(before)
    else:
        longer, shorter = (after, before) if can_add else (before, after)
        if not (can_add or can_remove):
            return before == after
        if not _is_within(shorter, longer):
            return False
        lost, added = Counter(before) - Counter(after), Counter(after) - Counter(before)
    return (can_remove or not lost) and (not added or (can_add and set(added) <= fresh))


def _is_within(few: list[Any], many: list[Any]) -> bool:
    """True where the elements of `few` stand in `many` in the same order."""
    rest = iter(many)
    return all(any(one == other for other in rest) for one in few)


def _signature(layer: Layer, fields: tuple[str, ...]) -> tuple[Any, ...]:
    values = layer.model_dump()
    return (layer.type, *(values[field] for field in fields if field in values))


def _recipe(lesson: Lesson, recipe: Recipe) -> str | None:
    """The held control that was needed to come from the lesson's recipe to this one; None without one."""
    start = lesson.start
    for name, control in RECIPE_CONTROLS.items():
        # Another data set brings its usual batch size.
        usual = start.on(recipe.dataset) if name == "batch size" and "dataset" not in lesson.held else start
        if name in lesson.held and any(
            getattr(recipe, field) not in (getattr(start, field), getattr(usual, field)) for field in control.fields
        ):
            return name
    return None


def _profile(lesson: Lesson, profile: Profile) -> str | None:
    return RULES if RULES in lesson.held and profile != lesson.rules else None


# By the names of the session's parameters.
_JUDGES: dict[str, Callable[[Lesson, Any], str | None]] = {"design": _design, "recipe": _recipe, "rules": _profile}
