"""Commands about searches: start one and follow it, list and change them, take their trials home."""

import contextlib
import sys
import time
from pathlib import Path
from typing import Any

import click

from mnistnet.cli import arguments, completion, destination, search_texts
from mnistnet.cli.commands.group import SOURCES, as_json, cli, report, with_recipe
from mnistnet.errors import OperationFailed
from mnistnet.runs.store.store import Store
from mnistnet.search import control, folder
from mnistnet.search.folder import SearchFolder
from mnistnet.search.reports.now import SearchNow, Watched, now
from mnistnet.search.reports.rows import to_csv
from mnistnet.search.reports.storage import optuna_storage
from mnistnet.search.search import SAMPLERS, PrunerName, Search, SearchError
from mnistnet.search.trials import Trials

_LOOK_SECONDS = 0.5
_PRUNERS: tuple[PrunerName, ...] = ("none", "halving")


class NotDone(OperationFailed):
    """A search that was followed to its end, and the end was not `done`."""


@cli.command()
@click.argument("space", shell_complete=completion.space)
@click.option("--design", shell_complete=completion.design, help="Starting design. Default: the file's; mnistnet-8k.")
@click.option("--trials", type=int, help="Trainings of proposals within the budget. Default: the search's.")
@click.option("--budget", type=int, help="Fewer parameters than this. Default: the file's; 20000.")
@click.option("--epochs", type=int, help="Epochs of each trial. Default: the file's; at most 3.")
@click.option("--dataset", type=SOURCES, help="Data set. Default: the file's; mnist.")
@with_recipe
@click.option("--seeds", type=int, help="Seeds of each trial. Default: the search's.")
@click.option("--sampler", type=click.Choice(list(SAMPLERS)), help="Who proposes. Default: the search's.")
@click.option("--pruner", type=click.Choice(list(_PRUNERS)), help="Who ends hopeless trials. Default: the search's.")
@click.option("--finalists", type=int, help="Best trials that are trained again. Default: the search's.")
@click.option("--cluster", default="", metavar="ADDRESS", help="A Dask scheduler, as in tls://10.0.0.1:8786.")
@click.option("--insecure", is_flag=True, help="Allow an ADDRESS off this machine without TLS.")
@click.option("--detach", is_flag=True, help="Start the search and return at once.")
@as_json
def search(space: str, cluster: str, insecure: bool, detach: bool, as_json: bool, **given: Any) -> None:
    """Search for a better design or recipe: SPACE says what varies.

    SPACE is a search file, or a ready-made search: learning-rate, batch-size, pooling, spend-the-rest, seeds. Ctrl-C
    stops the search; `searches SEARCH --resume` goes on with it.
    """
    chosen = arguments.search(space, given)
    started = control.start(Store(), chosen, cluster=cluster, insecure=insecure)
    if detach:
        state = now(started).state
        report({"search": started.id, "state": state}, as_json, [f"{started.id} {state}"])
    else:
        _follow(started, as_json)


@cli.command()
@click.argument("search", required=False, shell_complete=completion.search)
@click.option("--pause", "action", flag_value="pause", help="Start no further training of SEARCH.")
@click.option("--stop", "action", flag_value="stop", help="End SEARCH with the trainings under way.")
@click.option("--resume", "action", flag_value="resume", help="Go on with SEARCH and follow it.")
@click.option("--extend", type=click.IntRange(1, 10_000), help="Give SEARCH so many trials more, and follow it.")
@click.option("--delete", "action", flag_value="delete", help="Delete SEARCH; its runs stay.")
@click.option("--csv", type=click.Path(path_type=Path), help="Write the trials of SEARCH as CSV.")
@click.option("--optuna", type=click.Path(path_type=Path), help="Write SEARCH as an Optuna storage (SQLite).")
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@as_json
def searches(
    search: str | None,
    action: str | None,
    extend: int | None,
    csv: Path | None,
    optuna: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """List all searches, or show SEARCH and change it."""
    store = Store()
    control.refresh(store)
    if search is None:
        _require_no_action(action, extend, csv, optuna)
        _list(store, as_json)
        return
    found = folder.find(store, search)
    if action == "delete":
        folder.delete(found)
        report({"search": found.id, "state": "deleted"}, as_json, [f"{found.id} deleted"])
        return
    wanted = {path: make for path, make in ((csv, _csv), (optuna, optuna_storage)) if path}
    if wanted:
        chosen, trials = found.search(), found.trials()
        destination.write({path: make(chosen, trials) for path, make in wanted.items()}, overwrite=overwrite)
    if extend:
        control.extend(found, extend)
    elif action:
        getattr(control, action)(found)
    if extend or action == "resume":
        _follow(found, as_json)
    else:
        _show(now(found), as_json, [f"{path} written" for path in wanted])


def _csv(chosen: Search, trials: Trials) -> bytes:
    return to_csv(chosen, trials.by_number.values()).encode()


def _require_no_action(*given: object) -> None:
    if any(given):
        raise SearchError("searches: this option needs the id of a search; `python -m mnistnet searches` lists them")


def _list(store: Store, as_json: bool) -> None:
    documented, lines = [], [search_texts.HEADINGS]
    for found in folder.all_of(store):
        try:
            shown = now(found)
        except SearchError as error:
            click.echo(f"mnistnet: {error}", err=True)
            continue
        documented.append(search_texts.document(shown))
        lines.append(search_texts.line(shown))
    report(documented, as_json, lines if documented else ["no searches yet"])


def _show(shown: SearchNow, as_json: bool, more: list[str]) -> None:
    report(search_texts.document(shown), as_json, [*search_texts.report(shown), *more])


def _follow(found: SearchFolder, as_json: bool) -> None:
    try:
        shown = _wait(found)
    except KeyboardInterrupt:
        with contextlib.suppress(SearchError):
            control.stop(found)
        click.echo(f"\nstopping {found.id}; `python -m mnistnet searches {found.id} --resume` continues it", err=True)
        shown = _wait(found)
    _show(shown, as_json, [])
    if shown.state != "done":
        hint = f"`python -m mnistnet searches {found.id} --resume` continues it"
        raise NotDone(f"search {found.id}: {shown.state}: {shown.message or 'as requested'}; {hint}")


def _wait(found: SearchFolder) -> SearchNow:
    """The search once it has ended, or rests. What it waits for meanwhile is said once."""
    watched, said = Watched(found), ""
    with click.progressbar(length=found.wanted().trials, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        while True:
            shown = watched.now()
            trials = shown.trials
            bar.label = f"{shown.search.name}: best {search_texts.best(trials)}, {len(trials.refused)} refused"
            bar.update(trials.ended - bar.pos)
            if not shown.is_moving:
                return shown
            if shown.notice != said:
                said = shown.notice
                click.echo(said or "it goes on", err=True)
            control.refresh(found.store)
            time.sleep(_LOOK_SECONDS)
