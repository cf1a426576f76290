"""The values of DESIGN, RUN, PRINTOUT, --recipe and --profile on the command line. Knows no command, prints nothing."""

import contextlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mnistnet import strict_json
from mnistnet.errors import BadInput
from mnistnet.exports import material as materials
from mnistnet.exports.material import Material
from mnistnet.nets import architecture as designs
from mnistnet.nets.architecture import Architecture, DesignError
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.printouts.table import MAX_CHARACTERS
from mnistnet.nets.rules.profiles import COURSE, PROFILES, Profile, ProfileError, built_in
from mnistnet.nets.rules.profiles import load as load_profile
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.run_rows import NoSuchRun
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.search import search as searches
from mnistnet.search.ready import READY
from mnistnet.search.search import Search, SearchError
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import Recipe, RecipeError

_SEARCHED = "mnistnet-8k"  # by a ready-made search without a design


class UnknownMaterial(BadInput):
    """The text names neither a design nor a run."""


class UnreadableText(BadInput):
    """The file of a text cannot be read."""


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


def text(name: str) -> str:
    """The printout that PRINTOUT names: a file, or `-` for standard input; what is not UTF-8 in it is replaced.

    Raises UnreadableText for a file that cannot be read; of one that is too long, no more than that is read.
    """
    most = 4 * MAX_CHARACTERS + 1  # bytes of so many characters, and one more
    try:
        with contextlib.nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            return file.read(most).decode("utf-8", errors="replace")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no file has such a name"
        raise UnreadableText(f"printout {strict_json.shown(name)}: {why}; give a text file, or -") from None


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


def fields(named: str | None, settings: Iterable[str]) -> dict[str, Any]:
    """The recipe fields that --recipe and --set give; --set replaces the field of --recipe. Raises RecipeError."""
    return (recipe(named) if named else {}) | dict(recipes.assignment(setting) for setting in settings)


def material(name: str, store: Store, named: str | None, rules: Profile = COURSE) -> Material:
    """The material that RUN|DESIGN names: a design as `design` does, else a run of the store or the gallery.

    `named`: what --recipe names; a run has a recipe of its own. `rules`: the material's profile. Raises
    UnknownMaterial for a name that is neither, RecipeError for a recipe beside a run, and what `design`, `recipe` and
    Store.run raise.
    """
    if name == "-" or name in PRESETS or (_exists(Path(name)) and not Path(name).is_dir()):
        return Material(design(name), recipes.recipe(recipe(named)) if named else Recipe(), profile=rules)
    try:
        run = GALLERY.find(name) or _refreshed(store).run(name)
    except NoSuchRun:
        raise UnknownMaterial(
            f"{strict_json.shown(name)}: neither a preset, a design file, - nor a run; "
            "`python -m mnistnet presets` and `runs` list them, and gallery-PRESET is a run of the gallery"
        ) from None
    if named:
        raise RecipeError(f"--recipe {strict_json.shown(named)}: run {run.id} has its own recipe; leave --recipe out")
    return materials.of_run(store, run, rules)


def _refreshed(store: Store) -> Store:
    supervisor.refresh(store)
    return store


def search(space: str, given: Mapping[str, Any]) -> Search:
    """The search that SPACE and the options describe; an option that is None leaves what SPACE says.

    SPACE: a ready-made search, which needs a design, or a search file, in which an option replaces a field. Raises
    SearchError, DesignError, RecipeError.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    start = design(chosen.pop("design")) if "design" in chosen else None
    budget, settings = chosen.pop("budget", None), fields(chosen.pop("named", None), chosen.pop("settings"))
    settings |= {name: chosen.pop(name) for name in ("epochs", "dataset") if name in chosen}
    if space in READY:
        start = start or PRESETS[_SEARCHED].architecture
        own = RECIPES[start.name].fields if start.name in RECIPES else {}
        made = READY[space].make(start, recipes.recipe(own | settings), budget or COURSE.params)
        again = {"recipe": made.recipe.changed(**settings).model_dump()} if settings else {}
        found = made.changed(**again, **chosen)
        searches.require_usable(found)
        return found
    if not _exists(Path(space)):
        raise SearchError(f"space {space!a}: neither a ready-made search ({', '.join(READY)}) nor a file; give one")
    if start:
        chosen["design"] = start.model_dump(mode="json")
    return searches.load(Path(space), chosen, settings, budget)


def profile(name: str) -> Profile:
    """The profile that --profile names: a built-in one or a JSON file.

    Raises ProfileError for a name that is neither, and for a file that holds no profile.
    """
    if known := built_in(name):
        return known
    path = Path(name)
    if not _exists(path):
        known_names = ", ".join(PROFILES)
        raise ProfileError(f"profile {name!a}: neither a name ({known_names}) nor a file; give one of them")
    return load_profile(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # no file can have such a name
        return False
