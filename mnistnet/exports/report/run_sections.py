"""The sections of a report that repeat what is stored: target, result, model, recipe, log, changes, environment."""

import platform
import time
from importlib.metadata import version

from mnistnet import __version__
from mnistnet.data import splits
from mnistnet.exports.report import markdown
from mnistnet.exports.report.facts import Facts
from mnistnet.insight.predictions.differences import differences
from mnistnet.nets.layer_types import LAYER_TYPES, TITLES
from mnistnet.nets.rules import epochs_text
from mnistnet.nets.summary import LayerSummary
from mnistnet.runs.run import EpochMetrics, Run, RunState
from mnistnet.training.recipe import described

NONE = "–"
_OUTCOMES = {True: "met", False: "not met", None: "not judged"}


def subtitle(facts: Facts) -> str:
    """The run, its data set and protocol, and when it ended, in one line."""
    ended = f", ended {_day(facts.run.ended)}" if facts.run.ended is not None else ""
    start = f" {facts.run.provenance}" if facts.run.provenance else ""
    return (
        f"Run {markdown.plain(facts.run.id)}: {facts.source.title}, protocol {facts.run.recipe.protocol}{ended}.{start}"
    )


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def target(facts: Facts) -> str:
    """The rules of the profile, one a line."""
    rules = "\n".join(f"- {markdown.plain(rule.rule)}" for rule in facts.verdict.rules)
    return f"The rules of “{markdown.plain(facts.profile.title)}”:\n\n{rules}"


def result(facts: Facts) -> str:
    """The verdict, rule by rule, the accuracy with its interval, and how the epochs stand to the goal."""
    rules = [(rule.rule, _OUTCOMES[rule.passed], rule.detail) for rule in facts.verdict.rules]
    return markdown.document(
        [
            f"**{markdown.plain(facts.verdict.headline)}**",
            state(facts.run),
            markdown.table(("rule", "outcome", "figure"), rules),
            protocol(facts),
            markdown.table(("result", "figure"), figures(facts)),
        ]
    ).strip()


def state(run: Run) -> str:
    """The reason why the run is not done, in a sentence; empty where it is."""
    if run.state is RunState.DONE:
        return ""
    reason = f": {markdown.plain(run.message)}" if run.message else ""
    done = f"{run.epochs_done} of {epochs_text(run.recipe.epochs)}"
    return (
        f"The run has not finished: {run.state} after {done}{reason.rstrip('.')}. Figures are of its finished epochs."
    )


def figures(facts: Facts) -> list[tuple[str, str]]:
    """The result as rows of a name and a figure."""
    run, score, reached = facts.run, facts.score, facts.verdict.consistency
    rows = []
    if score:
        interval = f"{score.interval.low:.2%} to {score.interval.high:.2%} (Wilson)"
        rows += [("accuracy", f"{score.accuracy:.2%}"), ("images", facts.scored_on)]
        rows += [("errors", score.errors_text), ("95% interval", interval)]
    rows += [("parameters", f"{run.params:,}"), ("epochs", f"{run.epochs_done} of {run.recipe.epochs} finished")]
    if facts.metrics:
        best = best_epoch(facts.metrics)
        rows.append(("validation accuracy, last epoch", f"{facts.metrics[-1].validation_accuracy:.2%}"))
        rows.append(("validation accuracy, best epoch", f"{best.validation_accuracy:.2%}, epoch {best.epoch}"))
    if facts.metrics and facts.is_mnist:
        goal = facts.profile.goal
        first = f"epoch {reached.first}" if reached.first else "none"
        rows.append((f"first epoch at {goal}", first))
        rows.append((f"last {epochs_text(reached.of)}", f"{reached.at_goal} at {goal} or more"))
        rows.append(("latest epochs in a row at the goal", str(reached.in_a_row)))
    return rows


def protocol(facts: Facts) -> str:
    """Which images trained, validated and tested, and what follows for the accuracy."""
    run = facts.run
    sentences = [splits.describe(facts.source, run.recipe.protocol), facts.verdict.counted]
    if run.recipe.protocol == "course":
        sentences.append("The best epoch is picked on the test set, so its accuracy is slightly optimistic.")
    if not facts.is_mnist:
        sentences.append(f"The images are those of {facts.source.title}: no accuracy here is an MNIST accuracy.")
    return f"Protocol {run.recipe.protocol}. {' '.join(sentences)}"


