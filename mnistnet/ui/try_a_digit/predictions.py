"""The predictions of up to three networks for a digit, along its variations, and their explanation."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnistnet.charts import mistakes, variations
from mnistnet.charts.pictures import enlarged
from mnistnet.charts.variations import VariedPrediction
from mnistnet.data.datasets import Bytes
from mnistnet.data.handwriting import Variation
from mnistnet.errors import MnistnetError
from mnistnet.nets.summary import IMAGE_SIZE
from mnistnet.runs.run import GALLERY_PREFIX, Run, RunState
from mnistnet.ui import cache, controls, network_cache, session, widgets
from mnistnet.ui.digit import panel
from mnistnet.ui.digit.prediction import Prediction
from mnistnet.ui.try_a_digit import digit_source
from mnistnet.ui.try_a_digit.digit_source import VARIATIONS

_NETWORKS, _EXPLANATION, _EXPLAINED = "try-networks", "try-inside", "try-whose"
_TIMES = 8
_OF_DIGITS = ("mnist", "digits")  # data sets whose classes are the ten digits
_GALLERY_FIRST = tuple(GALLERY_PREFIX + name for name in ("mnistnet-16k", "mnistnet-min"))


def networks_picker() -> list[Run]:
    """The choice of up to three runs."""
    named = session.networks.value
    titles = {run.id: widgets.run_title(run) for run in cache.runs_with_predictions(*(named or ()))}
    chosen = [one for one in (_first_networks() if named is None else named) if one in titles]
    key = controls.control(_NETWORKS, chosen)
    st.multiselect(
        "Networks, up to three",
        list(titles),
        chosen,
        format_func=titles.__getitem__,
        key=key,
        max_selections=session.MOST_NETWORKS,
        on_change=_networks_chosen,
        placeholder="Choose networks",
    )
    found = [cache.chosen(one) for one in chosen]
    return [run for run in found if run]


def _first_networks() -> tuple[str, ...]:
    """The networks before any choice: the newest finished run of the store, if there is one, and two of the gallery."""
    done = (run.id for run in cache.listed_runs() if run.state is RunState.DONE and run.recipe.dataset in _OF_DIGITS)
    return (*islice(done, 1), *_GALLERY_FIRST)


def _networks_chosen() -> None:
    session.networks.set(tuple(st.session_state[_NETWORKS]))


@st.fragment
def predictions_view(runs: Sequence[Run]) -> None:
    """The digit and all that follows from it, in a fragment, so that a prediction does not wait for the whole page."""
    left, middle, right = st.columns([0.32, 0.28, 0.4], gap="medium")
    with left:
        found = digit_source.digit()
    with middle:
        variation = digit_source.variation()
        image = variation.of(found) if found is not None else None
        if image is not None:
            st.image(enlarged(image, _TIMES), width=IMAGE_SIZE * _TIMES, alt="Input to the networks: 28 by 28 pixels")
            st.caption(f"Input to the networks: {IMAGE_SIZE}×{IMAGE_SIZE} pixels.")
    with right:
        if found is None or image is None:
            st.info(
                "Draw a digit, choose a test digit or upload a picture. The predictions appear here.",
                icon=":material/draw:",
            )
            return
        predicted = _predictions(runs, image)
    if not predicted:
        return
    _along_variations(predicted, found, variation)
    _explanation(predicted)


def _predictions(runs: Sequence[Run], image: Bytes) -> list[Prediction]:
    """The prediction of each network, side by side."""
    if not runs:
        st.info("Choose at least one network above.", icon=":material/info:")
        return []
    columns = dict(zip(runs, st.columns(len(runs)), strict=True))
    names = _names(runs)
    # All predictions before the first chart: the user waits for them.
    predicted = [
        prediction for run, column in columns.items() if (prediction := _prediction(run, names[run.id], image, column))
    ]
    for prediction in predicted:
        with columns[prediction.run]:
            widgets.draw(
                mistakes.probabilities(prediction.probabilities, None, prediction.classes),
                f"try-probabilities-{prediction.run.id}",
                f"{names[prediction.run.id]} predicts {prediction.classes[prediction.guess]}, "
                f"confidence {prediction.confidence:.1%}",
            )
    return predicted


def _prediction(run: Run, name: str, image: Bytes, place: DeltaGenerator) -> Prediction | None:
    """The prediction of one network, or the reason why there is none."""
    try:
        prediction = Prediction(run, image, network_cache.probabilities(run, image[None])[0], None)
    except MnistnetError as error:
        place.error(widgets.plain(str(error)), icon=":material/error:")
        return None
    confidence = f"confidence {prediction.confidence:.1%}"
    place.metric(
        widgets.plain(name), prediction.classes[prediction.guess], confidence, delta_color="off", delta_arrow="off"
    )
    return prediction


def _along_variations(predicted: Sequence[Prediction], digit: Bytes, variation: Variation) -> None:
    """The predictions along each variation, with the other variations as they are set."""
    st.subheader("Where the prediction changes", anchor=False)
    names = _names([prediction.run for prediction in predicted])
    with st.grid(min_column_width=420):
        for field, title, furthest, step in VARIATIONS:
            values = [float(value) for value in np.arange(-furthest, furthest + step / 2, step)]
            variants = np.stack([variation.with_one(field, value).of(digit) for value in values])
            steps = [
                one
                for prediction in predicted
                for one in _steps(prediction, names[prediction.run.id], values, variants)
            ]
            with st.container():
                pictures = dict(zip(values, variants, strict=True))
                chart = variations.strip(steps, pictures, title, getattr(variation, field))
                widgets.draw(chart, f"strip-{field}", _takeaway(title, steps))


def _names(runs: Sequence[Run]) -> dict[str, str]:
    """The label of each run by its id: its name, or its title where others have the same name."""
    names = [run.name for run in runs]
    return {run.id: run.name if names.count(run.name) == 1 else run.title for run in runs}


def _steps(prediction: Prediction, name: str, values: Sequence[float], variants: Bytes) -> list[VariedPrediction]:
    rows = network_cache.probabilities(prediction.run, variants)
    return [
        VariedPrediction(name, value, prediction.classes[guess], float(row[guess]), guess == prediction.guess)
        for value, row in zip(values, rows, strict=True)
        for guess in (int(row.argmax()),)
    ]


def _takeaway(title: str, steps: Sequence[VariedPrediction]) -> str:
    flipped = sum(not one.same for one in steps)
    return f"{title}: another prediction at {flipped} of {len(steps)} steps"


def _explanation(predicted: Sequence[Prediction]) -> None:
    """The explanations of a digit that the Mistakes page has, for this one."""
    expander = st.expander("Explain the prediction", icon=":material/search:", key=_EXPLANATION, on_change="rerun")
    if not expander.open:
        return
    with expander:
        names = _names([prediction.run for prediction in predicted])
        if st.session_state.get(_EXPLAINED) not in names:
            st.session_state[_EXPLAINED] = next(iter(names))
        chosen = st.session_state[_EXPLAINED]
        if len(names) > 1:
            st.segmented_control(
                "Network", list(names), default=chosen, format_func=names.__getitem__, key=_EXPLAINED, required=True
            )
        panel.explanations(
            next(prediction for prediction in predicted if prediction.run.id == st.session_state[_EXPLAINED])
        )
