"""Commands about designs: the presets, what follows from a design by arithmetic, and designs from printouts."""

from pathlib import Path

import click

from mnistnet.cli import arguments, completion, destination, documents, output
from mnistnet.cli.commands.group import as_json, cli, report, with_profile
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.printouts import reading
from mnistnet.nets.rules import COURSE
from mnistnet.training.recipe import Recipe


@cli.command()
@as_json
def presets(as_json: bool) -> None:
    """List the preset designs and their parameters."""
    entries = [documents.preset(preset) for preset in PRESETS.values()]
    report(entries, as_json, [f"{e['name']:14} {e['total_params']:6,}  {e['origin']}" for e in entries])


@cli.command()
@click.argument("design", nargs=-1, required=True, shell_complete=completion.design)
@with_profile
@as_json
def summary(design: tuple[str, ...], profile: str | None, as_json: bool) -> None:
    """Show the layers of DESIGN. Output shapes, parameters, receptive fields, the assignment's rules,
    and which layers train fast on a CPU."""
    rules = arguments.profile(profile) if profile is not None else COURSE
    chosen = [arguments.design(name) for name in design]
    entries = [documents.summary(one, Recipe().epochs, rules) for one in chosen]
    tables = [output.table(entry, output.speed(one)) for one, entry in zip(chosen, entries, strict=True)]
    report(entries, as_json, [line for table in tables for line in table])


@cli.command("import")
@click.argument("printout", shell_complete=completion.files)
@click.option("--name", default="printed", show_default=True, help="Name of the design.")
@click.option(
    "--output",
    "place",
    metavar="PATH",
    help="File to write. Default: standard output.",
    shell_complete=completion.files,
)
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
def import_printout(printout: str, name: str, place: str | None, overwrite: bool) -> None:
    """Print the design file that PRINTOUT describes. It is a text with a table of torchinfo or torchsummary:
    a file, or - for standard input.

    Nothing in it is run. What the table does not show is assumed, and said on
    standard error.
    """
    destination.require_free(place, overwrite=overwrite)
    found = reading.read(arguments.text(printout), name)
    design = found.architecture.to_json()
    if place is None or place == destination.STANDARD_OUTPUT:
        click.echo(design, nl=False)
    else:
        destination.write({Path(place): design.encode()}, overwrite=overwrite)
        click.echo(f"{place}: {len(found.architecture.layers)} layers")
    for note in found.notes:
        click.echo(f"mnistnet: {note}", err=True)
