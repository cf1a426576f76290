"""The Try a digit page's pieces: the source of the digit, its variations, the predictions of up to three networks."""

from collections.abc import Sequence
from io import BytesIO
from itertools import islice

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnistnet.charts import mistakes, variations
from mnistnet.charts.pictures import enlarged
from mnistnet.charts.variations import VariedPrediction
from mnistnet.data import datasets, handwriting
from mnistnet.data.datasets import Bytes
from mnistnet.data.handwriting import HandwritingError, Variation
from mnistnet.errors import MnistnetError
from mnistnet.nets.summary import IMAGE_SIZE
from mnistnet.runs.run import GALLERY_PREFIX, Run, RunState
from mnistnet.ui import cache, network_cache, session, url, widgets
from mnistnet.ui.digit import panel
from mnistnet.ui.digit.case import Case
from mnistnet.ui.try_a_digit.canvas import canvas

_NETWORKS, _SOURCE, _FILE, _INDEX = "try-networks", "try-source", "try-file", "try-index"
_INSIDE, _WHOSE = "try-inside", "try-whose"
_DRAW, _TAKE, _UPLOAD = "Draw", "Choose a test digit", "Upload a picture"
_TIMES = 8
_OF_DIGITS = ("mnist", "digits")  # data sets whose classes are the ten digits
_GALLERY_FIRST = tuple(GALLERY_PREFIX + name for name in ("mnistnet-16k", "mnistnet-min"))


# What can be done to a digit: its field, title, furthest value either way and step, in pixels or degrees.
_VARIATIONS = (
    ("degrees", "Rotation, degrees clockwise", 60.0, 5.0),
    ("right", "Shift right, pixels", 8.0, 1.0),
    ("down", "Shift down, pixels", 8.0, 1.0),
    ("thicker", "Stroke width, pixels added", 2.0, 0.5),
)


def networks() -> list[Run]:
    """Up to three runs whose predictions stand side by side."""
    titles = {run.id: widgets.run_title(run) for run in cache.with_answers()}
    named = session.networks()
    chosen = [one for one in (_first() if named is None else named) if one in titles]
    key = session.control(_NETWORKS, chosen)
    st.multiselect(
        "Networks, up to three",
        list(titles),
        chosen,
        format_func=titles.__getitem__,
        key=key,
        max_selections=url.MOST_NETWORKS,
        on_change=_networks_chosen,
        placeholder="Choose networks",
    )
    found = [cache.chosen(one) for one in chosen]
    return [run for run in found if run]


def _first() -> tuple[str, ...]:
    """The networks to begin with: the newest finished run of the store, where there is one, and two of the gallery."""
    done = (run.id for run in cache.snapshot().runs if run.state is RunState.DONE and run.recipe.dataset in _OF_DIGITS)
    return (*islice(done, 1), *_GALLERY_FIRST)


def _networks_chosen() -> None:
    session.choose_networks(tuple(st.session_state[_NETWORKS]))


@st.fragment
def bench(runs: Sequence[Run]) -> None:
    """All that follows from a digit, in a fragment of its own, so that a prediction does not wait for the page."""
    left, middle, right = st.columns([0.32, 0.28, 0.4], gap="medium")
    with left:
        found = _digit()
    with middle:
        variation = _variation()
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
        cases = _answers(runs, image)
    if not cases:
        return
    _flips(cases, found, variation)
    _inside(cases)


def _digit() -> Bytes | None:
    """The digit in MNIST's form, (28, 28) uint8; None while there is none."""
    source = st.session_state.setdefault(_SOURCE, _DRAW)
    st.segmented_control("Digit", [_DRAW, _TAKE, _UPLOAD], default=source, key=_SOURCE, required=True)
    try:
        if st.session_state[_SOURCE] == _UPLOAD:
            return _uploaded()
        if st.session_state[_SOURCE] == _TAKE:
            return _taken()
        pen = canvas(handwriting.PEN)
        return handwriting.as_mnist(handwriting.drawn(pen)) if pen else None
    except MnistnetError as error:
        st.error(widgets.plain(str(error)), icon=":material/error:")
        return None


def _taken() -> Bytes:
    try:
        images, title = cache.images("mnist", "course", "test"), "MNIST's test images"
    except MnistnetError:
        images, title = cache.images(datasets.OFFLINE.name, "course", "test"), datasets.OFFLINE.title
    current = min(st.session_state.setdefault(_INDEX, 0), len(images) - 1)
    index = st.number_input(f"Index in {title}", 0, len(images) - 1, current, key=_INDEX)
    image: Bytes = images[int(index)]
    st.image(enlarged(image, 10), width=280, alt=f"Test image {index}")
    return image


def _uploaded() -> Bytes | None:
    file = st.file_uploader("Picture of one digit", type=["png", "jpg", "jpeg", "gif", "bmp", "webp"], key=_FILE)
    if file is None:
        return None
    found = _read(file.file_id, file)
    if isinstance(found, str):
        raise HandwritingError(found)
    return found


