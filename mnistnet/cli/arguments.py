"""The values of DESIGN, RUN and --recipe on the command line. Knows no command and prints nothing."""

import sys
from pathlib import Path
from typing import Any

from mnistnet import strict_json
from mnistnet.nets import architecture as designs
from mnistnet.nets.architecture import Architecture, DesignError
from mnistnet.nets.presets import PRESETS
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import RecipeError


def design(name: str) -> Architecture:
    """The design that DESIGN names: a preset, a file, or `-` for standard input.

    Raises DesignError for a name that is none of these, and for a file that holds no valid design.
    """
    if name == "-":
        return designs.parse(sys.stdin.buffer.read(strict_json.MAX_BYTES + 1))
    if name in PRESETS:
        return PRESETS[name].architecture
    path = Path(name)
    if not _exists(path):
        known = ", ".join(PRESETS)
        raise DesignError(f"design {name!a}: neither a preset ({known}) nor a file; give one of them, or -")
    return designs.load(path)


def recipe(name: str) -> dict[str, Any]:
    """The fields of the recipe that --recipe names: a built-in recipe or a JSON file.

    Raises RecipeError for a name that is neither, and for a file that holds no recipe.
    """
    if name in RECIPES:
        return RECIPES[name].fields
    path = Path(name)
    if not _exists(path):
        raise RecipeError(f"recipe {name!a}: neither a name ({', '.join(RECIPES)}) nor a file; give one of them")
    return recipes.load(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # no file can have such a name
        return False
