"""The output of the command line for people: tables, reports, and a bar while a run trains."""

import codecs
import io
import sys
import time
from pathlib import Path
from typing import Any, TypeVar

import click

from mnistnet.errors import BadInput, OperationFailed
from mnistnet.insight.network.steps import Computation, Steps
from mnistnet.insight.predictions.evaluation import Evaluation, Score
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.rules import epochs_text
from mnistnet.nets.summary import summarize
from mnistnet.runs.backup.backup import Contents
from mnistnet.runs.run import DamagedRun, EpochMetrics, Run
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import environment, supervisor
from mnistnet.training import acceleration

_LOOK_SECONDS = 0.25
_BAR_STEPS = 1000
_WORST = 20
_PASSED = {True: "pass", False: "FAIL", None: "  ? "}
_SPELLED = {"×": "x"}
_SAME_IMAGES = "under the course protocol the validation images are the test images"

T = TypeVar("T")


class EndedEarly(OperationFailed):
    """A run that was followed to its end, and the end was not `done`."""

    def __init__(self, run: Run) -> None:
        resume = f"`python -m mnistnet resume {run.id}` continues it"
        hint = resume if run.state.is_resumable else "see log.txt in the run's folder"
        done = f"{run.epochs_done} of {epochs_text(run.recipe.epochs)}"
        super().__init__(f"run {run.id}: {run.state} after {done}: {run.message or 'as requested'}; {hint}")


class ConfirmationRequired(BadInput):
    """Nobody is there to be asked."""


def spell_out(stream: object) -> None:
    """Let the stream write what its encoding has no letter for in other letters, instead of raising.

    The multiplication sign becomes an x, everything else a number, as in `\\u5c0f`.
    """
    if isinstance(stream, io.TextIOWrapper):  # not None, where it was closed
        codecs.register_error("spelled", _spelled)
        stream.reconfigure(errors="spelled")


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_SPELLED.get(one) or ascii(one)[1:-1] for one in letters), error.end


