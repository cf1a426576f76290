"""The commands and their options. Each calls the package and prints its result; none decides anything."""

import contextlib
import json
from pathlib import Path
from typing import Any, get_args

import click

from mnistnet.cli import arguments, documents, output, serving
from mnistnet.data import datasets
from mnistnet.data.splits import PROTOCOLS
from mnistnet.insight.network import answers
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.backup import backup, restoration
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.run_rows import DamagedRunError
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.runs.worker import supervisor
from mnistnet.training import recipe as recipes
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import Recipe

_SOURCES = click.Choice(list(datasets.SOURCES))
_PROTOCOL = "holdout validates on 5,000 held-out training images, course on the test set. Default: holdout."
_SPLIT = "Images to evaluate on; under the course protocol both are the test set."
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


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


@cli.command()
@as_json
def presets(as_json: bool) -> None:
    """List the preset designs and their parameters."""
    entries = [documents.preset(preset) for preset in PRESETS.values()]
    _print(entries, as_json, [f"{e['name']:14} {e['total_params']:6,}  {e['origin']}" for e in entries])


@cli.command()
@click.argument("design", nargs=-1, required=True)
@as_json
def summary(design: tuple[str, ...], as_json: bool) -> None:
    """Show the layers of DESIGN. Output shapes, parameters, receptive fields, the assignment's rules,
    and which layers train fast on a CPU."""
    chosen = [arguments.design(name) for name in design]
    entries = [documents.summary(one, Recipe().epochs) for one in chosen]
    tables = [output.table(entry, output.speed(one)) for one, entry in zip(chosen, entries, strict=True)]
    _print(entries, as_json, [line for table in tables for line in table])


