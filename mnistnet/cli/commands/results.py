"""Commands about the result of a run."""

from typing import get_args

import click

from mnistnet.cli import documents, output
from mnistnet.cli.commands.group import as_json, cli, report
from mnistnet.insight.network import answers
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.store.store import Store, WrongState
from mnistnet.runs.worker import supervisor

_SPLIT = "Images to evaluate on; under the course protocol both are the test set."


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
    report(documents.evaluation(evaluated), as_json, output.score(found, split, evaluated))
    if notice := output.same_images(found, split):
        click.echo(f"mnistnet: {notice}", err=True)
