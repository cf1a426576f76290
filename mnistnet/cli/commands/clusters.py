"""The command that prints how to start a cluster for searches."""

from typing import Any

import click

from mnistnet.cli.commands.group import as_json, cli, report
from mnistnet.search.executors import starting
from mnistnet.search.executors.starting import Step


@cli.command()
@click.option("--scheduler", metavar="HOST:PORT", help=f"Where the scheduler is to be. Default: {starting.DEFAULT}.")
@click.option("--slurm", is_flag=True, help="Workers as a SLURM array job.")
@as_json
def cluster(scheduler: str | None, slurm: bool, as_json: bool) -> None:
    """Print the commands that start a scheduler and workers. Starts nothing."""
    steps = starting.steps(scheduler, slurm=slurm)
    report(_document(steps), as_json, _lines(steps))


def _document(steps: list[Step]) -> dict[str, Any]:
    return {"steps": [{"title": one.title, "where": one.where, "command": one.command} for one in steps]}


def _lines(steps: list[Step]) -> list[str]:
    """Commands, and comments of the shell."""
    lines = [
        "# Every machine needs this mnistnet and `pip install -r requirements-cluster.txt`, workers the data as well."
    ]
    for number, one in enumerate(steps, start=1):
        lines += ["", f"# {number}. {one.title} ({one.where})", one.command]
    return lines
