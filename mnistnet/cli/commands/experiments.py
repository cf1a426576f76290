"""Commands that try something out: the learning-rate range test."""

from typing import Any

import click

from mnistnet.cli import arguments, completion, output
from mnistnet.cli.commands.group import SOURCES, as_json, cli, report, with_recipe
from mnistnet.data import datasets
from mnistnet.nets.summary import require
from mnistnet.runs import limits
from mnistnet.training import range_test
from mnistnet.training import recipe as recipes
from mnistnet.training.range_test import Sweep
from mnistnet.training.recipe import Recipe

_ROWS = 12


@cli.command("lr-range")
@click.argument("design", shell_complete=completion.design)
@click.option("--dataset", type=SOURCES, help="Data set. Default: mnist.")
@with_recipe
@as_json
def lr_range(design: str, dataset: str | None, named: str | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Find a range of learning rates for DESIGN. Trains a few batches at growing rates; stores nothing."""
    fields = arguments.fields(named, settings) | ({"dataset": dataset} if dataset else {})
    recipe, architecture = recipes.recipe(fields), arguments.design(design)
    require(architecture)
    limits.require_allowed(architecture, recipe)
    images = datasets.load(recipe.dataset)
    sweep = output.computed(range_test.sweep(architecture, recipe, images), "range test")
    report(_document(sweep), as_json, _lines(architecture.name, recipe, sweep))


def _document(sweep: Sweep) -> dict[str, Any]:
    found = sweep.range
    return {
        "rates": list(sweep.rates),
        "losses": list(sweep.losses),
        "smoothed": list(sweep.smoothed),
        "range": [found.low, found.high] if found else None,
    }


def _lines(name: str, recipe: Recipe, sweep: Sweep) -> list[str]:
    found = sweep.range
    lines = [f"  {'rate':>9}  {'loss, smoothed':>14}"]
    step = max(1, len(sweep.rates) // _ROWS)
    for rate, loss in list(zip(sweep.rates, sweep.smoothed, strict=True))[::step]:
        mark = "  in the range" if found and found.low <= rate <= found.high else ""
        lines.append(f"  {rate:9.2g}  {loss:14.3f}{mark}")
    if sweep.diverged:
        lines.append(f"  the loss diverged after {len(sweep.rates)} of {range_test.STEPS} steps")
    if found is None:
        return [f"{name}: no range: the loss never clearly fell; change the design or the optimizer", *lines]
    peak = f"--set learning_rate={found.peak(recipe):g}"
    return [f"{name}: learning rate {found.low:.2g} to {found.high:.2g}; to train with it: {peak}", *lines]
