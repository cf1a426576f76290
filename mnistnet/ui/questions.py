"""What else a digit can be asked: how it goes through the layers, which pixels count, what it is most like."""

from collections.abc import Sequence

import streamlit as st

from mnistnet.charts.pictures import enlarged, sheet, with_heat
from mnistnet.insight.sights import PAPER, PATCH, Floats
from mnistnet.nets.geometry import IMAGE_SIZE
from mnistnet.ui import components, insights
from mnistnet.ui.case import Case
from mnistnet.ui.insights import Alike

_TIMES = 8
_SMALL = 3
_MAPS_SHOWN, _MAPS_IN_A_ROW = 16, 8
_MAP_SIDE = 56  # pixels that one map of a sheet may take
_ALIKE, _NEAREST = 10, 5


def layers(case: Case) -> None:
    """The digit after each layer: its channels as pictures, the brightest first."""
    found = insights.maps(case.run, case.image)
    st.caption(
        "What leaves each layer, one picture a channel, the brightest first; black is the layer's least value, "
        "white its largest."
    )
    for name, row in case.named:
        maps = found[row.layer]
        order = (-maps.max(axis=(1, 2))).argsort(kind="stable")[:_MAPS_SHOWN]
        times = max(1, _MAP_SIDE // maps.shape[1])
        kept = f", the brightest {_MAPS_SHOWN}" if len(maps) > _MAPS_SHOWN else ""
        title, picture = st.columns([0.3, 0.7], vertical_alignment="center")
        title.markdown(f"**{components.plain(name)}**")
        title.caption(f"{row.channels} channels of {row.size}×{row.size}{kept}; field {row.field} px")
        picture.image(
            sheet(maps[order], _MAPS_IN_A_ROW, times),
            alt=f"Layer {name}: {len(order)} channels, the brightest first",
        )


def pixels(case: Case) -> None:
    """Saliency by gradient and by covering, side by side: each alone misleads."""
    guess, rival = case.classes[case.guess], case.classes[case.rival]
    patch = f"{PATCH}×{PATCH} pixels around a pixel"
    effect = insights.covered(case.run, case.image, PAPER).effect(case.guess, case.rival)
    slope = insights.gradient(case.run, case.image, case.guess, case.rival)
    st.caption(components.plain(f"Orange speaks for {guess}, blue for {rival}: their difference is what is looked at."))
    with st.grid(min_column_width=IMAGE_SIZE * _TIMES + 16):
        _heat(case, "Taken away", effect, f"Lead of {guess} lost where {patch} are emptied")
        _heat(case, "Gradient", slope, f"Lead of {guess} gained by a little more ink at a pixel")
    st.caption(
        "The gradient knows only the smallest change, and is as large beside the stroke as on it; taking away shows "
        "what a piece of ink does, but leaves a digit that nobody would write. Trust what both show."
    )


def _heat(case: Case, title: str, heat: Floats, meaning: str) -> None:
    with st.container(gap="xsmall"):
        st.markdown(f"**{title}**")
        st.image(with_heat(case.image, heat, _TIMES), width=IMAGE_SIZE * _TIMES, alt=f"{title}: {meaning}")
        least, most = float(heat.min()), float(heat.max())
        st.caption(f"{components.plain(meaning)}: {least:+.2f} to {most:+.2f} logits.")


def alike(case: Case) -> None:
    """The training digits most like it to this network, with their labels: is it the digit, or the label?"""
    found = insights.alike(case.run, case.image, _ALIKE)
    names = [one.name for one in found]
    counts = (f"{names.count(name)} are {name}" for name in sorted(set(names), key=names.count, reverse=True))
    said = components.plain(", ".join(counts))
    st.markdown(f"Of the {len(found)} training digits most like it, **{said}**.")
    if case.truth is not None and case.guess != case.truth:
        st.markdown(components.plain(_verdict(names, case)))
    _row(case, found)
    missed = case.classes[case.rival]
    if missed not in names:
        st.markdown(f"The training digits of class {components.plain(missed)} that are most like it:")
        _row(case, insights.alike(case.run, case.image, _NEAREST, case.rival))
    st.caption(
        "Compared by the features that the last layer reads just before it answers, not by pixels: 100% is the same "
        "direction in that space (cosine)."
    )


def _row(case: Case, found: Sequence[Alike]) -> None:
    with st.grid(min_column_width=IMAGE_SIZE * _SMALL + 40):
        for place, one in enumerate([None, *found]):
            with st.container(gap="xsmall"):
                st.image(
                    enlarged(case.image if one is None else one.image, _SMALL),
                    width=IMAGE_SIZE * _SMALL,
                    alt="this digit" if one is None else f"a {one.name}, {one.likeness:.0%} alike, number {place}",
                )
                name = "" if one is None else components.plain(one.name)
                st.caption("this digit" if one is None else f"**{name}** · alike {one.likeness:.1%}")


def _verdict(names: list[str], case: Case) -> str:
    truth, guess = case.classes[case.truth or 0], case.classes[case.guess]
    of_truth, of_guess = names.count(truth), names.count(guess)
    if of_guess == len(names):
        return f"To this network's features it is a {guess} like any other: they hold nothing that says {truth}."
    if of_guess > of_truth:
        return f"To this network's features it is nearer to {guess}, with {truth} not far."
    if of_truth > of_guess:
        return f"Its features find it a {truth}, as the label says: only the last step goes wrong."
    return f"It lies on the border between {truth} and {guess}."
