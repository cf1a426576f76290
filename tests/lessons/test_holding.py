"""What a lesson's locks allow and refuse."""

from typing import Any

import pytest

from mnistnet.lessons import holding
from mnistnet.lessons.controls import CONTROLS, of_field
from mnistnet.lessons.lesson import Lesson, strict_lesson
from mnistnet.nets.architecture import LAYER_CLASSES, Architecture
from mnistnet.nets.rules import COURSE, PROFILES
from mnistnet.training.recipe import Recipe
from tests.support.samples import conv, design

POOL = {"type": "maxpool", "size": 2}
START = design(conv(8, 5), POOL, conv(16), conv(10, 1), {"type": "globalavgpool"})


def locking(*controls: str, recipe: Recipe | None = None) -> Lesson:
    return strict_lesson({"title": "x", "design": START, "recipe": recipe, "locked": controls})


def of(*layers: dict[str, Any]) -> Architecture:
    return design(*layers, conv(10, 1), {"type": "globalavgpool"})


@pytest.mark.parametrize(
    ("locked", "changed", "refused"),
    [
        ((), of(conv(3, 7)), None),
        (("kernel",), of(conv(9, 5), POOL, conv(99)), None),
        (("kernel", "add layer", "remove layer", "move layer"), of(conv(8, 3), POOL, conv(16)), "Kernel"),
        (("kernel", "add layer", "remove layer", "move layer"), of(conv(8, 3), POOL, conv(16, 5)), "Kernel"),
        (("kernel",), of(conv(8, 7), POOL, conv(16)), "Kernel"),
        (("width", "remove layer"), of(conv(9, 5), POOL, conv(16)), "Width"),
        (("after",), of(conv(8, 5, after=["relu"]), POOL, conv(16)), "Followed by"),
        (("pooling",), of(conv(8, 5), {"type": "maxpool", "size": 3}, conv(16)), "Pooling"),
        (("add layer",), of(conv(8, 5), POOL, conv(16), conv(16)), "Add"),
        (("add layer",), of(conv(8, 5), conv(16)), None),
        (("add layer",), of(conv(8, 5), conv(16), POOL), None),
        (("remove layer",), of(conv(8, 5), POOL), "Remove"),
        (("remove layer",), of(conv(8, 5), POOL, conv(16), POOL), None),
        (("add layer", "remove layer"), of(POOL, conv(8, 5), conv(16)), None),
        (("add layer", "remove layer", "move layer"), of(POOL, conv(8, 5), conv(16)), "Move"),
        (("remove layer", "move layer"), of(POOL, conv(8, 5), conv(16)), "Move"),
        (("remove layer", "move layer", "kernel"), of(conv(8, 5), POOL, conv(9), conv(16)), None),
    ],
)
def test_a_design_keeps_what_is_locked(locked: tuple[str, ...], changed: Architecture, refused: str | None) -> None:
    said = holding.objection(locking(*locked), "design", changed)
    assert said is None if refused is None else said is not None and said.startswith(refused)


def test_the_start_of_a_lesson_is_allowed_whatever_it_locks() -> None:
    lesson = locking(*CONTROLS)
    for name, value in (("design", START), ("recipe", Recipe()), ("rules", COURSE)):
        assert holding.objection(lesson, name, value) is None


@pytest.mark.parametrize("name", Recipe.model_fields)
def test_each_field_of_the_recipe_can_be_locked(name: str) -> None:
    others: dict[str, Any] = {
        "dataset": "digits",
        "protocol": "course",
        "optimizer": "adam",
        "schedule": "constant",
        "device": "cpu",
        "precision": "fp32",
        "batch_size": 64,
        "learning_rate": 0.01,
        "epochs": 3,
    }
    value = others.get(name, 0.25 if isinstance(getattr(Recipe(), name), float) else 5)
    changed = Recipe().model_copy(update={name: value})
    assert holding.objection(locking(of_field(name)), "recipe", changed) is not None
    rest = [control for control in CONTROLS if control != of_field(name)]
    assert holding.objection(locking(*rest), "recipe", changed) is None


def test_every_field_of_a_layer_belongs_to_a_control() -> None:
    fields = {field for layer in LAYER_CLASSES.values() for field in layer.model_fields} - {"type"}
    assert {of_field(field) in CONTROLS for field in fields} == {True}


def test_another_data_set_may_bring_its_usual_batch_size() -> None:
    lesson = locking("batch size")
    assert holding.objection(lesson, "recipe", Recipe().on("digits")) is None
    assert holding.objection(locking("batch size", "dataset"), "recipe", Recipe().on("digits")) is not None


def test_locked_rules_stay() -> None:
    others = [profile for profile in PROFILES.values() if profile != COURSE]
    assert holding.objection(locking("rules"), "rules", others[0]) is not None
    assert holding.objection(locking(), "rules", others[0]) is None


def test_what_no_control_sets_is_free() -> None:
    assert holding.objection(locking(*CONTROLS), "run", "43211a5b") is None
    assert holding.objection(locking(*CONTROLS), "design", START.renamed("mine")) is None


def test_a_run_keeps_a_lesson_where_design_and_recipe_do() -> None:
    lesson = locking("kernel", "epochs")
    assert holding.keeps(lesson, START, Recipe())
    assert not holding.keeps(lesson, START, Recipe(epochs=1))
    assert not holding.keeps(lesson, of(conv(8, 7)), Recipe())
