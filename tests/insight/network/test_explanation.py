"""What is said of an answer, sentence by sentence, on covered images whose logits are written by hand."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from mnistnet.data.datasets import Bytes, Floats
from mnistnet.insight.network.explanation import (
    Evidence,
    Flip,
    Spot,
    certainty,
    evidence,
    first_together,
    flip,
    outside,
    rival,
    sentences,
    whereabouts,
)
from mnistnet.insight.network.saliency import Occlusion
from mnistnet.nets.architecture import Architecture, Conv, GlobalAvgPool, MaxPool
from mnistnet.nets.summary import LayerSummary, summarize
from tests.support.random_designs import designs

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FOUR, NINE = 4, 9

Patch = tuple[int, int, dict[int, float]]


def by_class(given: dict[int, float]) -> Floats:
    """Ten values, 0 where none is given."""
    values = np.zeros(10, np.float32)
    values[list(given)] = list(given.values())
    return values


def covered(plain: dict[int, float], *patches: Patch) -> Occlusion:
    """Logits by class without a patch; with one at a row and column those given there, elsewhere the same."""
    logits = np.tile(by_class(plain), (28, 28, 1))
    for row, column, given in patches:
        logits[row, column] = by_class(given)
    return Occlusion(logits, by_class(plain))


def inked_at(*spots: tuple[int, int], shade: int = 255) -> Bytes:
    image = np.zeros((28, 28), np.uint8)
    for spot in spots:
        image[spot] = shade
    return image


def probability(logit: float) -> float:
    """Of a class with this logit, all others having 0."""
    return math.exp(logit) / (math.exp(logit) + 9)


PLAIN = {FOUR: 3.0}
WEAK, STRONG = (2, 3, {NINE: 1.0}), (20, 6, {NINE: 2.0})


def test_a_flip_is_the_patch_that_answers_the_wanted_class_with_the_highest_probability() -> None:
    found = flip(covered(PLAIN, WEAK, STRONG), NINE)
    assert found is not None
    assert found == Flip(Spot(20, 6), NINE, found.probability)
    assert found.probability == pytest.approx(probability(2))


def test_a_patch_that_answers_another_class_is_no_flip_however_probable_the_wanted_one() -> None:
    another = (5, 5, {NINE: 8.0, FOUR: 8.5})  # gives nine more than the weak one does
    found = flip(covered(PLAIN, another, WEAK), NINE)
    assert found is not None
    assert found.spot == Spot(2, 3)


def test_there_is_no_flip_where_no_patch_answers_the_wanted_class() -> None:
    assert flip(covered(PLAIN, (2, 3, {7: 5.0})), NINE) is None


# Evidence.

FOR_FOUR, FOR_NINE = (5, 5, {FOUR: 1.0}), (20, 6, {FOUR: 4.0})  # what covering leaves of a lead of 3
TWO_INKED = inked_at((5, 5), (20, 6), (12, 12))


def test_evidence_is_the_ink_whose_cover_costs_most_and_that_whose_cover_helps_most() -> None:
    weaker: tuple[Patch, ...] = ((12, 12, {FOUR: 2.5}),)
    found = evidence(covered(PLAIN, FOR_FOUR, *weaker, FOR_NINE), TWO_INKED, FOUR, NINE, [])
    assert found == Evidence(Spot(5, 5), Spot(20, 6), together=None)


def test_patches_around_pixels_without_ink_are_no_evidence() -> None:
    stronger = ((0, 0, {NINE: 9.0}), (0, 27, {FOUR: 9.0}))
    found = evidence(covered(PLAIN, *stronger, FOR_FOUR, FOR_NINE), TWO_INKED, FOUR, NINE, [])
    assert found == Evidence(Spot(5, 5), Spot(20, 6), together=None)


def test_evidence_is_about_the_lead_not_about_the_guess_alone() -> None:
    both_fall = (12, 12, {FOUR: 0.0, NINE: -3.0})  # four loses most here, and leads as before
    found = evidence(covered(PLAIN, both_fall, FOR_FOUR, FOR_NINE), TWO_INKED, FOUR, NINE, [])
    assert found == Evidence(Spot(5, 5), Spot(20, 6), together=None)


_ONE_SIDED: dict[str, tuple[tuple[Patch, ...], Bytes, int]] = {
    "for the guess only": ((FOR_FOUR,), TWO_INKED, NINE),
    "for the truth only": ((FOR_NINE,), TWO_INKED, NINE),
    "for neither": ((), TWO_INKED, NINE),
    "no ink": ((FOR_FOUR, FOR_NINE), inked_at(), NINE),
    "too faint": ((FOR_FOUR, FOR_NINE), inked_at((5, 5), (20, 6), shade=63), NINE),
    "guess is truth": ((FOR_FOUR, FOR_NINE), TWO_INKED, FOUR),
}


@pytest.mark.parametrize(("patches", "image", "truth"), _ONE_SIDED.values(), ids=_ONE_SIDED)
def test_there_is_no_evidence_without_ink_on_both_sides(patches: tuple[Patch, ...], image: Bytes, truth: int) -> None:
    assert evidence(covered(PLAIN, *patches), image, FOUR, truth, []) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Spot(2, 3), Spot(4, 9), 6),
        (Spot(2, 9), Spot(4, 3), 6),
        (Spot(9, 3), Spot(1, 5), 8),
        (Spot(1, 3), Spot(9, 5), 8),
        (Spot(4, 4), Spot(4, 4), 0),
    ],
)
def test_the_distance_is_that_along_the_longer_axis(one: Spot, other: Spot, expected: int) -> None:
    assert Evidence(one, other, None).distance == expected


# Units that see both.


def sees(row: LayerSummary, spot: Spot) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which units of a map, (size, size), have a pixel in their window."""
    spans = [row.receptive_fields[unit] for unit in range(row.size)]
    down = [span.start <= spot.row < span.stop for span in spans]
    across = [span.start <= spot.column < span.stop for span in spans]
    return np.logical_and.outer(down, across)


