"""model.py: a design as a class Net of plain PyTorch, with its training by a recipe.

The parts are Jinja templates beside this file; a part of the training that the recipe does not use is left out.
Texts of strangers (the design's name) stand in a comment of their own, behind the module's docstring.
"""

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

from mnistnet.data import datasets, splits
from mnistnet.exports.code import layers
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.summary import require
from mnistnet.training.recipe import Recipe

if TYPE_CHECKING:
    from jinja2 import Environment

# Where the four files of a data set are, as torchvision has it.
_ADDRESSES = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist",
    "fashion": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "kmnist": "http://codh.rois.ac.jp/kmnist/dataset/kmnist",
}
_WIDEST_NAME = 100


def model_py(architecture: Architecture, recipe: Recipe) -> str:
    """The text of model.py: `Net`, `load_weights` and `main`. DesignError where a layer does not fit."""
    return rendered("model.py.jinja", architecture, recipe)


def rendered(template: str, architecture: Architecture, recipe: Recipe, **more: Any) -> str:
    """A template of this folder, filled in; `more` is what it needs besides. DesignError where a layer does not fit."""
    return _templates().get_template(template).render(_network(architecture) | _training(recipe) | more)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=False,  # Python, no HTML
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _network(architecture: Architecture) -> dict[str, Any]:
    summary = require(architecture)
    found, rows = layers.modules(architecture, summary), layers.table(architecture, summary)
    return {
        "name": _in_a_comment(architecture.name),
        "params": f"{summary.params:,}",
        "modules": found,
        "forward": layers.forward(found),
        "table": rows,
        "table_lines": layers.aligned(rows),
        "has_depthwise": any("groups" in module.source for module in found),
    }


def _in_a_comment(name: str) -> str:
    """A design's name, of printable characters, cut to the width of a line."""
    widths = [2 if unicodedata.east_asian_width(character) in "FWA" else 1 for character in name]
    if sum(widths) <= _WIDEST_NAME:
        return name.strip()
    fitting = next(end for end in range(len(name)) if sum(widths[: end + 1]) > _WIDEST_NAME)
    return f"{name[:fitting].strip()}…"


def _training(recipe: Recipe) -> dict[str, Any]:
    source = datasets.source(recipe.dataset)
    counts = splits.counts(source, recipe.protocol)
    holdout = recipe.protocol == "holdout"
    turns = bool(recipe.rotation_degrees or recipe.scale)
    augments = recipe.calm_epochs < recipe.epochs and bool(turns or recipe.shift or recipe.bend)
    return {
        "recipe": recipe,
        "optimizer": {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}.get(recipe.optimizer),
        "source": source,
        "address": _ADDRESSES.get(recipe.dataset),
        "folder": f"data/{source.folder}/raw",
        "holdout": holdout,
        "held": "validation" if holdout else "test",
        "held_title": "Validation set" if holdout else "Test set",
        "keeps_history": False,
        "augments": augments,
        "affine": turns or bool(recipe.shift),
        "scheduled": recipe.schedule != "constant",
        "one_left": recipe.used(counts.train) < counts.train,
        "final": "averaged" if recipe.averaging else "network",
        "counts": counts,
        "distortions": _distortions(recipe),
    }


def _distortions(recipe: Recipe) -> str:
    """The effect of augmentation on an image, in words: `turned, shifted and bent`."""
    words = {"turned": recipe.rotation_degrees, "shifted": recipe.shift, "scaled": recipe.scale, "bent": recipe.bend}
    *first, last = [word for word, used in words.items() if used] or [""]
    return f"{', '.join(first)} and {last}" if first else last
