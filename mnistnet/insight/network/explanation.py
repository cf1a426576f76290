"""Reasons for a prediction, as sentences. No torch.

Each sentence states a measurement: a patch was covered and the prediction changed, or a receptive field contains two
pixels or does not. Nothing is inferred from a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnistnet.data.datasets import Bytes, Floats
from mnistnet.insight.network.saliency import PATCH, Occlusion
from mnistnet.nets.summary import IMAGE_SIZE, LayerSummary
from mnistnet.runs.files.predictions import Probabilities

INKED = 64  # a pixel at least this bright belongs to the stroke
_CLOSE = 0.2  # two probabilities that differ by less are called close
_SURE = 0.9  # a prediction at least this probable is called confident
_CLEAR = 0.5  # a change of the prediction is called clear where the new class is at least this probable
_PATCH = f"{PATCH}×{PATCH} patch"


@dataclass(frozen=True)
class Spot:
    """A pixel by row and column, counted from the upper left."""

    row: int
    column: int


@dataclass(frozen=True)
class Flip:
    """A patch around `spot` that changes the prediction to `answer`, and the probability of `answer` then."""

    spot: Spot
    answer: int
    probability: float


@dataclass(frozen=True)
class Evidence:
    """The pixels of ink that support the predicted and the true class most, and the first layer that contains both.

    `together` is the index, in the given rows, of the first layer with a unit whose receptive field contains both
    pixels; None where there is no such layer.
    """

    for_guess: Spot
    for_truth: Spot
    together: int | None

    @property
    def distance(self) -> int:
        """Distance in pixels along the axis on which the two are further apart."""
        return max(
            abs(self.for_guess.row - self.for_truth.row),
            abs(self.for_guess.column - self.for_truth.column),
        )


def flip(covered: Occlusion, wanted: int) -> Flip | None:
    """The patch that changes the prediction to class `wanted` with the highest probability; None where none does."""
    probabilities = _softmax(covered.logits)[..., wanted]
    possible = np.where(covered.answers == wanted, probabilities, -1)
    spot = _spot(possible)
    best = float(possible[spot.row, spot.column])
    return Flip(spot, wanted, best) if best >= 0 else None


def evidence(erased: Occlusion, image: Bytes, guess: int, truth: int, rows: Sequence[LayerSummary]) -> Evidence | None:
    """Where covering ink of image (28, 28) uint8 lowers the lead of `guess` over `truth` most, and raises it most.

    None where all ink supports one of the two classes, or they are the same class.
    """
    effect = erased.effect(guess, truth)
    inked = image >= INKED
    if not inked.any():
        return None
    for_guess = _spot(np.where(inked, effect, -np.inf))
    for_truth = _spot(np.where(inked, -effect, -np.inf))
    if effect[for_guess.row, for_guess.column] <= 0 or effect[for_truth.row, for_truth.column] >= 0:
        return None
    return Evidence(for_guess, for_truth, first_together(rows, for_guess, for_truth))


def first_together(rows: Sequence[LayerSummary], one: Spot, other: Spot) -> int | None:
    """The index of the first of `rows` in which a unit's window contains both pixels; None where none does.

    A window is the smallest rectangle around a unit's receptive field. Where strides skip pixels, a unit's window may
    contain a pixel that the unit does not read.
    """
    for place, row in enumerate(rows):
        if _holds(row, one.row, other.row) and _holds(row, one.column, other.column):
            return place
    return None


def _holds(row: LayerSummary, one: int, other: int) -> bool:
    return any(span.start <= min(one, other) and max(one, other) < span.stop for span in row.receptive_fields)


def outside(image: Bytes, windows: Sequence[tuple[slice, slice]]) -> npt.NDArray[np.bool_]:
    """A mask (28, 28) of the stroke's pixels that lie in none of the windows."""
    left = image >= INKED
    for window in windows:
        left = left.copy()
        left[window] = False
    return left


def whereabouts(spot: Spot, image: Bytes) -> str:
    """The position of a pixel within the stroke's bounding box in words: `upper left`, `middle`, `right`."""
    inked = np.argwhere(image >= INKED)
    (top, left), (bottom, right) = inked.min(0), inked.max(0)
    vertical = _third(spot.row, top, bottom, ("upper", "middle", "lower"))
    across = _third(spot.column, left, right, ("left", "middle", "right"))
    if across == "middle":
        return {"upper": "top", "middle": "middle", "lower": "bottom"}[vertical]
    return across if vertical == "middle" else f"{vertical} {across}"


def _third(place: int, low: int, high: int, names: tuple[str, str, str]) -> str:
    share = (place - low + 0.5) / (high - low + 1)
    return names[min(2, max(0, int(share * 3)))]


