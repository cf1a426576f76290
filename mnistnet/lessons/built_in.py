"""The lessons that come with mnistnet, in the order in which they are taken, from the JSON files beside this module."""

from functools import cache
from pathlib import Path

from mnistnet.lessons.lesson import Lesson, load

# By the names of their files.
NAMES = (
    "parameters",
    "receptive-field",
    "transition",
    "batch-norm-and-dropout",
    "learning-rate",
    "mistakes",
)


@cache
def lessons() -> dict[str, Lesson]:
    """The lessons by name."""
    return {name: load(Path(__file__).with_name(f"{name}.json")) for name in NAMES}


def following(lesson: Lesson) -> Lesson | None:
    """The lesson after this one; None after the last one and for any other lesson."""
    found = list(lessons().values())
    place = found.index(lesson) + 1 if lesson in found else len(found)
    return found[place] if place < len(found) else None
