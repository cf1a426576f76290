"""Calibration of a run's predictions, and its accuracy by class."""

import streamlit as st

from mnistnet.charts import calibration as charts
from mnistnet.data import datasets
from mnistnet.errors import MnistnetError
from mnistnet.insight.predictions import calibration
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run
from mnistnet.ui import cache, widgets


def calibration_view(evaluation: Evaluation, run: Run, split: SplitName) -> None:
    """The reliability diagram beside the accuracy by class."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Confidence and accuracy", anchor=False)
        _calibration(evaluation, run, split)
    with right:
        st.subheader("Accuracy by class", anchor=False)
        classes = datasets.source(run.recipe.dataset).classes
        scores = calibration.by_class(evaluation)
        worst = min(range(len(scores)), key=lambda place: scores[place].accuracy if scores[place].total else 1.0)
        widgets.draw(
            charts.by_class(scores, classes),
            "by-class",
            f"Accuracy by class with 95% intervals; lowest for {classes[worst]}: {scores[worst].accuracy:.2%}",
        )


def _calibration(evaluation: Evaluation, run: Run, split: SplitName) -> None:
    fitted_on, why_not = _fitted_on(run)
    as_given = calibration.bins(evaluation)
    temperature = 1.0
    if fitted_on is not None:
        temperature = calibration.fitted_temperature(fitted_on.predictions)
    scaled = calibration.bins(Evaluation(calibration.at_temperature(evaluation.predictions, temperature)))
    before, after = calibration.expected_error(as_given), calibration.expected_error(scaled)
    left, right = st.columns(2)
    left.metric(
        "Calibration error",
        f"{before:.2%}",
        help=f"Expected calibration error on the {split} images: the mean difference between confidence and "
        f"accuracy over {calibration.BINS} bins (Guo et al., 2017). 0 is perfect.",
    )
    if why_not:
        st.caption(why_not)
        widgets.draw(charts.reliability(as_given, [], 1.0), "reliability", _takeaway(before))
        return
    right.metric(
        f"At temperature {temperature:.2f}",
        f"{after:.2%}",
        help="Calibration error after temperature scaling: all logits are divided by one number, fitted on the "
        "validation images. It changes confidences, not predictions. Above 1, the network was overconfident; below 1, "
        "underconfident.",
    )
    widgets.draw(charts.reliability(as_given, scaled, temperature), "reliability", _takeaway(before))
    judged = "underconfident" if temperature < 1 else "overconfident"
    st.caption(f"On its validation images the network is {judged}. Vertical lines are 95% intervals.")


def _fitted_on(run: Run) -> tuple[Evaluation | None, str]:
    """The validation predictions that a temperature is fitted on, or why there are none."""
    if run.recipe.protocol == "course":
        return None, "No temperature scaling: under the course protocol the validation images are the test images."
    try:
        return cache.evaluation(run, "validation"), ""
    except MnistnetError as error:
        widgets.problem(error)
        return None, "No temperature scaling without the answers to the validation images."


def _takeaway(error: float) -> str:
    return f"Accuracy by confidence in {calibration.BINS} bins; expected calibration error {error:.2%}"
