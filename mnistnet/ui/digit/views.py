"""Further explanations of a digit: feature maps, saliency, the most similar training digits."""

from collections.abc import Sequence

import streamlit as st

from mnistnet.charts.pictures import enlarged, sheet, with_heat
from mnistnet.charts.receptive_fields import extent
from mnistnet.data.datasets import Floats
from mnistnet.insight.network.saliency import PAPER, PATCH
from mnistnet.nets.summary import IMAGE_SIZE
from mnistnet.ui import network_cache, widgets
from mnistnet.ui.digit.prediction import Prediction
from mnistnet.ui.network_cache import SimilarDigit

_TIMES = 8
_SMALL = 3
_MAPS_SHOWN, _MAPS_IN_A_ROW = 16, 8
_MAP_SIDE = 56  # pixels that one map of a sheet may take
_SIMILAR, _SIMILAR_OF_CLASS = 10, 5
_EVERYTHING = "alike-everything"


def feature_maps_view(prediction: Prediction) -> None:
    """The feature maps of each layer, one picture for each channel, the brightest first."""
    found = network_cache.feature_maps(prediction.run, prediction.image)
    st.caption(
        "Feature maps after each layer: one picture for each channel, the brightest first. Black is the layer's "
        "lowest value, white its highest."
    )
    for name, row in prediction.named:
        maps = found[row.layer]
        order = (-maps.max(axis=(1, 2))).argsort(kind="stable")[:_MAPS_SHOWN]
        times = max(1, _MAP_SIDE // maps.shape[1])
        kept = f", the brightest {_MAPS_SHOWN} shown" if len(maps) > _MAPS_SHOWN else ""
        title, picture = st.columns([0.3, 0.7], vertical_alignment="center")
        title.markdown(f"**{widgets.plain(name)}**")
        title.caption(f"{row.channels} channels of {row.size}×{row.size}{kept}; receptive field {extent(row)}")
        picture.image(
            sheet(maps[order], _MAPS_IN_A_ROW, times),
            alt=f"Layer {name}: {len(order)} channels, the brightest first",
        )


def saliency_view(prediction: Prediction) -> None:
    """Saliency by occlusion and by gradient, side by side: each alone misleads."""
    guess, rival = prediction.classes[prediction.guess], prediction.classes[prediction.rival]
    patch = f"the {PATCH}×{PATCH} patch around a pixel"
    effect = network_cache.occlusion(prediction.run, prediction.image, PAPER).effect(prediction.guess, prediction.rival)
    slope = network_cache.gradient(prediction.run, prediction.image, prediction.guess, prediction.rival)
    st.caption(
        widgets.plain(f"Orange pixels support {guess}, blue pixels support {rival}. Lead: logit of {guess} minus ")
        + widgets.plain(f"logit of {rival}.")
    )
    with st.grid(min_column_width=IMAGE_SIZE * _TIMES + 16):
        _heat(prediction, "Occlusion", effect, f"Drop of the lead when {patch} is emptied")
        _heat(prediction, "Gradient", slope, "Rise of the lead for a little more ink at a pixel")
    st.caption(
        "The gradient describes only very small changes and can be as large beside the digit as on it. Occlusion "
        "shows the effect of removing ink, but leaves images that nobody would write. Rely on what both show."
    )


def _heat(prediction: Prediction, title: str, heat: Floats, meaning: str) -> None:
    with st.container(gap="xsmall"):
        st.markdown(f"**{title}**")
        st.image(with_heat(prediction.image, heat, _TIMES), width=IMAGE_SIZE * _TIMES, alt=f"{title}: {meaning}")
        least, most = float(heat.min()), float(heat.max())
        st.caption(f"{widgets.plain(meaning)}: {least:+.2f} to {most:+.2f} logits.")


def similar_digits_view(prediction: Prediction) -> None:
    """The training digits that are most similar for this network, with their labels."""
    everything = _search_all(prediction)
    found = network_cache.similar_digits(prediction.run, prediction.image, _SIMILAR, everything=everything)
    names = [one.name for one in found]
    order = sorted(set(names), key=names.count, reverse=True)
    counts = (f"{names.count(name)} {'is' if names.count(name) == 1 else 'are'} {name}" for name in order)
    said = widgets.plain(", ".join(counts))
    st.markdown(f"Of the {len(found)} most similar training digits, **{said}**.")
    if prediction.truth is not None and prediction.guess != prediction.truth:
        st.markdown(widgets.plain(_verdict(names, prediction)))
    _row(prediction, found)
    missed = prediction.classes[prediction.rival]
    if missed not in names:
        st.markdown(f"The most similar training digits of class {widgets.plain(missed)}:")
        _row(
            prediction,
            network_cache.similar_digits(
                prediction.run, prediction.image, _SIMILAR_OF_CLASS, prediction.rival, everything=everything
            ),
        )
    st.caption(
        "Similarity is the cosine between the features that enter the last layer, not between pixels: 100% is the "
        "same direction."
    )


def _search_all(prediction: Prediction) -> bool:
    """True where all training digits are searched: by choice, or because they are few."""
    total, some = (len(network_cache.searched_digits(prediction.run, everything=every)[1]) for every in (True, False))
    if total == some:
        return True
    help_ = (
        f"Otherwise {some:,} of the {total:,} are searched, at equal distances: enough for most digits, and sooner. "
        "Switching it off ends a search that is under way."
    )
    return st.toggle(f"Search all {total:,} training digits", key=_EVERYTHING, help=help_)


def _row(prediction: Prediction, found: Sequence[SimilarDigit]) -> None:
    with st.grid(min_column_width=IMAGE_SIZE * _SMALL + 40):
        for place, one in enumerate([None, *found]):
            with st.container(gap="xsmall"):
                st.image(
                    enlarged(prediction.image if one is None else one.image, _SMALL),
                    width=IMAGE_SIZE * _SMALL,
                    alt="This digit" if one is None else f"Number {place}: a {one.name}, {one.similarity:.0%} similar",
                )
                name = "" if one is None else widgets.plain(one.name)
                st.caption("This digit" if one is None else f"**{name}** · {one.similarity:.1%} similar")


def _verdict(names: list[str], prediction: Prediction) -> str:
    truth, guess = prediction.classes[prediction.truth or 0], prediction.classes[prediction.guess]
    of_truth, of_guess = names.count(truth), names.count(guess)
    if of_guess == len(names):
        return f"By this network's features it is a {guess}: none of them is a {truth}."
    if of_guess > of_truth:
        return f"By this network's features it is closer to {guess} than to {truth}."
    if of_truth > of_guess:
        return f"By this network's features it is a {truth}, as the label says: only the last layer decides otherwise."
    return f"By this network's features it is between {truth} and {guess}."
