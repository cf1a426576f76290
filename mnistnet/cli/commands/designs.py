"""Commands about designs: the presets, and what follows from a design by arithmetic."""

import click

from mnistnet.cli import arguments, documents, output
from mnistnet.cli.commands.group import as_json, cli, report
from mnistnet.nets.presets import PRESETS
from mnistnet.training.recipe import Recipe


@cli.command()
@as_json
def presets(as_json: bool) -> None:
    """List the preset designs and their parameters."""
    entries = [documents.preset(preset) for preset in PRESETS.values()]
    report(entries, as_json, [f"{e['name']:14} {e['total_params']:6,}  {e['origin']}" for e in entries])


@cli.command()
@click.argument("design", nargs=-1, required=True)
@as_json
def summary(design: tuple[str, ...], as_json: bool) -> None:
    """Show the layers of DESIGN. Output shapes, parameters, receptive fields, the assignment's rules,
    and which layers train fast on a CPU."""
    chosen = [arguments.design(name) for name in design]
    entries = [documents.summary(one, Recipe().epochs) for one in chosen]
    tables = [output.table(entry, output.speed(one)) for one, entry in zip(chosen, entries, strict=True)]
    report(entries, as_json, [line for table in tables for line in table])
