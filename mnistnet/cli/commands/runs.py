"""Commands about runs: start, list, stop, resume, delete."""

import contextlib
from typing import Any

import click

from mnistnet.cli import arguments, completion, documents, output
from mnistnet.cli.commands.group import SOURCES, as_json, cli, report, with_profile, with_recipe
from mnistnet.data.splits import PROTOCOLS
from mnistnet.insight.predictions.verdict import verdict_of
from mnistnet.nets.rules import Profile
from mnistnet.runs.run import EpochMetrics, Run, RunState
from mnistnet.runs.store.run_rows import DamagedRunError
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.runs.worker import further, supervisor
from mnistnet.training import recipe as recipes

_PROTOCOL = "holdout validates on 5,000 held-out training images, course on the test set. Default: holdout."


@cli.command()
@click.argument("design", shell_complete=completion.design)
@click.option("--dataset", type=SOURCES, help="Data set. Default: mnist.")
@click.option("--protocol", type=click.Choice(list(PROTOCOLS)), help=_PROTOCOL)
@click.option("--epochs", type=int, help="Passes over the training images. Default: 18.")
@click.option("--seed", type=int, help="Seed of all random numbers. Default: 1.")
@click.option("--threads", type=int, help="CPU threads; 0 is all cores. Default: 0.")
@with_recipe
@click.option("--detach", is_flag=True, help="Start the run and return at once.")
@with_profile
@as_json
def train(
    design: str,
    named: str | None,
    settings: tuple[str, ...],
    detach: bool,
    profile: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Train DESIGN and wait for the end. Ctrl-C stops the run; it can be resumed.

    An option replaces the field given by --set, and --set the one in --recipe.
    """
    rules = arguments.profile(profile) if profile is not None else None
    fields = arguments.fields(named, settings) | {name: value for name, value in options.items() if value is not None}
    store = Store()
    run = supervisor.submit(store, arguments.design(design), recipes.recipe(fields))
    _wait(store, run, as_json, rules, detach=detach)


@cli.command()
@as_json
def runs(as_json: bool) -> None:
    """List all runs, the newest first."""
    store = Store()
    supervisor.refresh(store)
    reading = store.reading()
    found = reading.runs
    report(
        [documents.listed(run) for run in found],
        as_json,
        [output.HEADINGS, *map(output.line, found)] if found else ["no runs yet"],
    )
    for damaged in reading.damaged:
        click.echo(f"mnistnet: {DamagedRunError(damaged)}", err=True)
    for folder in store.folders_aside():
        click.echo(f"mnistnet: {folder}: the record of a run, which could not be taken into a new database", err=True)


@cli.command()
@click.argument("run", shell_complete=completion.run)
@with_profile
@as_json
def show(run: str, profile: str | None, as_json: bool) -> None:
    """Show the state and all epochs of RUN."""
    rules = arguments.profile(profile) if profile is not None else None
    store = Store()
    supervisor.refresh(store)
    found = store.run(run)
    metrics = store.metrics(found.id)
    _report(documents.whole(found, metrics), as_json, found, metrics, rules)


@cli.command()
@click.argument("run", shell_complete=completion.run)
def stop(run: str) -> None:
    """Stop RUN. Finished epochs are kept, and the run can be resumed."""
    store = Store()
    supervisor.refresh(store)
    stopped = store.request_stop(store.run(run).id)
    click.echo(f"{stopped.id} {'stopping' if stopped.state.is_active else stopped.state}")


@cli.command()
@click.argument("run", shell_complete=completion.run)
@as_json
def resume(run: str, as_json: bool) -> None:
    """Continue a stopped or interrupted RUN. It goes on after its last stored epoch."""
    store = Store()
    supervisor.refresh(store)
    _follow(store, supervisor.resume(store, store.run(run).id), as_json)


@cli.command("further")
@click.argument("run", shell_complete=completion.run)
@click.option("--epochs", type=int, default=further.EPOCHS, show_default=True, help="Passes to add.")
@click.option("--learning-rate", type=float, help="Peak of the added epochs. Default: a quarter of the run's.")
@click.option("--detach", is_flag=True, help="Start the run and return at once.")
@as_json
def train_further(run: str, epochs: int, learning_rate: float | None, detach: bool, as_json: bool) -> None:
    """Train a finished RUN further, as a new run."""
    store = Store()
    supervisor.refresh(store)
    found = store.run(run)
    new = further.submit(store, found.id, further.recipe_of(found, epochs, learning_rate))
    _wait(store, new, as_json, detach=detach)


@cli.command()
@click.argument("run", shell_complete=completion.run)
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


def _report(
    document: dict[str, Any], as_json: bool, run: Run, metrics: list[EpochMetrics], profile: Profile | None
) -> None:
    lines = output.report(run, metrics)
    if profile:
        judged = documents.judged(verdict_of(run, metrics, profile), profile)
        document, lines = {**document, **judged}, [*lines, *output.judged(judged)]
    report(document, as_json, lines)


def _wait(store: Store, run: Run, as_json: bool, profile: Profile | None = None, *, detach: bool) -> None:
    """Follow a run that was just queued, unless it is detached."""
    if detach:
        report({"run": run.id, "state": str(run.state)}, as_json, [f"{run.id} {run.state}"])
    else:
        _follow(store, run, as_json, profile)


def _follow(store: Store, run: Run, as_json: bool, profile: Profile | None = None) -> None:
    try:
        run = output.follow(store, run.id)
    except KeyboardInterrupt:
        with contextlib.suppress(WrongState):  # it has just ended
            store.request_stop(run.id)
        click.echo(f"\nstopping {run.id}; `python -m mnistnet resume {run.id}` continues it", err=True)
        run = output.follow(store, run.id)
    _report(documents.outcome(run), as_json, run, store.metrics(run.id), profile)
    if run.state is not RunState.DONE:
        raise output.EndedEarly(run)
