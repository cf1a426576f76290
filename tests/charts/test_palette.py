"""The colours can be seen on both grounds, and every part of a network has a colour and a name."""

import pytest

from mnistnet.charts import palette
from mnistnet.nets.layer_types import LAYER_TYPES, STEP_TYPES, TITLES
from tests.support.contrast import CATEGORIES, GRAPHICS, GROUNDS, contrast, weakest

MEANINGS = ("TRAINING", "VALIDATION", "TARGET", "LIMIT", "NEUTRAL", "HIGHLIGHT")
KINDS = set(LAYER_TYPES)


@pytest.mark.parametrize(("colour", "ratio"), [("#000000", 21), ("#ffffff", 1), ("#767676", 4.54), ("#ff0000", 4.0)])
def test_the_formula_gives_known_ratios_on_white(colour: str, ratio: float) -> None:
    assert contrast(colour, "#ffffff") == pytest.approx(ratio, abs=0.005)


def test_the_grounds_are_those_the_colours_were_chosen_for() -> None:
    assert GROUNDS == {"light": "#ffffff", "dark": "#10151d"}


@pytest.mark.parametrize("meaning", MEANINGS)
def test_a_meaning_stands_out_from_both_grounds(meaning: str) -> None:
    assert weakest(getattr(palette, meaning)) >= GRAPHICS


@pytest.mark.parametrize("kind", palette.LAYER)
def test_a_kind_of_layer_stands_out_from_both_grounds(kind: str) -> None:
    assert weakest(palette.LAYER[kind]) >= GRAPHICS


@pytest.mark.parametrize("colour", CATEGORIES)
def test_the_colour_of_a_run_stands_out_from_both_grounds(colour: str) -> None:
    assert weakest(colour) >= GRAPHICS


def test_everything_a_layer_table_lists_has_a_title() -> None:
    assert set(TITLES) == KINDS | set(STEP_TYPES)


def test_everything_that_shapes_the_map_is_drawn_in_a_colour() -> None:
    assert set(palette.LAYER) == KINDS - {"dropout", "dropout2d"}
