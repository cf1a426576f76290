"""A run's report: its sections in the assignment's order, as Markdown, HTML and files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mnistnet.exports.material import Material
from mnistnet.exports.report import analysis, markdown, run_sections
from mnistnet.exports.report.facts import Facts, gather, previous
from mnistnet.exports.report.page import page
from mnistnet.exports.report.pictures import Picture, shown
from mnistnet.insight.network.steps import Steps
from mnistnet.runs.run import Run

FORMAT = "report"
NO_CURVE = "No epoch is finished, so there is no curve."


@dataclass(frozen=True)
class Report:
    """A report as Markdown (CommonMark with tables). `pictures` lie beside it; in `html` they are within."""

    title: str
    markdown: str
    pictures: tuple[Picture, ...]

    @cached_property
    def html(self) -> str:
        """The same as one HTML file: no script, no request, light and dark, for screen and paper."""
        return page(self.title, self.markdown, self.pictures)

    @property
    def files(self) -> Mapping[str, bytes]:
        """report.html, report.md and its pictures."""
        texts = {"report.html": self.html.encode(), "report.md": self.markdown.encode()}
        return texts | {picture.name: picture.file for picture in self.pictures}


def run_files(material: Material) -> Steps[Mapping[str, bytes]]:
    """The files of a run's report, the HTML file first. NeedsRun for a design without a run."""
    return (yield from run_report(material)).files


def run_report(material: Material, before: Run | None = None) -> Steps[Report]:
    """The report of a run by the rules of the material's profile. NeedsRun for a design without a run.

    `before`: the run that it is compared with; where none is given, the one of the same owner that ended before it.
    What cannot be had, as the mistakes of a run without weights, is said in a sentence.
    """
    from mnistnet.exports.report import charts  # Altair: the commands that draw nothing do without it

    result = material.required(FORMAT)
    facts = yield from gather(result, before or previous(result), material.profile)
    curves, mistakes = charts.curve_pictures(facts), charts.mistake_pictures(facts)
    sections = {
        "Target": run_sections.target(facts),
        "Result": run_sections.result(facts),
        "Model": run_sections.model(facts),
        "Recipe": run_sections.recipe(facts),
        "Log": run_sections.log(facts),
        "Curves": shown(curves) or NO_CURVE,
        "Worst mistakes": _mistakes(facts, mistakes),
        "Changed from the run before": run_sections.changes(facts),
        "Analysis": analysis.section(facts),
        "Environment": run_sections.environment(facts),
    }
    parts = [f"# Report: {markdown.plain(result.run.name)}", run_sections.subtitle(facts)]
    parts += [part for heading, text in sections.items() for part in (f"## {heading}", text)]
    return Report(f"Report: {result.run.name}", markdown.document(parts), (*curves, *mistakes))


def _mistakes(facts: Facts, pictures: Sequence[Picture]) -> str:
    missing = markdown.plain(facts.missing)
    if facts.evaluation is None:
        return f"There are no predictions to show: {missing}."
    score = facts.evaluation.score
    count = f"Predictions: {score.errors_text} ({facts.evaluated_on})."
    if facts.worst is None:
        count += f" The images are not shown: {missing}."
    elif score.errors:
        count += " Shown are those with the most probable wrong prediction: true label → predicted, probability."
    matrix = "Confusion matrix: true labels down, predicted labels across, errors in the margin."
    return markdown.document([count, shown(pictures[:-1]), matrix, shown(pictures[-1:])]).strip()
