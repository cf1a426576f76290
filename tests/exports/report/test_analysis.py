"""The figures beside the analysis, against figures worked out by hand."""

import numpy as np
import pytest

from mnistnet.exports.material import RunResult
from mnistnet.exports.report import analysis
from mnistnet.exports.report.facts import Facts
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.insight.predictions.verdict import verdict_of
from mnistnet.nets.rules import COURSE
from mnistnet.runs.files.predictions import Predictions
from mnistnet.runs.sources import GALLERY
from mnistnet.runs.store.store import Store
from tests.support.samples import metrics

VALIDATION = [0.90, 0.95, 0.96, 0.95, 0.94, 0.955]
LOSS = [0.3, 0.2, 0.1, 0.2, 0.3, 0.2]


@pytest.fixture(scope="module")
def figures() -> dict[str, str]:
    """Two of 4 images wrong: 9 as 4, with a probability of 0.8 for every prediction."""
    run = GALLERY.find("gallery-course-10040")
    assert run is not None
    rows = tuple(
        metrics(epoch, train_accuracy=0.97, validation_accuracy=accuracy, validation_loss=loss)
        for epoch, (accuracy, loss) in enumerate(zip(VALIDATION, LOSS, strict=True), 1)
    )
    probabilities = np.full((4, 10), 0.2 / 9, np.float32)
    probabilities[range(4), [4, 4, 9, 1]] = 0.8
    predictions = Predictions(probabilities, np.array([9, 9, 9, 1], np.uint8))
    result = RunResult(run, rows, Store())
    facts = Facts(result, COURSE, verdict_of(run, rows), Evaluation(predictions), None, "", None)
    return {one.title: one.value for one in analysis.figures(facts)}


@pytest.mark.parametrize(
    ("title", "value"),
    [
        ("training minus validation accuracy", "+1.50 percentage points: 97.00% and 95.50%"),
        ("best and last epoch", "96.00% in epoch 3, 95.50% in epoch 6"),
        ("last 5 epochs", "94.00% to 96.00%, mean 95.10%"),
        ("lowest validation loss", "0.1000 in epoch 3, 0.2000 in epoch 6"),
        ("most confused", "9 → 4: 2"),
        ("lowest class accuracy", "33.33% for 9: 2 errors in 3"),
        ("calibration error", "30.00%; mean confidence 80.00%, accuracy 50.00%"),
        ("budget used", "50.2%: 10,040 of 20,000 parameters"),
        ("receptive field at the last convolution", "34×34 pixels, layer 11; not every unit sees the whole image"),
    ],
)
def test_a_figure_is_the_one_worked_out_by_hand(figures: dict[str, str], title: str, value: str) -> None:
    assert figures[title] == value