def best_epoch(metrics: tuple[EpochMetrics, ...]) -> EpochMetrics:
    """The first epoch with the highest validation accuracy."""
    return max(metrics, key=lambda row: row.validation_accuracy)


def model(facts: Facts) -> str:
    """The layer table."""
    summary = facts.summary
    headings = ("layer", "operation", "output", "kernel", "stride", "padding", "parameters", "receptive field", "jump")
    return markdown.document(
        [
            f"{len(facts.run.architecture.layers)} layers, {summary.params:,} parameters, {summary.macs:,} "
            f"multiply-accumulates for one image, receptive field {summary.field}×{summary.field} pixels. "
            "Receptive field and jump are in pixels of the image; ReLU has no row.",
            markdown.table(headings, [_layer(facts, row) for row in summary.rows], right=range(3, 9)),
        ]
    ).strip()


def _layer(facts: Facts, row: LayerSummary) -> tuple[str, ...]:
    kernel, stride, padding = NONE, NONE, NONE
    if row.type in LAYER_TYPES and row.before and not row.flat:
        layer = facts.run.architecture.layers[row.layer]
        operation = LAYER_TYPES[row.type].operation(layer, row.before.channels, row.before.size)
        if LAYER_TYPES[row.type].colour:  # the others, dropout, leave the map as it is
            kernel = f"{operation.kernel}×{operation.kernel}"
            stride, padding = str(operation.stride), str(operation.padding)
    shape = str(row.channels) if row.flat else "×".join(map(str, row.shape))
    field = f"{row.field}×{row.field}"
    return str(row.layer + 1), TITLES[row.type], shape, kernel, stride, padding, f"{row.params:,}", field, str(row.jump)


def recipe(facts: Facts) -> str:
    """Every field of the recipe in words."""
    return markdown.table(("recipe", "value"), list(described(facts.run.recipe).items()))


def log(facts: Facts) -> str:
    """The epochs as a table and as lines of text."""
    if not facts.metrics:
        return "No epoch is finished, so there is no log."
    headings = ("epoch", "training loss", "training accuracy", "validation loss", "validation accuracy", "rate", "time")
    rows = [
        (
            str(row.epoch),
            f"{row.train_loss:.4f}",
            f"{row.train_accuracy:.2%}",
            f"{row.validation_loss:.4f}",
            f"{row.validation_accuracy:.2%}",
            f"{row.learning_rate:.4g}",
            f"{row.seconds:.1f} s",
        )
        for row in facts.metrics
    ]
    return markdown.document([markdown.table(headings, rows, right=range(7)), log_lines(facts)]).strip()


def log_lines(facts: Facts) -> str:
    """The epochs as lines of text, as the assignment's hand-ins have them."""
    if not facts.metrics:
        return ""
    total = splits.counts(facts.source, facts.run.recipe.protocol).validation
    held = "Test" if facts.run.recipe.protocol == "course" else "Validation"
    return markdown.block(
        f"Epoch {row.epoch:>3}  Train: loss {row.train_loss:.4f}, accuracy {row.train_accuracy:.2%}  "
        f"{held}: loss {row.validation_loss:.4f}, accuracy {round(row.validation_accuracy * total)}/{total} "
        f"({row.validation_accuracy:.2%})"
        for row in facts.metrics
    )


def changes(facts: Facts) -> str:
    """The fields of design and recipe that are not those of the run before."""
    if facts.before is None:
        return "There is no run before it to compare with."
    title = markdown.plain(facts.before.title)
    found = differences([facts.before, facts.run])
    if not found:
        return f"Design and recipe are those of the run before it, {title}."
    rows = [(one.field, *one.values) for one in found]
    table = markdown.table(("field", f"before: {facts.before.id}", f"now: {facts.run.id}"), rows)
    return f"Compared with the run before it, {title}; what is not listed is the same.\n\n{table}"


def environment(facts: Facts) -> str:
    """Place and time of the training, as far as it is stored, and what wrote the report."""
    run = facts.run
    rows = [("run", run.id), ("state", str(run.state)), ("threads", str(run.threads))]
    if run.train_seconds is not None:
        rows.append(("training time without validation", f"{run.train_seconds:,.1f} s"))
    if run.ended is not None:
        rows.append(("ended", _day(run.ended)))
    rows.append(("sha256 of the final weights", run.weights_sha256 or "none: the run has no final weights"))
    rows.append(("report written by", f"mnistnet {__version__}"))
    rows.append(("with", f"torch {version('torch')}, Python {platform.python_version()}, {platform.system()}"))
    return markdown.table(("environment", "value"), rows)
