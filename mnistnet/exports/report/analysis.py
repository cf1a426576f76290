"""The figures that an analysis starts from, each with one sentence on what it is. Judges nothing."""

from dataclasses import dataclass
from statistics import mean

import numpy as np

from mnistnet.exports.report import markdown
from mnistnet.exports.report.facts import Facts
from mnistnet.exports.report.run_sections import best_epoch
from mnistnet.insight.predictions import calibration
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.insight.predictions.verdict import LAST_EPOCHS
from mnistnet.nets.summary import LayerSummary

_PAIRS = 3
LEFT_OPEN = "> *Left to the author of this report.*"


@dataclass(frozen=True)
class Figure:
    """A figure for the analysis. `meaning`: one sentence on how to read it."""

    title: str
    value: str
    meaning: str


def section(facts: Facts) -> str:
    """An empty place for the author, and the figures beside it."""
    rows = [(one.title, one.value, one.meaning) for one in figures(facts)]
    return f"{LEFT_OPEN}\n\n{markdown.table(('figure', 'value', 'how to read it'), rows)}"


def figures(facts: Facts) -> list[Figure]:
    """All figures that can be had of the run."""
    of_epochs = _of_epochs(facts) if facts.metrics else []
    of_predictions = _of_predictions(facts, facts.evaluation) if facts.evaluation else []
    return [*of_epochs, *of_predictions, *_of_design(facts)]


def _of_epochs(facts: Facts) -> list[Figure]:
    last, best = facts.metrics[-1], best_epoch(facts.metrics)
    gap = 100 * (last.train_accuracy - last.validation_accuracy)
    ending = [row.validation_accuracy for row in facts.metrics[-LAST_EPOCHS:]]
    lowest = min(facts.metrics, key=lambda row: row.validation_loss)
    return [
        Figure(
            "training minus validation accuracy",
            f"{gap:+.2f} percentage points: {last.train_accuracy:.2%} and {last.validation_accuracy:.2%}",
            "After the last epoch. Training figures are taken during the epoch, with the recipe's augmentation and the "
            "design's dropout, so they can lie below validation.",
        ),
        Figure(
            "best and last epoch",
            f"{best.validation_accuracy:.2%} in epoch {best.epoch}, "
            f"{last.validation_accuracy:.2%} in epoch {last.epoch}",
            "Validation accuracy; the difference is what picking the best epoch adds.",
        ),
        Figure(
            f"last {len(ending)} epochs" if len(ending) > 1 else "last epoch",
            f"{min(ending):.2%} to {max(ending):.2%}, mean {mean(ending):.2%}",
            "Lowest, highest and mean validation accuracy: how much the result depends on the epoch it ends with.",
        ),
        Figure(
            "lowest validation loss",
            f"{lowest.validation_loss:.4f} in epoch {lowest.epoch}, {last.validation_loss:.4f} in epoch {last.epoch}",
            "A loss that rises while the training loss falls is a sign of overfitting.",
        ),
    ]


def _of_predictions(facts: Facts, evaluation: Evaluation) -> list[Figure]:
    classes = facts.source.classes
    by_class = calibration.by_class(evaluation)
    worst = min(range(len(by_class)), key=lambda place: by_class[place].accuracy if by_class[place].total else 1.0)
    confidence = float(evaluation.confidences.mean())
    return [
        Figure(
            "most confused",
            _pairs(evaluation, classes),
            "True label, predicted label and number of images: the largest cells off the diagonal.",
        ),
        Figure(
            "lowest class accuracy",
            f"{by_class[worst].accuracy:.2%} for {classes[worst]}: {by_class[worst].errors_text}",
            "The class with the largest share of wrong images.",
        ),
        Figure(
            "calibration error",
            f"{calibration.expected_error(calibration.bins(evaluation)):.2%}; "
            f"mean confidence {confidence:.2%}, accuracy {evaluation.score.accuracy:.2%}",
            f"Mean difference of confidence and accuracy over {calibration.BINS} bins; 0 where they agree.",
        ),
    ]


def _pairs(evaluation: Evaluation, classes: tuple[str, ...]) -> str:
    wrong = evaluation.confusion - np.diag(np.diag(evaluation.confusion))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    cells = [divmod(int(place), len(classes)) for place in order]
    found = [
        f"{classes[truth]} → {classes[guess]}: {wrong[truth, guess]}" for truth, guess in cells if wrong[truth, guess]
    ]
    return ", ".join(found) or "no mistake"


def _of_design(facts: Facts) -> list[Figure]:
    params, budget = facts.run.params, facts.profile.params
    found = [
        Figure(
            "budget used",
            f"{params / budget:.1%}: {params:,} of {budget:,} parameters",
            "The rule asks for fewer than the budget.",
        )
    ]
    if last := _last_convolution(facts.summary.rows):
        covers = "every unit sees the whole image" if last.covers_image else "not every unit sees the whole image"
        found.append(
            Figure(
                "receptive field at the last convolution",
                f"{last.field}×{last.field} pixels, layer {last.layer + 1}; {covers}",
                "The image has 28×28 pixels, a digit of MNIST about 20×20. 1×1 convolutions do not enlarge it.",
            )
        )
    return found


def _last_convolution(rows: tuple[LayerSummary, ...]) -> LayerSummary | None:
    return next((row for row in reversed(rows) if row.type in ("conv", "depthwise")), None)
