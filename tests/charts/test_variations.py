"""Where an answer flips: a cell for each step and network, the flipped ones marked, the present one larger."""

from typing import Any

import numpy as np
import pytest

from mnistnet.charts.palette import INK
from mnistnet.charts.pictures import png
from mnistnet.charts.variations import VariedPrediction, strip
from mnistnet.data.datasets import Bytes
from tests.support import vega
from tests.support.contrast import GRAPHICS, GROUNDS, TEXT, blend, contrast

TITLE = "Turn, degrees clockwise"
# The second network, whose name comes first in the alphabet, takes the 4 for a 9 once it is turned.
STEPS = [
    VariedPrediction("wide", -5.0, "4", 0.9, True),
    VariedPrediction("wide", 0.0, "4", 0.995, True),
    VariedPrediction("wide", 10.0, "4", 0.8, True),
    VariedPrediction("narrow", -5.0, "4", 0.7, True),
    VariedPrediction("narrow", 0.0, "4", 0.98, True),
    VariedPrediction("narrow", 10.0, "9", 0.6123, False),
]
CHARTS = {"steps": STEPS, "one": STEPS[:1], "none": []}


def drawn(steps: list[VariedPrediction], current: float = 0.0) -> vega.Spec:
    return vega.spec(strip(steps, {one.value: picture(one.value) for one in steps}, TITLE, current))


def picture(value: float) -> Bytes:
    return np.full((28, 28), 100 + value, np.uint8)


def cells(spec: vega.Spec) -> vega.Spec:
    (layer,) = vega.layers(spec, "rect")
    return layer


def rows(steps: list[VariedPrediction], current: float = 0.0) -> list[vega.Row]:
    spec = drawn(steps, current)
    return vega.rows(spec, cells(spec))


def looks(channel: str) -> dict[bool, Any]:
    """What a channel of the cells is where its condition holds, and where it does not."""
    encoding = cells(drawn(STEPS))["encoding"].get(channel, {"condition": {"value": 1.0}, "value": 1.0})
    return {True: encoding["condition"]["value"], False: encoding["value"]}


def shade(ground: str, *, flipped: bool) -> str:
    """What a cell looks like on this ground."""
    return blend(looks("color")[flipped], looks("opacity")[flipped], ground)


def test_a_cell_says_what_a_network_answers_at_a_step() -> None:
    assert [(row["network"], row["value"], row["answer"]) for row in rows(STEPS)] == [
        ("wide", "-5", "4"),
        ("wide", "0", "4"),
        ("wide", "10", "4"),
        ("narrow", "-5", "4"),
        ("narrow", "0", "4"),
        ("narrow", "10", "9"),
    ]


def test_only_another_answer_is_marked_as_flipped() -> None:
    assert [row["flipped"] for row in rows(STEPS)] == [False] * 5 + [True]


@pytest.mark.parametrize(("current", "here"), [(0.0, ["0", "0"]), (10.0, ["10", "10"]), (3.0, [])])
def test_the_step_at_hand_is_marked_in_every_network(current: float, here: list[str]) -> None:
    assert [row["value"] for row in rows(STEPS, current) if row["here"]] == here


def test_every_answer_is_printed_on_its_cell() -> None:
    spec = drawn(STEPS)
    for text in vega.layers(spec, "text"):  # one for the cells that kept the answer, one for those that flipped
        assert vega.levels(spec, text, "text") == [one.answer for one in STEPS]
        shown = {False: text["encoding"]["opacity"]["value"], True: text["encoding"]["opacity"]["condition"]["value"]}
        assert shown in ({False: 1, True: 0}, {False: 0, True: 1})


def test_pointing_at_a_cell_tells_how_sure_the_network_is() -> None:
    assert rows(STEPS)[-1]["said"] == "9, 61.2%"


def test_steps_stand_in_the_order_of_their_numbers() -> None:
    steps = [VariedPrediction("net", value, "4", 0.9, True) for value in (10.0, -0.5, 2.0, -10.0, 0.0)]
    assert cells(drawn(steps))["encoding"]["x"]["sort"] == ["-10", "-0.5", "0", "2", "10"]


def test_networks_stand_in_the_order_given_not_in_that_of_the_alphabet() -> None:
    down = cells(drawn(STEPS))["encoding"]["y"]
    assert (down["field"], down["sort"]) == ("network", ["", "wide", "narrow"])


def test_above_the_answers_of_a_step_stands_the_digit_that_was_answered() -> None:
    spec = drawn(STEPS)
    (layer,) = vega.layers(spec, "image")
    assert [(row["network"], row["value"], row["picture"]) for row in vega.rows(spec, layer)] == [
        ("", f"{value:g}", png(picture(value))) for value in (-5.0, 0.0, 10.0)
    ]


def test_the_steps_say_what_they_are_of() -> None:
    assert vega.title(drawn(STEPS), "x") == TITLE


def test_more_networks_make_a_higher_chart() -> None:
    assert drawn(STEPS)["height"] > drawn(STEPS[:3])["height"]


@pytest.mark.parametrize("flipped", [True, False])
@pytest.mark.parametrize("theme", GROUNDS)
def test_an_answer_can_be_read_on_its_cell(theme: str, flipped: bool) -> None:
    kept, on_flipped = vega.layers(drawn(STEPS), "text")
    ink = (on_flipped if flipped else kept)["mark"].get("color", INK[theme])
    assert contrast(ink, shade(GROUNDS[theme], flipped=flipped)) >= TEXT


@pytest.mark.parametrize("theme", GROUNDS)
def test_a_flipped_cell_stands_out_from_the_ground(theme: str) -> None:
    assert contrast(shade(GROUNDS[theme], flipped=True), GROUNDS[theme]) >= GRAPHICS


def test_the_answer_at_the_step_at_hand_is_larger() -> None:
    for text in vega.layers(drawn(STEPS), "text"):
        size = text["encoding"]["size"]
        assert "here" in size["condition"]["test"]
        assert size["condition"]["value"] > size["value"]


@pytest.mark.parametrize("steps", CHARTS.values(), ids=CHARTS)
def test_no_parameter_could_remount_the_chart(steps: list[VariedPrediction]) -> None:
    assert vega.names(drawn(steps)) == []


@pytest.mark.parametrize("steps", CHARTS.values(), ids=CHARTS)
def test_the_same_steps_make_the_same_chart(steps: list[VariedPrediction]) -> None:
    assert drawn(steps) == drawn(steps)


def test_without_a_step_nothing_is_drawn() -> None:
    assert rows([]) == []
