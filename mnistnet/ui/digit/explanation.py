"""The explanation "Why": altered digits that change the prediction, and the units that decide, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from mnistnet.charts import receptive_fields as charts
from mnistnet.charts.palette import HIGHLIGHT, TARGET, VALIDATION
from mnistnet.charts.pictures import left_out, with_field, with_patches
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.insight.network import explanation
from mnistnet.insight.network.explanation import Flip
from mnistnet.insight.network.receptive_fields import UnitAttribution
from mnistnet.insight.network.saliency import INK, PAPER, PATCH, Occlusion, covered
from mnistnet.nets.summary import IMAGE_SIZE, LayerSummary, Span
from mnistnet.ui import network_cache, widgets
from mnistnet.ui.digit.prediction import Prediction

_LAYER = "why-layer"
_TIMES, _ALTERED_TIMES = 8, 7


def explanation_view(prediction: Prediction) -> None:
    """The sentences beside the altered digits that change the prediction, then the layers."""
    erased, inked = (network_cache.occlusion(prediction.run, prediction.image, shade) for shade in (PAPER, INK))
    alterations = [
        _Alteration(what, flip, shade, colour)
        for what, covering, shade, colour in (
            ("Without the ink in the orange frame", erased, PAPER, HIGHLIGHT),
            ("With the green frame filled with ink", inked, INK, TARGET),
        )
        if (flip := explanation.flip(covering, prediction.rival))
    ]
    text, pictures = st.columns([0.36, 0.64], gap="medium") if alterations else (st.container(), None)
    with text:
        _sentences(prediction, erased, inked)
    if pictures:
        with pictures:
            _altered_digits(prediction, alterations)
    _by_layer(prediction)


@dataclass(frozen=True)
class _Alteration:
    """A patch of brightness `shade` that changes the prediction; `what` it does in words, `colour` of its frame."""

    what: str
    flip: Flip
    shade: int
    colour: str

    @property
    def frame(self) -> tuple[Span, Span, str]:
        """Rows, columns and colour."""
        spot, half = self.flip.spot, PATCH // 2
        rows, columns = (Span(max(0, at - half), min(IMAGE_SIZE, at + half + 1)) for at in (spot.row, spot.column))
        return rows, columns, self.colour

    def of(self, image: Bytes) -> Bytes:
        """The altered image (28, 28) uint8."""
        return covered(image, self.flip.spot.row, self.flip.spot.column, self.shade)


def _altered_digits(prediction: Prediction, alterations: Sequence[_Alteration]) -> None:
    """The digit with a frame around each patch, then each altered digit as the network saw it, with its prediction."""
    guess = widgets.plain(prediction.classes[prediction.guess])
    original = f"This digit: predicted **{guess}** ({prediction.confidence:.0%})"
    shown = [(prediction.image, [one.frame for one in alterations], original)]
    for one in alterations:
        answer = widgets.plain(prediction.classes[one.flip.answer])
        said = f"{one.what}: predicted **{answer}** ({one.flip.probability:.0%})"
        shown.append((one.of(prediction.image), [one.frame], said))
    with st.grid(min_column_width=IMAGE_SIZE * _ALTERED_TIMES + 16):
        for image, frames, said in shown:
            with st.container(gap="xsmall"):
                picture = with_patches(image, frames, _ALTERED_TIMES)
                st.image(picture, width=IMAGE_SIZE * _ALTERED_TIMES, alt=said.replace("**", ""))
                st.caption(said)


def _sentences(prediction: Prediction, erased: Occlusion, inked: Occlusion) -> None:
    """The first sentence in bold, the others as a list."""
    if prediction.truth is None:
        st.caption(widgets.plain(explanation.certainty(prediction.probabilities, None, prediction.classes)))
    said = explanation.sentences(
        prediction.image, prediction.guess, prediction.rival, erased, inked, prediction.named, prediction.classes
    )
    if said:
        st.markdown(f"**{widgets.plain(said[0])}**")
        st.markdown("\n".join(f"- {widgets.plain(one)}" for one in said[1:]))


@st.fragment
def _by_layer(prediction: Prediction) -> None:
    """At one layer: the units that add most to the logits of the predicted class and of its rival, over the digit."""
    names = [name for name, _ in prediction.named]
    if st.session_state.get(_LAYER) not in names:
        st.session_state[_LAYER] = names[min(len(names) - 1, len(names) // 2)]
    current = st.session_state[_LAYER]
    chosen = st.select_slider("Layer", names, current, key=_LAYER) if len(names) > 1 else names[0]
    row = dict(prediction.named)[chosen]
    sides = [(prediction.guess, HIGHLIGHT), (prediction.rival, VALIDATION)]
    try:
        by_class = {one: network_cache.unit_attributions(prediction.run, prediction.image, one) for one, _ in sides}
    except MnistnetError as error:  # a fragment runs outside of the `try` in `panel.explanations`
        widgets.problem(error)
        return
    with st.grid(min_column_width=IMAGE_SIZE * _TIMES + 16):
        for one, colour in sides:
            with st.container(gap="xsmall"):
                _unit(prediction, one, by_class[one][row.layer], row, colour)
        with st.container(gap="xsmall"):
            _outside(prediction, row, [by_class[one][row.layer] for one, _ in sides])
    shares = [
        _share_outside(prediction.image, one, [by_class[side][one.layer] for side, _ in sides])
        for _, one in prediction.named
    ]
    widgets.draw(
        charts.unseen(names, shares, chosen),
        "ink-unseen",
        f"Ink outside the receptive fields of the two units, by layer: {shares[names.index(chosen)]:.0%} at {chosen}",
    )


def _windows(unit: UnitAttribution, row: LayerSummary) -> tuple[Span, Span]:
    return row.receptive_fields[unit.row], row.receptive_fields[unit.column]


def _unit(prediction: Prediction, one: int, unit: UnitAttribution, row: LayerSummary, colour: str) -> None:
    name = prediction.classes[one]
    rows, columns = _windows(unit, row)
    role = (
        "predicted" if one == prediction.guess else "true label" if one == prediction.truth else "second most probable"
    )
    st.markdown(f"**For {widgets.plain(name)}** ({role})")
    st.image(
        with_field(prediction.image, unit.field.strength, rows, columns, _TIMES, colour),
        width=IMAGE_SIZE * _TIMES,
        alt=f"Effective receptive field of the unit that adds most to the logit of {name}, within rows {rows.start} "
        f"to {rows.stop - 1} and columns {columns.start} to {columns.stop - 1}",
    )
    shown = widgets.plain(name)
    place = f"channel {unit.channel + 1}, row {unit.row}, column {unit.column}"
    said = (
        f"This unit ({place}) adds most to the logit of {shown}: {unit.share:.0%} of what this layer adds."
        if unit.added > 0
        else f"No unit of this layer adds to the logit of {shown}; this unit ({place}) lowers it least."
    )
    side = round(unit.field.most_energy)
    st.caption(
        f"{said} Frame: receptive field {charts.extent(row)}. Colour: effective receptive field, about {side}×{side}; "
        "brighter pixels count more."
    )


def _outside(prediction: Prediction, row: LayerSummary, units: list[UnitAttribution]) -> None:
    mask = explanation.outside(prediction.image, [_slices(one, row) for one in units])
    share = _share_outside(prediction.image, row, units)
    st.markdown(f"**Outside both frames**: {share:.0%} of the ink")
    st.image(
        left_out(prediction.image, mask, _TIMES),
        width=IMAGE_SIZE * _TIMES,
        alt=f"The ink outside both receptive fields, {share:.0%} of the digit",
    )
    st.caption("Red: ink outside both receptive fields. Other units of this layer may see it.")


def _slices(unit: UnitAttribution, row: LayerSummary) -> tuple[slice, slice]:
    rows, columns = _windows(unit, row)
    return slice(rows.start, rows.stop), slice(columns.start, columns.stop)


def _share_outside(image: Bytes, row: LayerSummary, units: list[UnitAttribution]) -> float:
    mask = explanation.outside(image, [_slices(one, row) for one in units])
    return float(image[mask].sum()) / max(1, int(image[image >= explanation.INKED].sum()))