@cli.command()
@click.argument("design")
@click.option("--dataset", type=_SOURCES, help="Data set. Default: mnist.")
@click.option("--protocol", type=click.Choice(list(PROTOCOLS)), help=_PROTOCOL)
@click.option("--epochs", type=int, help="Passes over the training images. Default: 18.")
@click.option("--seed", type=int, help="Seed of all random numbers. Default: 1.")
@click.option("--threads", type=int, help="CPU threads; 0 is all cores. Default: 0.")
@click.option("--recipe", "named", metavar="NAME|FILE", help=f"A JSON file of fields, or {', '.join(RECIPES)}.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Set a recipe field; can be repeated.")
@click.option("--detach", is_flag=True, help="Start the run and return at once.")
@as_json
def train(
    design: str,
    named: str | None,
    settings: tuple[str, ...],
    detach: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train DESIGN and wait for the end. Ctrl-C stops the run; it can be resumed.

    An option replaces the field given by --set, and --set the one in --recipe.
    """
    fields = arguments.recipe(named) if named else {}
    fields |= dict(recipes.assignment(setting) for setting in settings)
    fields |= {name: value for name, value in options.items() if value is not None}
    store = Store()
    run = supervisor.submit(store, arguments.design(design), recipes.recipe(fields))
    if detach:
        _print({"run": run.id, "state": str(run.state)}, as_json, [f"{run.id} {run.state}"])
    else:
        _follow(store, run, as_json)


@cli.command()
@as_json
def runs(as_json: bool) -> None:
    """List all runs, the newest first."""
    store = Store()
    supervisor.refresh(store)
    reading = store.reading()
    found = reading.runs
    _print(
        [documents.listed(run) for run in found],
        as_json,
        [output.HEADINGS, *map(output.line, found)] if found else ["no runs yet"],
    )
    for damaged in reading.damaged:
        click.echo(f"mnistnet: {DamagedRunError(damaged)}", err=True)
    for folder in store.folders_aside():
        click.echo(f"mnistnet: {folder}: the record of a run, which could not be taken into a new database", err=True)


@cli.command()
@click.argument("run")
@as_json
def show(run: str, as_json: bool) -> None:
    """Show the state and all epochs of RUN."""
    store = Store()
    supervisor.refresh(store)
    found = store.run(run)
    metrics = store.metrics(found.id)
    _print(documents.whole(found, metrics), as_json, output.report(found, metrics))


@cli.command()
@click.argument("run")
def stop(run: str) -> None:
    """Stop RUN. Finished epochs are kept, and the run can be resumed."""
    store = Store()
    supervisor.refresh(store)
    stopped = store.request_stop(store.run(run).id)
    click.echo(f"{stopped.id} {'stopping' if stopped.state.is_active else stopped.state}")


@cli.command()
@click.argument("run")
@as_json
def resume(run: str, as_json: bool) -> None:
    """Continue a stopped or interrupted RUN. It goes on after its last stored epoch."""
    store = Store()
    supervisor.refresh(store)
    _follow(store, supervisor.resume(store, store.run(run).id), as_json)


@cli.command()
@click.argument("run")
@click.option("--yes", is_flag=True, help="Delete without asking.")
def delete(run: str, yes: bool) -> None:
    """Delete RUN and all its files. It asks first; a queued or running one has to be stopped before."""
    store = Store()
    supervisor.refresh(store)
    found = store.find(run)
    is_active = isinstance(found, Run) and found.state.is_active
    if yes or is_active or output.is_agreed(found):  # an active one is refused without a question
        store.delete(found.id)
        click.echo(f"{found.id} deleted")
    else:
        click.echo(f"{found.id} kept")


@cli.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def write_backup(file: Path, as_json: bool) -> None:
    """Write all runs to FILE, a new zip file. Runs can keep training meanwhile."""
    store = Store()
    contents = backup.write(store, file)
    _print(documents.backup(file, store, contents), as_json, output.backed_up(file, contents))


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def restore(file: Path, as_json: bool) -> None:
    """Restore a backup into an empty store. Unfinished runs wait for `resume`."""
    store = Store()
    contents = restoration.restore(file, store)
    _print(documents.backup(file, store, contents), as_json, output.restored(store, contents))


@cli.command()
@click.argument("run")
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
    _print(documents.evaluation(evaluated), as_json, output.score(found, split, evaluated))
    if notice := output.same_images(found, split):
        click.echo(f"mnistnet: {notice}", err=True)


@cli.command()
@click.option("--dataset", type=_SOURCES, default="mnist", show_default=True, help="Data set.")
@as_json
def data(dataset: str, as_json: bool) -> None:
    """Verify a data set. It is downloaded first where it is missing."""
    entry = documents.data_set(dataset, datasets.load(dataset))
    images = f"{entry['train_images']:,} + {entry['test_images']:,} images"
    line = f"{entry['title']}: {images}, verified, in {entry['path']}"
    _print(entry, as_json, [line])


@cli.command()
@click.option("--port", type=int, default=serving.PORT, show_default=True, help="Port to serve on.")
@click.option("--share", metavar="HOST", help="Serve other machines under this name; needs Streamlit's login.")
def dashboard(port: int, share: str | None) -> None:
    """Serve the dashboard until Ctrl-C. Only this machine can use it unless --share is given."""
    serving.serve(port, share)


def _follow(store: Store, run: Run, as_json: bool) -> None:
    try:
        run = output.follow(store, run.id)
    except KeyboardInterrupt:
        with contextlib.suppress(WrongState):  # it has just ended
            store.request_stop(run.id)
        click.echo(f"\nstopping {run.id}; `python -m mnistnet resume {run.id}` continues it", err=True)
        run = output.follow(store, run.id)
    _print(documents.outcome(run), as_json, output.report(run, store.metrics(run.id)))
    if run.state is not RunState.DONE:
        raise output.EndedEarly(run)


def _print(document: Any, as_json: bool, lines: list[str]) -> None:
    click.echo(json.dumps(document, indent=2, allow_nan=False) if as_json else "\n".join(lines))
