"""Commands about what lies on the disk: data sets, and a whole store as one file."""

from pathlib import Path

import click

from mnistnet.cli import documents, output
from mnistnet.cli.commands.group import SOURCES, as_json, cli, report
from mnistnet.data import datasets
from mnistnet.runs.backup import backup, restoration
from mnistnet.runs.store.store import Store
from mnistnet.search.reports.backups import SEARCHES


@cli.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def write_backup(file: Path, as_json: bool) -> None:
    """Write all runs and searches to FILE, a new zip file. Runs can keep training meanwhile."""
    store = Store()
    contents = backup.write(store, file, SEARCHES)
    report(documents.backup(file, store, contents), as_json, output.backed_up(file, contents))


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def restore(file: Path, as_json: bool) -> None:
    """Restore a backup into an empty store. Unfinished runs and searches wait for `resume`."""
    store = Store()
    contents = restoration.restore(file, store, SEARCHES)
    report(documents.backup(file, store, contents), as_json, output.restored(store, contents))


@cli.command()
@click.option("--dataset", type=SOURCES, default="mnist", show_default=True, help="Data set.")
@as_json
def data(dataset: str, as_json: bool) -> None:
    """Verify a data set. It is downloaded first where it is missing."""
    entry = documents.data_set(dataset, datasets.load(dataset))
    images = f"{entry['train_images']:,} + {entry['test_images']:,} images"
    line = f"{entry['title']}: {images}, verified, in {entry['path']}"
    report(entry, as_json, [line])
