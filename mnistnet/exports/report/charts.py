"""The pictures of a report: curves, worst mistakes, confusion matrix, and the curves of a series."""

from collections.abc import Sequence

from mnistnet.charts import comparison, curves, mistakes
from mnistnet.exports.report.facts import WORST, Facts
from mnistnet.exports.report.pictures import Picture, drawn

_MATRIX = 430  # pixels: its cells are square


def curve_pictures(facts: Facts) -> list[Picture]:
    """Accuracy and loss over the epochs; none before the first."""
    if not facts.metrics:
        return []
    target = facts.profile.accuracy if facts.is_mnist else None
    epochs = facts.run.recipe.epochs
    views: tuple[curves.View, curves.View] = ("accuracy", "loss")
    return [
        drawn(
            f"report-{view}.svg",
            curves.curves(facts.metrics, epochs, target, view),
            curves.takeaway(facts.metrics, view),
        )
        for view in views
    ]


def mistake_pictures(facts: Facts) -> list[Picture]:
    """The most confident mistakes and the confusion matrix, as far as predictions and images are there."""
    if facts.evaluation is None:
        return []
    found, classes = facts.evaluation.mistakes[:WORST], facts.source.classes
    pictures = []
    if facts.worst is not None and found:
        said = ", ".join(f"{classes[one.label]} as {classes[one.predicted]}" for one in found[:5])
        pictures.append(
            drawn(
                "report-mistakes.svg",
                mistakes.gallery(list(facts.worst), found, classes),
                f"{len(found)} wrong digits with true label, prediction and its probability; the first are {said}",
            )
        )
    errors = facts.evaluation.score.errors_text
    matrix = mistakes.confusion(facts.evaluation.confusion, classes)
    pictures.append(drawn("report-confusion.svg", matrix, f"Confusion matrix: {errors}", _MATRIX))
    return pictures


def series_picture(steps: Sequence[Facts]) -> list[Picture]:
    """The validation error of all steps over their epochs; none where no step has one."""
    lines = {f"{number}: {facts.run.name}": facts.metrics for number, facts in enumerate(steps, 1) if facts.metrics}
    if not lines:
        return []
    chart = comparison.overlay(lines, steps[0].profile.accuracy)
    return [drawn("report-steps.svg", chart, f"Validation error of {len(lines)} steps by epoch, on a logarithmic axis")]