def follow(store: Store, run_id: str) -> Run:
    """Wait until the run has ended, with a bar on a terminal; the run as it ended."""
    with click.progressbar(length=_BAR_STEPS, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        while True:
            supervisor.refresh(store)
            run = store.run(run_id)
            finished = f"{run.epochs_done} of {epochs_text(run.recipe.epochs)} finished"
            bar.label = f"{run.name}: {run.stage or run.state}, {finished}"
            bar.update(round(run.progress * _BAR_STEPS) - bar.pos)
            if not run.state.is_active:
                return run
            time.sleep(_LOOK_SECONDS)


def computed(steps: Steps[T], doing: str) -> T:
    """The result of a computation, with a progress bar on a terminal while it runs."""
    environment.prepare_to_look()
    computation = Computation(lambda: steps)
    with click.progressbar(length=_BAR_STEPS, file=sys.stderr, hidden=not sys.stderr.isatty(), label=doing) as bar:
        while not computation.is_done:
            computation.advance(_LOOK_SECONDS)
            bar.update(round(computation.share * _BAR_STEPS) - bar.pos)
    return computation.result


def table(summary: dict[str, Any], speed: str) -> list[str]:
    """A `summary` document as text, one line an operation; then what `speed` says, then the rules."""
    lines = [
        f"{summary['name']}: {summary['total_params']:,} parameters, {summary['macs']:,} multiply-accumulates",
        f"  {'layer':14} {'output':>12} {'parameters':>10} {'receptive field':>15} {'jump':>5}",
    ]
    for layer in summary["layers"]:
        shape = "×".join(map(str, layer["output_shape"]))
        lines.append(
            f"  {layer['type']:14} {shape:>12} {layer['params']:>10,} {layer['receptive_field']:>15} {layer['jump']:>5}"
        )
    return [*lines, f"  {speed}", *rule_lines(summary["rules"])]


def rule_lines(rules: list[dict[str, Any]]) -> list[str]:
    """Rules of a document as text, one line each."""
    return [f"  {_PASSED[rule['passed']]}  {rule['rule']}: {rule['detail']}" for rule in rules]


def speed(architecture: Architecture) -> str:
    """One sentence that says which layers of a design train fast."""
    return acceleration.described(architecture, summarize(architecture))


HEADINGS = (
    f"{'run':8}  {'state':11}  {'name':24}  {'parameters':>10}  {'data':7}  {'protocol':8}  {'epochs':>7}  "
    f"{'validation':>10}  {'test':>7}"
)


def line(run: Run) -> str:
    """One run in a list."""
    accuracy = f"{run.validation_accuracy:.2%}" if run.validation_accuracy is not None else "-"
    test = f"{run.test_accuracy:.2%}" if run.test_accuracy is not None else "-"
    epochs = f"{run.epochs_done}/{run.recipe.epochs}"
    return (
        f"{run.id:8}  {run.state:11}  {run.name:24.24}  {run.params:>10,}  {run.recipe.dataset:7}  "
        f"{run.recipe.protocol:8}  {epochs:>7}  {accuracy:>10}  {test:>7}"
    )


def report(run: Run, metrics: list[EpochMetrics]) -> list[str]:
    """A run in full: its line, every epoch, the score of its final weights, and what has to be known of them."""
    lines = [HEADINGS, line(run)]
    if run.provenance:
        lines.append(f"  {run.provenance}")
    if metrics:
        columns = ("training loss", "accuracy", "validation loss", "accuracy", "training time")
        lines += ["", "  epoch  " + "  ".join(columns)]
    lines += [
        f"  {row.epoch:>5}  {row.train_loss:13.4f}  {row.train_accuracy:8.2%}"
        f"  {row.validation_loss:15.4f}  {row.validation_accuracy:8.2%}  {row.seconds:11.1f} s"
        for row in metrics
    ]
    if metrics and run.recipe.protocol == "course":
        lines.append(f"  {_SAME_IMAGES}")
    if run.test_errors is not None and run.test_total is not None:
        lines.append("  " + _score("test set, final weights", Score(run.test_errors, run.test_total)))
    return [*lines, f"  {run.message}"] if run.message else lines


def judged(document: dict[str, Any]) -> list[str]:
    """A run's rules under a profile, as text."""
    outcome = {True: "met", False: "not met", None: "no verdict"}[document["passed"]]
    return ["", f"  rules of {document['profile']}: {outcome}", *rule_lines(document["rules"])]


def backed_up(file: Path, contents: Contents) -> list[str]:
    """The contents of a backup."""
    lines = [f"{file}: {_held(contents)}"]
    if contents.left_out:
        lines.append(f"  {contents.left_out} damaged runs are not in it; `python -m mnistnet runs` names them")
    return lines


def _held(contents: Contents) -> str:
    searches = f", {contents.searches} searches" if contents.searches else ""
    return f"{contents.runs} runs{searches}, {contents.bytes / 1e6:,.1f} MB"


def restored(store: Store, contents: Contents) -> list[str]:
    """The restored runs, and those that do not continue by themselves."""
    lines = [f"{store.root}: {_held(contents)}"]
    if contents.unfinished:
        lines.append(f"  {contents.unfinished} of them were unfinished; `python -m mnistnet resume RUN` continues one")
    return lines


def is_agreed(run: Run | DamagedRun) -> bool:
    """True where who sits at the terminal wants the run deleted; ConfirmationRequired where nobody does."""
    if not (sys.stdin and sys.stdin.isatty()):  # None where it was closed
        raise ConfirmationRequired(
            f"run {run.id}: deleting it asks first, and there is no terminal to ask on; add --yes"
        )
    if isinstance(run, DamagedRun):
        what = f"damaged: {run.fault}"
    else:
        what = f"{run.name}, {run.state}, {run.epochs_done} of {run.recipe.epochs} epochs"
    return click.confirm(f"Delete run {run.id} ({what}) and all its files?", err=True)


def score(run: Run, split: str, evaluated: Evaluation) -> list[str]:
    """An evaluation as text: the score, the confusion matrix, and the most confident mistakes."""
    worst = [
        f"  image {mistake.index:>5}: label {mistake.label}, predicted {mistake.predicted} ({mistake.probability:.1%})"
        for mistake in evaluated.mistakes[:_WORST]
    ]
    rest = len(evaluated.mistakes) - len(worst)
    matrix = [f"  {label}: " + " ".join(f"{count:5}" for count in row) for label, row in enumerate(evaluated.confusion)]
    notice = same_images(run, split)
    return [
        _score(f"{run.id} on {run.recipe.dataset}, {'test' if notice else split} images", evaluated.score),
        *([f"  {notice}"] if notice else []),
        "  confusion matrix, true labels down, predicted labels across:",
        *matrix,
        "  mistakes, the highest confidence first:",
        *worst,
        *([f"  {rest} more: --json lists all"] if rest else []),
    ]


def same_images(run: Run, split: str) -> str:
    """A notice where `validation` was asked for and is the test set; empty elsewhere."""
    return _SAME_IMAGES if (run.recipe.protocol, split) == ("course", "validation") else ""


def _score(what: str, score: Score) -> str:
    return f"{what}: {score.accuracy:.2%}, {score.errors_text}, {score.interval_text.replace('%', ' %', 1)}"
