"""Lessons and runs for tests: random ones, and runs that nobody trained. No test of its own."""

import string
from dataclasses import replace
from random import Random
from typing import Any

from mnistnet.lessons.checks import CHECKS
from mnistnet.lessons.controls import CONTROLS
from mnistnet.lessons.lesson import MAX_TASKS, MAX_TEXT, MAX_TITLE, Lesson, strict_lesson
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.rules import PROFILES
from mnistnet.runs.run import Run, RunState
from mnistnet.training.recipe import Recipe, recipe
from tests.support.random_designs import designs

_LETTERS = string.ascii_letters + string.digits + " .,:;-_*#`<>&[](){}$%~äß×網“”"


def lessons(count: int, seed: int) -> list[Lesson]:
    """`count` lessons with random designs, texts, locks and tasks."""
    random = Random(seed)
    return [_lesson(random, design) for design in designs(count, seed)]


def _lesson(random: Random, design: Architecture) -> Lesson:
    names = list(CONTROLS)
    return strict_lesson(
        {
            "title": "x" + _text(random, MAX_TITLE - 1),
            "text": "\n".join(_text(random, MAX_TEXT // 6) for _ in range(random.randint(0, 5))),
            "design": design,
            "recipe": random.choice(
                (None, recipe({"epochs": random.randint(1, 100), "seed": random.randint(0, 9999)}))
            ),
            "profile": random.choice(list(PROFILES)),
            "locked": random.sample(names, random.randint(0, len(names))),
            "hidden": random.sample(names, random.randint(0, 4)),
            "tasks": [random.choice(list(CHECKS.values()))() for _ in range(random.randint(0, MAX_TASKS))],
        }
    )


def _text(random: Random, most: int) -> str:
    return "".join(random.choice(_LETTERS) for _ in range(random.randint(0, most)))


def run(design: Architecture, how: Recipe, accuracy: float | None = None, **fields: Any) -> Run:
    """A run that is done, with this validation accuracy."""
    made = Run(
        id="0123abcd",
        name=design.name,
        state=RunState.DONE,
        architecture_json=design.to_json(),
        recipe_json=how.model_dump_json(),
        params=0,
        threads=1,
        attempt=1,
        validation_accuracy=accuracy,
    )
    return replace(made, **fields)
