"""Names of designs: a preset's name belongs to the preset alone, and no two designs run under one proposed name."""

import re
from itertools import count

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import PRESETS
from mnistnet.ui import cache

_PROPOSED = "my-design"
_IS_PROPOSED = re.compile(rf"{_PROPOSED}(-[0-9]+)?")


def own(design: Architecture) -> Architecture:
    """The design, renamed where it has the name of a preset and is not that preset."""
    return design.renamed(free()) if is_taken(design) else design


def for_start(design: Architecture) -> Architecture:
    """The design, renamed where its name was proposed here and another design ran under that name."""
    if not _IS_PROPOSED.fullmatch(design.name):
        return design
    before = [run for run in cache.snapshot().runs if run.name == design.name]
    return design.renamed(free()) if any(run.architecture != design for run in before) else design


def is_taken(design: Architecture) -> bool:
    """True where the design has the name of a preset and is not that preset."""
    preset = PRESETS.get(design.name)
    return preset is not None and preset.architecture != design


def free() -> str:
    """The first proposed name that no run has."""
    others = {run.name for run in cache.snapshot().runs}
    names = (_PROPOSED if number == 1 else f"{_PROPOSED}-{number}" for number in count(1))
    return next(name for name in names if name not in others)
