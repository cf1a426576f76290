"""The tables of layer types and steps: complete, without a name or letter that two share, and built by torch."""

from string import Formatter
from typing import get_args

import pytest

from mnistnet.nets.architecture import (
    LAYER_CLASSES,
    Architecture,
    Conv,
    Depthwise,
    Dropout,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    Step,
)
from mnistnet.nets.layer_types import LAYER_TYPES, SHORT_TITLES, STEP_TYPES, TITLES, caption, has_rate, own_width
from mnistnet.nets.network import build
from mnistnet.nets.summary import summarize

HEAD = (GlobalAvgPool(), Linear(features=10))


def test_every_layer_of_a_design_file_has_an_entry() -> None:
    assert {name: type(entry.new) for name, entry in LAYER_TYPES.items()} == LAYER_CLASSES


def test_every_step_of_a_design_file_has_an_entry() -> None:
    assert set(STEP_TYPES) == set(get_args(Step))


@pytest.mark.parametrize("name", LAYER_TYPES)
def test_a_link_has_every_field_once(name: str) -> None:
    fields = [field for _, field, _, _ in Formatter().parse(LAYER_TYPES[name].link) if field]
    assert sorted(fields) == sorted(set(LAYER_CLASSES[name].model_fields) - {"type"})


def test_no_two_types_have_the_same_letter() -> None:
    letters = [entry.link[0] for entry in LAYER_TYPES.values()]
    assert "".join(letters).isalpha()
    assert len(set(letters)) == len(letters)


def test_no_two_steps_have_the_same_letter() -> None:
    letters = [step.letter for step in STEP_TYPES.values()]
    assert all(len(letter) == 1 and letter.isalpha() for letter in letters)
    assert len(set(letters)) == len(letters)


def test_no_two_types_have_the_same_title() -> None:
    titles = [entry.title for entry in LAYER_TYPES.values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", sorted(set(STEP_TYPES) & set(LAYER_TYPES)))
def test_what_is_both_layer_and_step_has_one_title(name: str) -> None:
    layer, step = LAYER_TYPES[name], STEP_TYPES[name]
    assert (layer.title, layer.short) == (step.title, step.short)


@pytest.mark.parametrize("name", LAYER_TYPES)
def test_a_new_layer_fits_on_the_image_and_is_built(name: str) -> None:
    design = Architecture(name="n", layers=(LAYER_TYPES[name].new, *([] if LAYER_TYPES[name].flattens else HEAD)))
    assert [module for module, _ in build(design).named_children() if module == f"{name}_1"] == [f"{name}_1"]


@pytest.mark.parametrize("step", STEP_TYPES)
def test_a_step_is_built(step: Step) -> None:
    design = Architecture(name="n", layers=(Conv(channels=2, kernel=3, after=(step,)), *HEAD))
    assert [name for name, _ in build(design).named_children()][1] == f"{step}_1"


@pytest.mark.parametrize("name", [name for name, entry in LAYER_TYPES.items() if entry.after_linear])
def test_what_reads_maps_is_refused_behind_a_linear_layer(name: str) -> None:
    fault = summarize(Architecture(name="n", layers=(Linear(features=10), LAYER_TYPES[name].new))).fault
    assert fault is not None
    assert (fault.layer, fault.message) == (1, LAYER_TYPES[name].after_linear)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Conv(channels=16, kernel=3), "conv 3×3"),
        (Depthwise(kernel=5, stride=2), "depthwise 5×5, stride 2"),
        (MaxPool(size=2), "max pool"),
        (Linear(features=10), "fully connected"),
    ],
)
def test_a_caption_has_the_kernel_and_a_stride_other_than_1(layer: Layer, text: str) -> None:
    assert caption(layer) == text


def test_only_layers_that_say_how_many_channels_leave_have_a_width() -> None:
    layers = (Conv(channels=16, kernel=3), Linear(features=12), Depthwise(kernel=3), MaxPool(size=2), Dropout(rate=0.1))
    assert [own_width(layer) for layer in layers] == [16, 12, None, None, None]


def test_steps_say_whether_they_use_the_rate() -> None:
    assert [has_rate(steps) for steps in (("relu", "batchnorm"), ("relu", "dropout2d"), ())] == [False, True, False]


def test_titles_are_the_short_ones_where_there_is_no_shorter() -> None:
    assert (TITLES["batchnorm"], SHORT_TITLES["batchnorm"]) == ("batch norm", "BN")
    assert TITLES["maxpool"] == SHORT_TITLES["maxpool"] == "max pool"
