"""The view that compares two runs: the images fixed, those newly wrong, and those wrong in every network."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from mnistnet.charts import mistakes as charts
from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.insight.predictions import label_errors, pairs
from mnistnet.insight.predictions.evaluation import Evaluation, mistakes_at
from mnistnet.insight.predictions.pairs import Pair
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import Run
from mnistnet.ui import cache, controls, session, widgets

_OTHER = "compared-with"
_SHOWN = 48
_EPOCH = "epoch-"


@dataclass(frozen=True, eq=False)
class Predicted:
    """A run with its predictions for a split; without `images`, mistakes are counted and not shown."""

    run: Run
    split: SplitName
    evaluation: Evaluation
    images: Bytes | None


def two_runs_view(evaluation: Evaluation, images: Bytes | None, run: Run, split: SplitName) -> None:
    """The run compared with the chosen one, then with all runs on the same images."""
    predicted = Predicted(run, split, evaluation, images)
    _comparison(predicted)
    st.subheader("Wrong in every network", anchor=False)
    _wrong_in_all(predicted)


def _comparison(predicted: Predicted) -> None:
    run, split, evaluation = predicted.run, predicted.split, predicted.evaluation
    titles = {one.id: widgets.run_title(one) for one in _peers(run, split)}
    if run.recipe.protocol == "course" or split == "validation":
        titles |= {f"{_EPOCH}{row.epoch}": f"this run, epoch {row.epoch}" for row in cache.metrics(run)[:-1]}
    if not titles:
        st.info("No other run has predictions for these images yet: train another network.", icon=":material/info:")
        return
    other = session.other.value
    current = other if other in titles else next(iter(titles))
    key = controls.control(_OTHER, current)
    st.selectbox(
        "Compare with",
        list(titles),
        list(titles).index(current),
        format_func=titles.__getitem__,
        key=key,
        on_change=_other_chosen,
    )
    try:
        before = _guesses(run, current, split)
    except MnistnetError as error:
        widgets.problem(error)
        return
    if before is None:
        st.info(
            f"No predictions are stored for {widgets.plain(titles[current])}: only newer runs "
            "store them for each epoch.",
            icon=":material/info:",
        )
        return
    pair = pairs.pair(before, evaluation.guesses, evaluation.predictions.labels)
    _sentence(pair)
    fixed, broken = st.columns(2, gap="medium")
    with fixed:
        _digits("Fixed", "wrong in the other, correct in this run", pair.fixed, before, predicted)
    with broken:
        _digits(
            "Newly wrong", "correct in the other, wrong in this run", pair.newly_wrong, evaluation.guesses, predicted
        )


def _other_chosen() -> None:
    session.other.set(st.session_state[_OTHER])


def _peers(run: Run, split: SplitName) -> list[Run]:
    """The other runs with predictions for the same images."""
    return [
        one
        for one in cache.runs_with_predictions(session.other.value)
        if one.id != run.id and split in one.scorable and _same_images(one, run, split)
    ]


def _same_images(one: Run, other: Run, split: SplitName) -> bool:
    return one.recipe.dataset == other.recipe.dataset and (
        split == "test" or one.recipe.protocol == other.recipe.protocol
    )


def _guesses(run: Run, other: str, split: SplitName) -> npt.NDArray[np.integer] | None:
    if other.startswith(_EPOCH):
        return cache.guesses(run, int(other.removeprefix(_EPOCH)))
    chosen = cache.chosen(other)
    return cache.evaluation(chosen, split).guesses if chosen else None


def _sentence(pair: Pair) -> None:
    one, two, three = st.columns(3)
    one.metric("Fixed", len(pair.fixed), help="Wrong in the other, correct in this run.")
    two.metric("Newly wrong", len(pair.newly_wrong), help="Correct in the other, wrong in this run.")
    three.metric("Wrong in both", len(pair.wrong_twice))
    p = pair.p_value
    chance = f"p = {p:.2f}" if p >= 0.01 else f"p = {p:.4f}" if p >= 0.0001 else "p < 0.0001"
    differ = len(pair.fixed) + len(pair.newly_wrong)
    if not differ:
        st.markdown("Both are wrong on the same images.")
        return
    better = "better" if len(pair.fixed) > len(pair.newly_wrong) else "worse"
    verdict = (
        f"This run is significantly {better}"
        if p < pairs.SIGNIFICANT
        else "The difference is not significant: these images do not show which of the two is better"
    )
    images = "image" if differ == 1 else "images"
    st.markdown(
        f"Only one of the two is correct on {differ} {images}; on {len(pair.fixed)} of them it is this run. "
        f"{verdict} (McNemar's exact test, {chance})."
    )


def _digits(
    title: str,
    meaning: str,
    places: npt.NDArray[np.intp],
    guesses: npt.NDArray[np.integer],
    predicted: Predicted,
) -> None:
    """Images with their wrong predictions; a click opens one in the view "Digit by digit"."""
    st.markdown(f"**{title}**: {len(places)} ({meaning})")
    images, dataset = predicted.images, predicted.run.recipe.dataset
    if images is None or not len(places):
        return
    labels = predicted.evaluation.predictions.labels
    shown = mistakes_at(places[:_SHOWN], labels, guesses)
    key = controls.clickable(f"compared-{title}")
    widgets.draw(
        charts.gallery(
            [images[one.index] for one in shown],
            shown,
            datasets.source(dataset).classes,
            doubtful=label_errors.VALIDATED if label_errors.covers(dataset, predicted.split) else (),
            how_sure=False,  # of an epoch only the predicted classes are stored
        ),
        key,
        f"{title}: {len(shown)} of {len(places)} digits",
        on_select=lambda: _digit_chosen(key),
        selection_mode=charts.DIGIT,
    )


def _digit_chosen(key: str) -> None:
    if chosen := st.session_state[key]["selection"].get(charts.DIGIT, []):
        _open(int(chosen[0]["index"]))


def _open(index: int) -> None:
    session.digit.set(index)
    session.view.set("digits")


def _wrong_in_all(predicted: Predicted) -> None:
    evaluation, split = predicted.evaluation, predicted.split
    peers = (cache.stored_evaluation(one, split) for one in _peers(predicted.run, split))
    known = [one for one in peers if one]
    if not known:
        st.caption("This needs the predictions of at least two runs for the same images.")
        return
    labels = evaluation.predictions.labels
    found = pairs.agreement([one.guesses for one in (evaluation, *known)], labels)
    st.markdown(
        f"{found.networks} networks have predictions for these {found.total:,} images. They all agree on "
        f"{found.unanimous / found.total:.2%} of the images. **{len(found.wrong_in_all)} images are wrong in every "
        "one**: choosing another of these networks would not correct them."
    )
    _digits("Wrong in all", "with this run's prediction", found.wrong_in_all, evaluation.guesses, predicted)