def certainty(row: Probabilities, truth: int | None, classes: Sequence[str]) -> str:
    """The probability of the prediction, and that of the true class, or of the second most probable one."""
    guess = int(row.argmax())
    if truth in (None, guess):
        second = rival(row, truth)
        opening = "Predicted" if truth is None else "Correct: predicted"
        return f"{opening} {classes[guess]} ({row[guess]:.1%}); second is {classes[second]} ({row[second]:.1%})."
    figures = f"predicted {classes[guess]} ({row[guess]:.1%}), true class {classes[truth]} ({row[truth]:.1%})"
    if float(row[guess] - row[truth]) < _CLOSE:
        return f"Wrong, with close probabilities: {figures}."
    return f"Wrong, with high confidence: {figures}." if row[guess] >= _SURE else f"Wrong: {figures}."


def rival(row: Probabilities, truth: int | None) -> int:
    """The class to compare the prediction with: the true class where the prediction is wrong, else the second most
    probable one."""
    guess, second = (int(place) for place in np.argsort(-row, kind="stable")[:2])
    return second if truth in (None, guess) else truth


def sentences(
    image: Bytes,
    guess: int,
    against: int,
    erased: Occlusion,
    inked: Occlusion,
    named: Sequence[tuple[str, LayerSummary]],
    classes: Sequence[str],
) -> list[str]:
    """The patches tried on the image and how the prediction changed, the reason first; empty without ink."""
    if not (image >= INKED).any():
        return []
    said = _tried(image, classes[guess], classes[against], flip(erased, against), flip(inked, against))
    if found := evidence(erased, image, guess, against, [row for _, row in named]):
        said.append(_apart(found, image, guess, against, named, classes))
    return said


def _tried(image: Bytes, guess: str, other: str, without: Flip | None, added: Flip | None) -> list[str]:
    """The clearer of the two changes first, then the other; or a statement that neither is clear."""
    reasons = {
        "without": f"Read as {guess} because of the ink {{where}}: without it the prediction is {other} ({{how}}).",
        "added": f"Read as {guess} because ink is missing {{where}}: with it the prediction is {other} ({{how}}).",
    }
    others = {
        "without": f"Removing a {_PATCH} of ink {{where}} also makes it {other} ({{how}}).",
        "added": f"Adding a {_PATCH} of ink {{where}} also makes it {other} ({{how}}).",
    }
    unclear = {
        "without": f"Removing a {_PATCH} of ink {{where}} makes {other} the most probable class, at only {{how}}.",
        "added": f"Adding a {_PATCH} of ink {{where}} makes {other} the most probable class, at only {{how}}.",
    }
    missing = {
        "without": f"Removing any single {_PATCH} does not make it {other}.",
        "added": f"Adding any single {_PATCH} of ink does not make it {other}.",
    }
    found = {"without": without, "added": added}
    ranked = sorted(found, key=lambda kind: -(one.probability if (one := found[kind]) else 0.0))
    said = []
    for kind in ranked:
        if (one := found[kind]) is None:
            said.append(missing[kind])
            continue
        is_clear = one.probability >= _CLEAR
        wording = unclear if not is_clear else others if said else reasons
        said.append(wording[kind].format(where=_at(whereabouts(one.spot, image)), how=f"{one.probability:.0%}"))
    if not any(one and one.probability >= _CLEAR for one in found.values()):
        said.insert(0, f"Read as {guess}: no single {_PATCH} decides between {guess} and {other}.")
    return said


def _at(where: str) -> str:
    return "in the middle" if where == "middle" else f"at the {where}"


def _apart(
    found: Evidence,
    image: Bytes,
    guess: int,
    against: int,
    named: Sequence[tuple[str, LayerSummary]],
    classes: Sequence[str],
) -> str:
    one, other = whereabouts(found.for_guess, image), whereabouts(found.for_truth, image)
    apart = (
        f"The ink that supports {classes[guess]} most ({one}) and the ink that supports {classes[against]} most "
        f"({other}) are {found.distance} pixels apart"
    )
    if found.together is None:
        return f"{apart}: no receptive field of any layer contains both."
    if found.together == 0:
        return f"{apart}: receptive fields of the first layer already contain both."
    name = named[found.together][0]
    return f"{apart}: no receptive field before layer {name} contains both, so no earlier layer can compare the two."


def _spot(values: Floats) -> Spot:
    row, column = divmod(int(np.argmax(values)), IMAGE_SIZE)
    return Spot(row, column)


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    result: Floats = raised / raised.sum(-1, keepdims=True)
    return result