def unit_by_unit(rows: Sequence[LayerSummary], one: Spot, other: Spot) -> int | None:
    return next((place for place, row in enumerate(rows) if (sees(row, one) & sees(row, other)).any()), None)


def spots(seed: int, count: int) -> list[tuple[Spot, Spot]]:
    pixels = np.random.default_rng(seed).integers(0, 28, (count, 4)).tolist()
    return [(Spot(a, b), Spot(c, d)) for a, b, c, d in pixels]


def test_the_first_row_that_sees_two_pixels_is_the_first_with_a_unit_whose_window_holds_both() -> None:
    found = [
        (first_together(rows, one, other), unit_by_unit(rows, one, other))
        for seed, design in enumerate(designs(60, seed=11, widest=2))
        for one, other in spots(seed, 12)
        if (rows := summarize(design).rows)
    ]
    assert [ours for ours, _ in found] == [brute for _, brute in found]
    assert {None, 0, 1, 2, 3} <= {brute for _, brute in found}, "these designs say too little"


def test_no_row_sees_anything_together() -> None:
    assert first_together([], Spot(1, 1), Spot(1, 1)) is None


# Ink in no window.


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([], [[2, 2], [5, 9], [20, 6]]),
        ([(slice(0, 6), slice(0, 28))], [[20, 6]]),
        ([(slice(0, 6), slice(0, 9))], [[5, 9], [20, 6]]),
        ([(slice(2, 3), slice(2, 3)), (slice(20, 28), slice(6, 7))], [[5, 9]]),
        ([(slice(0, 28), slice(0, 28))], []),
    ],
    ids=["no window", "one", "up to its end", "two", "all"],
)
def test_outside_is_the_stroke_in_none_of_the_windows(
    windows: list[tuple[slice, slice]], expected: list[list[int]]
) -> None:
    image = inked_at((2, 2), (5, 9), (20, 6), shade=64)
    image[7, 7] = 63  # too faint to be of the stroke
    assert np.argwhere(outside(image, windows)).tolist() == expected


