"""Several runs in order as one report: a table of what each step has, then target, result and analysis of each."""

from collections.abc import Mapping, Sequence

from mnistnet.exports.material import Material
from mnistnet.exports.report import analysis, markdown, run_sections
from mnistnet.exports.report.facts import Facts, gather
from mnistnet.exports.report.pictures import shown
from mnistnet.exports.report.report import FORMAT, NO_CURVE, Report
from mnistnet.insight.network.steps import Steps
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.layer_types import TITLES, dropout_rate
from mnistnet.nets.rules.verdicts import uses
from mnistnet.training.recipe import OPTIMIZER_TITLES, SCHEDULE_TITLES, Recipe

NONE = "none"
_MET = {True: "yes", False: "no", None: "not judged"}


def series_files(materials: Sequence[Material]) -> Steps[Mapping[str, bytes]]:
    """The files of the report of several runs, the HTML file first. NeedsRun for a design without a run."""
    return (yield from series_report(materials)).files


def series_report(materials: Sequence[Material]) -> Steps[Report]:
    """One report of several runs in the order given, each a step from the one before it. NeedsRun as `run_report`.

    The rules are those of the first material's profile.
    """
    from mnistnet.exports.report import charts  # Altair: the commands that draw nothing do without it

    profile = materials[0].profile
    steps: list[Facts] = []
    for result in [material.required(FORMAT) for material in materials]:
        facts = yield from gather(result, steps[-1].run if steps else None, profile)
        steps.append(facts)
    curves = charts.series_picture(steps)
    title = f"Report: {len(steps)} steps"
    parts = [f"# {title}", run_sections.target(steps[0]), "## Steps", techniques(steps), results(steps), _unlike(steps)]
    parts += ["## Curves", shown(curves) or NO_CURVE]
    if curves:
        parts.append(f"The dashed line is the goal, {profile.goal}.")
    for number, facts in enumerate(steps, 1):
        parts += _step(number, facts)
    parts.append("## Models and logs")
    for number, facts in enumerate(steps, 1):
        parts += [f"### {_title(number, facts)}", run_sections.model(facts), run_sections.log_lines(facts)]
    return Report(title, markdown.document(parts), tuple(curves))


def techniques(steps: Sequence[Facts]) -> str:
    """One row a step: its parameters, and what it has of each technique."""
    headings = ("step", "run", "parameters", "batch norm", "dropout", "pooling", "augmentation", "schedule")
    return markdown.table(headings, [_techniques(number, facts) for number, facts in enumerate(steps, 1)])


def results(steps: Sequence[Facts]) -> str:
    """One row a step: what it reached."""
    headings = ("step", "epochs", "accuracy", "errors", "95% interval", "images", "rules met")
    return markdown.table(headings, [_results(number, facts) for number, facts in enumerate(steps, 1)])


def _techniques(number: int, facts: Facts) -> tuple[str, ...]:
    run, recipe = facts.run, facts.run.recipe
    batch_norm = uses("batchnorm", run.architecture.layers)
    schedule = f"{OPTIMIZER_TITLES[recipe.optimizer]}, {SCHEDULE_TITLES[recipe.schedule]}"
    return (
        str(number),
        run.title,
        f"{run.params:,}",
        _layers(batch_norm) if batch_norm else NONE,
        _dropout(run.architecture),
        _pooling(run.architecture),
        _augmentation(recipe),
        f"{schedule}, peak {recipe.learning_rate:g}",
    )


def _results(number: int, facts: Facts) -> tuple[str, ...]:
    score, epochs, met = facts.score, f"{facts.run.epochs_done} of {facts.run.recipe.epochs}", _MET[facts.verdict.met]
    if score is None:
        return str(number), epochs, NONE, NONE, NONE, NONE, met
    interval = f"{score.interval.low:.2%} to {score.interval.high:.2%}"
    return str(number), epochs, f"{score.accuracy:.2%}", score.errors_text, interval, facts.scored_on, met


def _layers(count: int) -> str:
    return f"{count} layer" if count == 1 else f"{count} layers"


def _dropout(architecture: Architecture) -> str:
    """The rates and how many layers have each: `0.05 in 3 layers`."""
    rates = [rate for layer in architecture.layers if (rate := dropout_rate(layer)) is not None]
    return ", ".join(f"{rate:g} in {_layers(rates.count(rate))}" for rate in sorted(set(rates))) or NONE


def _pooling(architecture: Architecture) -> str:
    """The pooling layers with their numbers, and convolutions with a stride."""
    found: dict[str, list[str]] = {}
    for number, layer in enumerate(architecture.layers, 1):
        if layer.type in ("maxpool", "avgpool", "globalavgpool"):
            found.setdefault(TITLES[layer.type], []).append(str(number))
        elif (stride := getattr(layer, "stride", 1)) > 1:
            found.setdefault(f"stride {stride}", []).append(str(number))
    return (
        "; ".join(f"{title} (layer{'s' * (len(numbers) > 1)} {', '.join(numbers)})" for title, numbers in found.items())
        or NONE
    )


def _augmentation(recipe: Recipe) -> str:
    parts = {
        "rotation {:g}°": recipe.rotation_degrees,
        "shift {:g}": recipe.shift,
        "scaling {:g}": recipe.scale,
        "elastic {:g}": recipe.bend,
    }
    return ", ".join(text.format(value) for text, value in parts.items() if value) or NONE


def _unlike(steps: Sequence[Facts]) -> str:
    """A sentence where the accuracies are of different images; empty where they are not."""
    if len({(facts.source.name, facts.run.recipe.protocol) for facts in steps}) == 1:
        return ""
    return "The steps have different data sets or protocols: their accuracies cannot be compared with each other."


def _title(number: int, facts: Facts) -> str:
    return f"Step {number}: {markdown.plain(facts.run.name)}"


def _step(number: int, facts: Facts) -> list[str]:
    """Target, what was changed, result and analysis of a step."""
    parts = [f"## {_title(number, facts)}", "### Target", analysis.LEFT_OPEN]
    if number > 1:
        parts += ["### Changed from the step before", run_sections.changes(facts)]
    return [*parts, "### Result", run_sections.result(facts), "### Analysis", analysis.section(facts)]