@st.cache_resource(max_entries=64, show_spinner="Reading the picture…")
def _read(file_id: str, _file: BytesIO) -> Bytes | str:
    """An uploaded picture as a digit in MNIST's form, or why it is none; read once, and not at each rerun."""
    try:
        image = handwriting.as_mnist(handwriting.picture(_file.getvalue()))
    except HandwritingError as error:
        return str(error)
    return image if image.any() else "the picture: no ink on it; give a digit that differs from its paper"


def _variation() -> Variation:
    values = {}
    with st.popover("Rotate, shift, thicken", icon=":material/tune:"):
        for field, title, furthest, step in _VARIATIONS:
            key = f"try-{field}"
            current = st.session_state.setdefault(key, 0.0)
            values[field] = st.slider(title, -furthest, furthest, current, step, key=key)
        st.button("Reset", on_click=_reset, icon=":material/undo:")
    return Variation(**values)


def _reset() -> None:
    for field, *_ in _VARIATIONS:
        st.session_state[f"try-{field}"] = 0.0


def _answers(runs: Sequence[Run], image: Bytes) -> list[Case]:
    """The prediction of each network, side by side."""
    if not runs:
        st.info("Choose at least one network above.", icon=":material/info:")
        return []
    columns = dict(zip(runs, st.columns(len(runs)), strict=True))
    names = _names(runs)
    # All predictions before the first chart: they are what a person waits for.
    cases = [case for run, column in columns.items() if (case := _answer(run, names[run.id], image, column))]
    for case in cases:
        with columns[case.run]:
            widgets.draw(
                mistakes.probabilities(case.row, None, case.classes),
                f"try-probabilities-{case.run.id}",
                f"{names[case.run.id]} predicts {case.classes[case.guess]}, confidence {case.row[case.guess]:.1%}",
            )
    return cases


def _answer(run: Run, name: str, image: Bytes, place: DeltaGenerator) -> Case | None:
    """The prediction of one network, or the reason why there is none."""
    try:
        case = Case(run, image, network_cache.probabilities(run, image[None])[0], None)
    except MnistnetError as error:
        place.error(widgets.plain(str(error)), icon=":material/error:")
        return None
    confidence = f"confidence {case.row[case.guess]:.1%}"
    place.metric(widgets.plain(name), case.classes[case.guess], confidence, delta_color="off", delta_arrow="off")
    return case


def _flips(cases: Sequence[Case], digit: Bytes, variation: Variation) -> None:
    """The predictions along each variation, with all other variations as they are set."""
    st.subheader("Where the prediction changes", anchor=False)
    names = _names([case.run for case in cases])
    with st.grid(min_column_width=420):
        for field, title, furthest, step in _VARIATIONS:
            values = [float(value) for value in np.arange(-furthest, furthest + step / 2, step)]
            variants = np.stack([variation.with_one(field, value).of(digit) for value in values])
            steps = [one for case in cases for one in _steps(case, names[case.run.id], values, variants)]
            with st.container():
                widgets.draw(
                    variations.strip(steps, title, getattr(variation, field)), f"strip-{field}", _takeaway(title, steps)
                )


def _names(runs: Sequence[Run]) -> dict[str, str]:
    """What each run is called by its id: its name, or its title where others have the same name."""
    names = [run.name for run in runs]
    return {run.id: run.name if names.count(run.name) == 1 else run.title for run in runs}


def _steps(case: Case, name: str, values: Sequence[float], variants: Bytes) -> list[VariedPrediction]:
    rows = network_cache.probabilities(case.run, variants)
    return [
        VariedPrediction(name, value, case.classes[guess], float(row[guess]), guess == case.guess)
        for value, row in zip(values, rows, strict=True)
        for guess in (int(row.argmax()),)
    ]


def _takeaway(title: str, steps: Sequence[VariedPrediction]) -> str:
    flipped = sum(not one.same for one in steps)
    return f"{title}: another prediction at {flipped} of {len(steps)} steps"


def _inside(cases: Sequence[Case]) -> None:
    """The explanations that Mistakes has for a digit, for this one."""
    inside = st.expander("Explain the prediction", icon=":material/search:", key=_INSIDE, on_change="rerun")
    if not inside.open:
        return
    with inside:
        names = _names([case.run for case in cases])
        if st.session_state.get(_WHOSE) not in names:
            st.session_state[_WHOSE] = next(iter(names))
        chosen = st.session_state[_WHOSE]
        if len(names) > 1:
            st.segmented_control(
                "Network", list(names), default=chosen, format_func=names.__getitem__, key=_WHOSE, required=True
            )
        panel.ask(next(case for case in cases if case.run.id == st.session_state[_WHOSE]))