# Places in words.

BOX = inked_at((4, 10), (12, 18))  # nine rows and columns: thirds of three
_NINE = {
    "upper left": (4, 10),
    "top": (4, 13),
    "upper right": (4, 16),
    "left": (7, 10),
    "middle": (7, 13),
    "right": (7, 16),
    "lower left": (10, 10),
    "bottom": (10, 13),
    "lower right": (10, 16),
}


@pytest.mark.parametrize("further", [0, 2], ids=["first pixel", "last pixel"])
@pytest.mark.parametrize(("name", "corner"), _NINE.items(), ids=_NINE)
def test_each_ninth_of_the_strokes_box_has_a_name(name: str, corner: tuple[int, int], further: int) -> None:
    assert whereabouts(Spot(corner[0] + further, corner[1] + further), BOX) == name


@pytest.mark.parametrize(
    ("spot", "name"), [(Spot(0, 0), "upper left"), (Spot(27, 14), "bottom"), (Spot(8, 27), "right")]
)
def test_a_place_beside_the_stroke_is_on_its_side(spot: Spot, name: str) -> None:
    assert whereabouts(spot, BOX) == name


def test_a_stroke_of_one_pixel_is_its_own_middle() -> None:
    assert whereabouts(Spot(9, 20), inked_at((9, 20))) == "middle"


def test_faint_pixels_do_not_widen_the_strokes_box() -> None:
    image = BOX.copy()
    image[27, 27] = 63
    assert whereabouts(Spot(12, 18), image) == "lower right"


# How sure.

_CERTAINTIES: dict[str, tuple[dict[int, float], int | None, str]] = {
    "nobody knows": ({2: 0.75, 5: 0.125}, None, "Predicted two (75.0%); second is five (12.5%)."),
    "right": ({2: 0.75, 5: 0.125}, 2, "Correct: predicted two (75.0%); second is five (12.5%)."),
    "close": (
        {2: 0.5, 5: 0.375},
        5,
        "Wrong, with close probabilities: predicted two (50.0%), true class five (37.5%).",
    ),
    "close in third place": (
        {2: 0.375, 5: 0.25, 0: 0.3125},
        5,
        "Wrong, with close probabilities: predicted two (37.5%), true class five (25.0%).",
    ),
    "wrong": ({2: 0.75, 5: 0.125}, 5, "Wrong: predicted two (75.0%), true class five (12.5%)."),
    "wrong about zero": ({2: 0.75, 0: 0.125}, 0, "Wrong: predicted two (75.0%), true class zero (12.5%)."),
    "sure": ({2: 0.9, 5: 0.1}, 5, "Wrong, with high confidence: predicted two (90.0%), true class five (10.0%)."),
}


@pytest.mark.parametrize(("row", "truth", "sentence"), _CERTAINTIES.values(), ids=_CERTAINTIES)
def test_certainty_says_how_sure_the_answer_was(row: dict[int, float], truth: int | None, sentence: str) -> None:
    assert certainty(by_class(row), truth, NAMES) == sentence


@pytest.mark.parametrize(("truth", "expected"), [(None, 5), (2, 5), (5, 5), (8, 8), (0, 0)])
def test_the_rival_is_the_truth_where_it_was_missed_else_the_second_guess(truth: int | None, expected: int) -> None:
    assert rival(by_class({2: 0.75, 5: 0.125, 8: 0.0625}), truth) == expected


# Sentences.

