"""How far a run's answers can be trusted: calibration, and accuracy by class."""

import streamlit as st

from mnistnet.charts import trust as charts
from mnistnet.data import datasets
from mnistnet.errors import MnistnetError
from mnistnet.insight import calibration
from mnistnet.insight.evaluation import Evaluation
from mnistnet.runs.predictions import SplitName
from mnistnet.runs.run import Run
from mnistnet.ui import components, readers


def trust(evaluation: Evaluation, run: Run, split: SplitName) -> None:
    """Reliability beside accuracy by class."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Is it right as often as it says?", anchor=False)
        _calibration(evaluation, run, split)
    with right:
        st.subheader("Class by class", anchor=False)
        classes = datasets.source(run.recipe.dataset).classes
        scores = calibration.by_class(evaluation)
        worst = min(range(len(scores)), key=lambda place: scores[place].accuracy if scores[place].total else 1.0)
        components.draw(
            charts.by_class(scores, classes),
            "by-class",
            f"Accuracy by class with 95% intervals; lowest for {classes[worst]}: {scores[worst].accuracy:.2%}",
        )


def _calibration(evaluation: Evaluation, run: Run, split: SplitName) -> None:
    fitted_on, why_not = _fitting_ground(run)
    as_said = calibration.bins(evaluation)
    temperature = 1.0
    if fitted_on is not None:
        temperature = calibration.fitted_temperature(fitted_on.predictions)
    mended = calibration.bins(Evaluation(calibration.at_temperature(evaluation.predictions, temperature)))
    before, after = calibration.expected_error(as_said), calibration.expected_error(mended)
    one, other = st.columns(2)
    one.metric(
        "Calibration error",
        f"{before:.2%}",
        help=f"Expected calibration error on the {split} images: how far confidence and accuracy lie apart, on "
        f"average over {calibration.BINS} bins (Guo et al., 2017). 0 is perfect.",
    )
    if why_not:
        st.caption(why_not)
        components.draw(charts.reliability(as_said, [], 1.0), "reliability", _takeaway(before))
        return
    other.metric(
        f"At temperature {temperature:.2f}",
        f"{after:.2%}",
        help="All logits divided by one number, fitted on the validation images. It changes no answer, only how sure "
        "they are: above 1 the network was too sure of itself, below 1 not sure enough.",
    )
    components.draw(charts.reliability(as_said, mended, temperature), "reliability", _takeaway(before))
    unsure = "not sure enough" if temperature < 1 else "too sure of itself"
    st.caption(f"By its validation images the network is {unsure}. Bars are 95% intervals.")


def _fitting_ground(run: Run) -> tuple[Evaluation | None, str]:
    """The validation answers that a temperature is fitted on, or why there are none."""
    if run.recipe.protocol == "course":
        return None, "No temperature: under the course protocol there are no validation images beside the test set."
    try:
        return readers.evaluation(run, "validation"), ""
    except MnistnetError as error:
        components.problem(error)
        return None, "No temperature without the answers to the validation images."


def _takeaway(error: float) -> str:
    return f"Accuracy by confidence in {calibration.BINS} bins; expected calibration error {error:.2%}"
