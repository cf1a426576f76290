"""What a shell offers after Tab: presets, runs, recipes, fields. Reads the store and changes nothing; no torch."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, get_args

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from mnistnet.errors import MnistnetError
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import PROFILES
from mnistnet.runs.run import GALLERY_PREFIX, Run
from mnistnet.runs.store.store import Store
from mnistnet.search import folder
from mnistnet.search.ready import READY
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import Recipe

VARIABLE = "_MNISTNET_COMPLETE"  # set by the script in the shell; says which shell asks, and for what
SHELLS = ("bash", "zsh", "fish")
_MOST_RUNS = 200


@add_completion_class
class Bash(BashComplete):
    """bash, which takes KEY=VALUE for three words, and replaces the last of them alone."""

    name = "bash"
    _replaced_from = 0  # how many letters of the whole word bash keeps

    def get_completion_args(self) -> tuple[list[str], str]:
        """Whole words before the cursor, and the one at it."""
        before, last = super().get_completion_args()
        words: list[str] = []
        for word in (*before, last):
            if words and (word == "=" or words[-1].endswith("=")):
                words[-1] += word
            else:
                words.append(word)
        incomplete = words.pop()
        self._replaced_from = incomplete.find("=") + 1
        return words, incomplete

    def format_completion(self, item: CompletionItem[Any]) -> str:
        return f"{item.type},{item.value[self._replaced_from :]}"


Offer: TypeAlias = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Names of files, by the shell itself."""
    return [CompletionItem(incomplete, type="file")]


def named(texts: Callable[[], Mapping[str, str]], *, or_file: bool = False) -> Offer:
    """Names that begin as the incomplete word, with a text that some shells show beside each.

    `or_file`: files where no name begins so.
    """

    def offer(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        found = _beginning(texts().items(), incomplete)
        return found if found or not or_file else files(context, parameter, incomplete)

    return offer


def _beginning(texts: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(name, help=text) for name, text in texts if name.startswith(incomplete)]


def _presets() -> dict[str, str]:
    return {name: f"{preset.params:,} parameters" for name, preset in PRESETS.items()}


def _runs() -> dict[str, str]:
    """The newest runs of the store; none where it cannot be read: a Tab is no place for a message."""
    try:
        found = Store().runs()[:_MOST_RUNS]
    except (MnistnetError, OSError):
        return {}
    return {run.id: _described(run) for run in found}


def _described(run: Run) -> str:
    return f"{run.name}, {run.state}"


def _materials() -> dict[str, str]:
    gallery = {f"{GALLERY_PREFIX}{name}": "gallery" for name in PRESETS}
    return {**_presets(), **_runs(), **gallery}


def _settings() -> dict[str, str]:
    """Each field with the values that it can have, or with its default where these are numbers.

    The field alone stands beside its default, so that a shell completes up to `=` and adds no space.
    """
    texts = {}
    for name, field in Recipe.model_fields.items():
        choices = get_args(field.annotation)
        for value in choices or ("", f"{field.default}"):
            texts[f"{name}={value}"] = "default" if value == field.default else ""
    return texts


def _searches() -> dict[str, str]:
    """The searches of the store; none where it cannot be read."""
    try:
        return {found.id: found.search().name for found in folder.all_of(Store())[:_MOST_RUNS]}
    except (MnistnetError, OSError):
        return {}


design = named(_presets, or_file=True)
run = named(_runs)
material = named(_materials, or_file=True)
recipe = named(lambda: dict.fromkeys(RECIPES, "built-in recipe"), or_file=True)
profile = named(lambda: {name: one.title for name, one in PROFILES.items()}, or_file=True)
setting = named(_settings)
space = named(lambda: {name: one.title for name, one in READY.items()}, or_file=True)
search = named(_searches)
