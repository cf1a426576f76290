"""The group of all commands, and what several of them share: options, and the printing of a result."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mnistnet.cli import completion
from mnistnet.data import datasets
from mnistnet.nets.rules import PROFILES
from mnistnet.training.presets import RECIPES

Command = TypeVar("Command", bound=Callable[..., Any])

SOURCES = click.Choice(list(datasets.SOURCES))
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")

with_profile = click.option(
    "--profile",
    metavar="NAME|FILE",
    shell_complete=completion.profile,
    help=f"Rules to judge by: {', '.join(PROFILES)}, or a JSON file. Default of summary and "
    "export: 20k; of check: what the hand-in was made for.",
)

_named = click.option(
    "--recipe",
    "named",
    metavar="NAME|FILE",
    shell_complete=completion.recipe,
    help=f"A JSON file of fields, or {', '.join(RECIPES)}.",
)
_settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=completion.setting,
    help="Set a recipe field; can be repeated.",
)


def with_recipe(command: Command) -> Command:
    """The options --recipe and --set, as `named` and `settings`: see `arguments.fields`."""
    return _named(_settings(command))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Design, train and inspect tiny convolutional networks for MNIST.

    \b
    DESIGN: a preset's name, a path to a design file, or - for standard input
    RUN:    a run's id, or a part from its beginning that no other run has

    \b
    Protocols:
    holdout trains on 55,000 images, validates on 5,000, uses the test set once;
    course  trains on all 60,000 and validates on the test set after every epoch.
    """


def report(document: Any, as_json: bool, lines: list[str]) -> None:
    """Print the document where JSON is asked for, else the lines."""
    click.echo(json.dumps(document, indent=2, allow_nan=False) if as_json else "\n".join(lines))
