"""Commands about results: the evaluation of a run, and exports."""

from typing import get_args

import click

from mnistnet.cli import arguments, completion, destination, documents, output
from mnistnet.cli.commands.group import as_json, cli, report, with_profile
from mnistnet.exports.formats import FORMATS
from mnistnet.insight.network import answers
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.nets.rules import COURSE
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.runs.worker import supervisor

_SPLIT = "Images to evaluate on; under the course protocol both are the test set."


@cli.command()
@click.argument("run", shell_complete=completion.run)
@click.option("--split", type=click.Choice(get_args(SplitName)), default="test", show_default=True, help=_SPLIT)
@as_json
def evaluate(run: str, split: SplitName, as_json: bool) -> None:
    """Evaluate the weights of RUN. Shows accuracy, confusion matrix and mistakes."""
    store = Store()
    supervisor.refresh(store)
    found = store.run(run)
    if split == "test" and "test" not in found.scorable:
        raise WrongState(
            f"run {found.id}: it is {found.state}, and holdout uses the test set once, with the final weights; "
            "use --split validation"
        )
    evaluated = Evaluation(output.computed(answers.compute(store, found, split), "computing the answers"))
    report(documents.evaluation(evaluated), as_json, output.score(found, split, evaluated))
    if notice := output.same_images(found, split):
        click.echo(f"mnistnet: {notice}", err=True)


_OUTPUT = "File or folder, or - for standard output. Default: the current folder."
_FORMATS = "\b\nFormats:\n" + "\n".join(f"{one.name:12} {one.file:20} {one.title}" for one in FORMATS.values())


@cli.command("export", epilog=_FORMATS)
@click.argument("names", metavar="RUN|DESIGN...", nargs=-1, required=True, shell_complete=completion.material)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    metavar="FORMAT",
    required=True,
    help="What to write; see below.",
)
@click.option(
    "--output",
    "place",
    metavar="PATH",
    shell_complete=completion.files,
    help="File or folder, or - for standard output. Default: the current folder.",
)
@click.option(
    "--recipe",
    "named",
    metavar="NAME|FILE",
    shell_complete=completion.recipe,
    help="The recipe of a DESIGN. A RUN has its own.",
)
@with_profile
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@as_json
def write_export(
    names: tuple[str, ...],
    form: str,
    place: str | None,
    named: str | None,
    profile: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write RUN or DESIGN as files. They open without mnistnet; gallery-PRESET is a run that comes with it.

    \b
    A PATH with the main file's ending is that file, and others lie beside it.
    Any other PATH is a folder where one exists, where it ends in a slash, or
    where the format gives several files; else it is the file.

    Missing folders are made. Where anything fails, nothing is written.
    """
    destination.require_free(place, overwrite=overwrite)
    store, chosen = Store(), FORMATS[form]
    rules = arguments.profile(profile) if profile is not None else COURSE
    materials = [arguments.material(name, store, named, rules) for name in names]
    files = output.computed(chosen.files(*materials), f"writing {form}")
    if place == destination.STANDARD_OUTPUT:
        click.echo(destination.only(files, form), nl=False)
        return
    places = destination.places(files, place, is_folder=chosen.is_folder)
    destination.write(places, overwrite=overwrite)
    lines = [f"{path}: {len(data):,} bytes" for path, data in places.items()]
    report(documents.export(form, places), as_json, lines)