UNMOVED = covered(PLAIN)
WITHOUT, WITH = (4, 10, {NINE: 5.0}), (12, 14, {NINE: 3.0})
WEAKLY = (12, 14, {NINE: 1.2, 0: 1.0, 1: 1.0})
BECAUSE = "Read as four because of the ink at the upper left: without it the prediction is nine (94%)."
MISSING = "Read as four because ink is missing at the bottom: with it the prediction is nine (69%)."
ALSO = "Adding a 5×5 patch of ink at the bottom also makes it nine (69%)."
UNCLEAR = "Adding a 5×5 patch of ink at the bottom makes nine the most probable class, at only 21%."
NOTHING_AWAY = "Removing any single 5×5 patch does not make it nine."
NOTHING_MORE = "Adding any single 5×5 patch of ink does not make it nine."
NO_PATCH = "Read as four: no single 5×5 patch decides between four and nine."


def said(
    erased: Occlusion, inked: Occlusion, image: Bytes = BOX, named: Sequence[tuple[str, LayerSummary]] = ()
) -> list[str]:
    return sentences(image, FOUR, NINE, erased, inked, named, NAMES)


def test_nothing_is_said_about_an_image_without_ink() -> None:
    assert said(covered(PLAIN, WITHOUT), covered(PLAIN, WITH), image=inked_at()) == []


_SAID: dict[str, tuple[Occlusion, Occlusion, list[str]]] = {
    "both": (covered(PLAIN, WITHOUT), covered(PLAIN, WITH), [BECAUSE, ALSO]),
    "without ink": (covered(PLAIN, WITHOUT), UNMOVED, [BECAUSE, NOTHING_MORE]),
    "with ink": (UNMOVED, covered(PLAIN, WITH), [MISSING, NOTHING_AWAY]),
    "weakly": (UNMOVED, covered(PLAIN, WEAKLY), [NO_PATCH, UNCLEAR, NOTHING_AWAY]),
    "neither": (UNMOVED, UNMOVED, [NO_PATCH, NOTHING_AWAY, NOTHING_MORE]),
}


@pytest.mark.parametrize(("erased", "inked", "expected"), _SAID.values(), ids=_SAID)
def test_what_changes_the_prediction_is_said_or_that_nothing_does(
    erased: Occlusion, inked: Occlusion, expected: list[str]
) -> None:
    assert said(erased, inked) == expected


SO = "so no earlier layer can compare the two."
ROWS = summarize(Architecture(name="n", layers=(Conv(channels=10, kernel=5), MaxPool(size=2), GlobalAvgPool()))).rows
LAYERS = list(zip(("1 conv", "2 pool", "3 mean"), ROWS, strict=True))  # windows of 5, 6 and 28 pixels


@pytest.mark.parametrize(
    ("column", "layers", "expected"),
    [
        (14, LAYERS, "are 4 pixels apart: receptive fields of the first layer already contain both."),
        (15, LAYERS, f"are 5 pixels apart: no receptive field before layer 2 pool contains both, {SO}"),
        (18, LAYERS, f"are 8 pixels apart: no receptive field before layer 3 mean contains both, {SO}"),
        (18, LAYERS[:2], "are 8 pixels apart: no receptive field of any layer contains both."),
    ],
    ids=["first layer", "later layer", "last layer", "no layer"],
)
def test_it_is_said_which_layer_first_sees_the_ink_for_both(
    column: int, layers: list[tuple[str, LayerSummary]], expected: str
) -> None:
    image = inked_at((4, 10), (4, column))
    erased = covered(PLAIN, (4, 10, {FOUR: 1.0}), (4, column, {FOUR: 4.0}))
    opening = "The ink that supports four most (left) and the ink that supports nine most (right)"
    assert said(erased, UNMOVED, image, layers)[-1] == f"{opening} {expected}"


def test_the_layer_that_sees_both_is_said_after_what_changes_the_prediction() -> None:
    erased = covered(PLAIN, WITHOUT, (12, 18, {FOUR: 4.0}))
    assert said(erased, covered(PLAIN, WITH), named=LAYERS) == [
        BECAUSE,
        ALSO,
        "The ink that supports four most (upper left) and the ink that supports nine most (lower right) are 8 pixels "
        f"apart: no receptive field before layer 3 mean contains both, {SO}",
    ]
