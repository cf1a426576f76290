"""Links say exactly what was put into them, stay short, mean the same for ever, and are refused in one line."""

from collections.abc import Callable
from functools import partial
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mnistnet import links
from mnistnet.errors import BadInput
from mnistnet.links import LinkError, decode_design, decode_recipe, encode_design, encode_recipe
from mnistnet.nets.architecture import (
    MAX_CHANNELS,
    MAX_LAYERS,
    MAX_NAME,
    Architecture,
    AvgPool,
    Conv,
    Depthwise,
    Dropout,
    Dropout2d,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
)
from mnistnet.nets.presets import PRESETS
from mnistnet.training.recipe import Recipe
from tests.support.random_designs import designs

LONGEST_PRESET = 500

# Links of version 1, as people have them. They never change: a preset that does leaves its link and design here.
GOLDEN = {
    "plain-16k": (
        "1~c16k3s1p1-br0_m2_c16k3s1p1-br0_c16k3s1p1-br0_c16k3s1p1-br0_m2_c24k3s1p1-br0_c24k3s1p1-br0_g_"
        "c10k1s1p0i-0~plain-16k"
    ),
    "mnistnet-16k": (
        "1~c16k3s1p1-br0_m2_wk3s1p1-0_c32k1s1p0-br0_wk3s1p1-0_c32k1s1p0-br0_wk3s1p1-0_c48k1s1p0-br0_wk3s1p1-0_"
        "c48k1s1p0-br0_wk3s1p1-0_c48k1s1p0-br0_wk3s1p1-0_c48k1s1p0-br0_wk3s1p1-0_c48k1s1p0-br0_g_"
        "c10k1s1p0i-0~mnistnet-16k"
    ),
    "mnistnet-10k": (
        "1~c16k3s1p1-br0_m2_wk3s1p1-0_c32k1s1p0-br0_wk3s1p1-0_c32k1s1p0-br0_wk3s1p1-0_c32k1s1p0-br0_wk3s1p1-0_"
        "c32k1s1p0-br0_wk3s1p1-0_c32k1s1p0-br0_wk3s1p1-0_c32k1s1p0-br0_wk3s1p1-0_c32k1s1p0-br0_g_"
        "c10k1s1p0i-0~mnistnet-10k"
    ),
    "mnistnet-8k": (
        "1~c16k3s1p1-br0_m2_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_"
        "c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_c32k1s1p0-br0_wk3s1p1-0_c32k1s1p0-br0_wk3s1p1-0_"
        "c32k1s1p0-br0_wk3s1p1-0_c32k1s1p0-br0_g_c10k1s1p0i-0~mnistnet-8k"
    ),
    "mnistnet-4k": (
        "1~c16k3s1p1-br0_m2_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_"
        "c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_"
        "c16k1s1p0-br0_g_c10k1s1p0i-0~mnistnet-4k"
    ),
    "mnistnet-min": (
        "1~c16k3s1p1-br0_m2_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_wk3s1p1-0_"
        "c16k1s1p0-br0_wk3s1p1-0_c16k1s1p0-br0_g_c10k1s1p0i-0~mnistnet-min"
    ),
    "course-10216": (
        "1~c8k3s1p0-dbr0.05_c8k3s1p0-dbr0.05_c8k3s1p0-dbr0.05_c8k3s1p0-dbr0.05_m2_c16k3s1p0-dbr0.05_"
        "c16k3s1p0-dbr0.05_c16k3s1p0-dbr0.05_c16k3s1p0-dbr0.05_c10k1s1p0-0_g~course-10216"
    ),
    "course-19290": (
        "1~c16k3s1p1i-rb0_c16k3s1p0i-rb0_m2_d0.25_c16k3s1p1i-rb0_c32k3s1p1i-rb0_c16k3s2p1i-rb0_m2_d0.25_"
        "c32k3s1p1i-rb0_m2_d0.25_l10~course-19290"
    ),
    "course-10040": (
        "1~c8k3s1p1-brd0.05_c16k3s1p1-brd0.05_c16k3s1p1-brd0.05_m2_c8k1s1p0-brd0.05_c16k3s1p1-brd0.05_"
        "c16k3s1p1-brd0.05_m2_c8k1s1p0-brd0.05_c16k3s1p0-brd0.05_c10k3s1p0-0_g~course-10040"
    ),
    "course-19122": (
        "1~c16k3s1p1i-rbD0.05_c32k3s1p1i-rbD0.05_m2_c8k1s1p0i-0_c16k3s1p1i-rbD0.05_c32k3s1p1i-rbD0.05_m2_"
        "c16k1s1p0i-0_c32k3s1p0i-rD0.05_c10k3s1p0i-0_a3~course-19122"
    ),
    "course-18738": (
        "1~c128k3s1p1i-rbD0.05_c8k1s1p1i-0_c16k3s1p1i-rbD0.05_m2_c16k3s1p1i-rbD0.05_c32k3s1p1i-rbD0.05_m2_"
        "c16k1s1p1i-0_c16k3s1p1i-rbD0.05_c32k3s1p1i-rbD0.05_c10k1s1p1i-0_a11~course-18738"
    ),
}


def _conv(channels: int, kernel: int = 3) -> Conv:
    return Conv(channels=channels, kernel=kernel, padding=kernel // 2, after=("batchnorm", "relu"))


def _separable(*widths: int) -> list[Layer]:
    depthwise = Depthwise(kernel=3, padding=1, after=("batchnorm",))
    return [layer for width in widths for layer in (depthwise, _conv(width, 1))]


def _former(name: str, *layers: Layer) -> Architecture:
    head = (GlobalAvgPool(), Conv(channels=10, kernel=1, bias=True))
    return Architecture(name=name, layers=(_conv(16), MaxPool(size=2), *layers, *head))


# What presets were until November 2026: links to them are still about.
FORMER = {
    "mnistnet-16k": (
        "1~c16k3s1p1-br0_m2_c16k3s1p1-br0_c16k3s1p1-br0_c16k3s1p1-br0_m2_c24k3s1p1-br0_c24k3s1p1-br0_g_"
        "c10k1s1p0i-0~mnistnet-16k"
    ),
    "mnistnet-10k": (
        "1~c16k3s1p1-br0_m2_wk3s1p1-b0_c32k1s1p0-br0_wk3s1p1-b0_c32k1s1p0-br0_wk3s1p1-b0_c32k1s1p0-br0_"
        "wk3s1p1-b0_c32k1s1p0-br0_wk3s1p1-b0_c32k1s1p0-br0_wk3s1p1-b0_c32k1s1p0-br0_g_c10k1s1p0i-0~mnistnet-10k"
    ),
    "mnistnet-8k": (
        "1~c16k3s1p1-br0_m2_wk3s1p1-b0_c32k1s1p0-br0_wk3s1p1-b0_c32k1s1p0-br0_wk3s1p1-b0_c32k1s1p0-br0_"
        "wk3s1p1-b0_c32k1s1p0-br0_wk3s1p1-b0_c32k1s1p0-br0_g_c10k1s1p0i-0~mnistnet-8k"
    ),
    "mnistnet-4k": (
        "1~c16k3s1p1-br0_m2_wk3s1p1-b0_c16k1s1p0-br0_wk3s1p1-b0_c16k1s1p0-br0_wk3s1p1-b0_c16k1s1p0-br0_"
        "wk3s1p1-b0_c20k1s1p0-br0_wk3s1p1-b0_c20k1s1p0-br0_wk3s1p1-b0_c20k1s1p0-br0_g_c10k1s1p0i-0~mnistnet-4k"
    ),
    "mnistnet-min": (
        "1~c16k3s1p1-br0_m2_wk3s1p1-b0_c16k1s1p0-br0_wk3s1p1-b0_c16k1s1p0-br0_wk3s1p1-b0_c16k1s1p0-br0_"
        "wk3s1p1-b0_c16k1s1p0-br0_wk3s1p1-b0_c16k1s1p0-br0_g_c10k1s1p0i-0~mnistnet-min"
    ),
}
FORMER_DESIGNS = (
    _former("mnistnet-16k", *[_conv(16)] * 3, MaxPool(size=2), *[_conv(24)] * 2),
    _former("mnistnet-10k", *_separable(*[32] * 6)),
    _former("mnistnet-8k", *_separable(*[32] * 5)),
    _former("mnistnet-4k", *_separable(16, 16, 16, 20, 20, 20)),
    _former("mnistnet-min", *_separable(*[16] * 5)),
)

GOLDEN_OF_DEPTHWISE = "1~wk3s1p1-b0_wk5s2p2i-bD0.25_c10k1s1p0-0~deep"
DEPTHWISE = Architecture(
    name="deep",
    layers=(
        Depthwise(kernel=3, padding=1, after=("batchnorm",)),
        Depthwise(kernel=5, stride=2, padding=2, bias=True, after=("batchnorm", "dropout2d"), dropout=0.25),
        Conv(channels=10, kernel=1),
    ),
)
GOLDEN_OF_ALL_PARTS = "1~c512k7s2p3i-bdrD0.125_c1k1s1p0-0_m28_a3_d0.5_D1e-05_g_l12n_l10~naïve ~ 網_1~2"
ALL_PARTS = Architecture(
    name="naïve ~ 網_1~2",
    layers=(
        Conv(
            channels=512,
            kernel=7,
            stride=2,
            padding=3,
            bias=True,
            after=("batchnorm", "dropout", "relu", "dropout2d"),
            dropout=0.125,
        ),
        Conv(channels=1, kernel=1, stride=1, padding=0, bias=False, after=(), dropout=0.0),
        MaxPool(size=28),
        AvgPool(size=3),
        Dropout(rate=0.5),
        Dropout2d(rate=0.00001),
        GlobalAvgPool(),
        Linear(features=12, bias=False),
        Linear(features=10, bias=True),
    ),
)

GOLDEN_RECIPE_1 = (
    "1~kmnist~course~7~2048~adamw~1e-06~cosine~0.85~0.25~0.1~45~0.015625~0.5~0.9999~2147483647~64~cuda~bf16"
)
GOLDEN_RECIPE_2 = (
    "2~kmnist~course~7~2048~adamw~1e-06~cosine~0.85~0.25~0.1~45~0.015625~0.5~0.9999~2147483647~64~cuda~bf16~3"
)
GOLDEN_RECIPE = (
    "3~kmnist~course~7~2048~adamw~1e-06~cosine~0.85~0.25~0.1~45~0.015625~0.5~0.9999~2147483647~64~cuda~bf16~3~0.75"
)
FULL_RECIPE = Recipe(
    dataset="kmnist",
    protocol="course",
    epochs=7,
    batch_size=2048,
    optimizer="adamw",
    learning_rate=0.000001,
    schedule="cosine",
    momentum=0.85,
    weight_decay=0.25,
    label_smoothing=0.1,
    rotation_degrees=45.0,
    shift=0.015625,
    scale=0.5,
    averaging=0.9999,
    seed=2_147_483_647,
    threads=64,
    device="cuda",
    precision="bf16",
    calm_epochs=3,
    bend=0.75,
)

DESIGN, RECIPE = "1~c16k3s1p1-br0_g~net", encode_recipe(Recipe())


def random_recipe(seed: int) -> Recipe:
    random = Random(seed)
    share = partial(random.choice, (0.0, 0.1, 0.5, random.random() / 2, random.random() * 1e-9))
    below_one = partial(random.choice, (0.0, 0.9, 0.9999, random.random(), random.random() * 1e-9))
    return Recipe(
        dataset=random.choice(("mnist", "fashion", "kmnist", "digits")),
        protocol=random.choice(("holdout", "course")),
        epochs=random.randint(1, 100),
        batch_size=random.randint(8, 2048),
        optimizer=random.choice(("sgd", "adam", "adamw")),
        learning_rate=random.choice((0.2, 10.0, 1e-6, 1 - random.random())),
        schedule=random.choice(("onecycle", "cosine", "constant")),
        momentum=below_one(),
        weight_decay=random.choice((0.0, 5e-4, 1.0, random.random())),
        label_smoothing=share(),
        rotation_degrees=random.choice((0.0, 45.0, random.random() * 45)),
        shift=share(),
        scale=share(),
        bend=random.choice((0.0, 0.7, 5.0, random.random() * 5)),
        averaging=below_one(),
        seed=random.randrange(2**31),
        threads=random.randint(0, 64),
        device=random.choice(("auto", "cpu", "cuda")),
        precision=random.choice(("auto", "fp32", "bf16")),
        calm_epochs=random.choice((0, 3, 100)),
    )


def design_with(layer: str) -> str:
    return f"1~g_{layer}~net"


def recipe_with(field: str, value: str) -> str:
    """The default recipe's link with another text in one field's place."""
    parts = RECIPE.split("~")
    parts[1 + links._RECIPES[parts[0]].index(field)] = value
    return "~".join(parts)


# What comes back


@pytest.mark.bar("D1")
def test_a_thousand_random_designs_come_back_as_they_were() -> None:
    changed = [design for design in designs(1000, seed=41) if decode_design(encode_design(design)) != design]
    assert changed == []


def test_a_thousand_random_recipes_come_back_as_they_were() -> None:
    recipes = map(random_recipe, range(1000))
    changed = [recipe for recipe in recipes if decode_recipe(encode_recipe(recipe)) != recipe]
    assert changed == []


@pytest.mark.parametrize("name", ["~", "a~b~c", "_", "1~c16k3s1p1-0~x", "&design=1#<script>", "%7E", "x" * MAX_NAME])
def test_a_name_of_any_letters_comes_back(name: str) -> None:
    design = decode_design(DESIGN).renamed(name)
    assert decode_design(encode_design(design)) == design


def test_the_longest_possible_design_still_fits_into_a_link() -> None:
    rate = 0.12345678901234566e-5
    conv = Conv(
        channels=MAX_CHANNELS,
        kernel=7,
        stride=2,
        padding=3,
        bias=True,
        after=("batchnorm", "relu", "dropout", "dropout2d"),
        dropout=rate,
    )
    design = Architecture(name="x" * MAX_NAME, layers=(conv,) * MAX_LAYERS)
    assert decode_design(encode_design(design)) == design


@pytest.mark.bar("D1")
@pytest.mark.parametrize("name", PRESETS)
def test_the_link_of_a_preset_is_short_even_when_escaped(name: str) -> None:
    assert len(quote(encode_design(PRESETS[name].architecture))) <= LONGEST_PRESET


@pytest.mark.parametrize("name", PRESETS)
def test_the_link_of_a_preset_needs_no_escaping(name: str) -> None:
    link = encode_design(PRESETS[name].architecture)
    assert quote(link) == link


def test_the_link_of_a_recipe_needs_no_escaping() -> None:
    assert quote(GOLDEN_RECIPE) == GOLDEN_RECIPE


# What a link means, whatever the defaults become


@pytest.mark.parametrize("name", GOLDEN)
def test_an_old_link_to_a_preset_gives_that_preset(name: str) -> None:
    assert decode_design(GOLDEN[name]) == PRESETS[name].architecture


@pytest.mark.parametrize("design", FORMER_DESIGNS, ids=lambda design: design.name)
def test_an_old_link_to_what_a_preset_was_gives_what_it_was(design: Architecture) -> None:
    assert decode_design(FORMER[design.name]) == design
    assert design != PRESETS[design.name].architecture


def test_every_preset_has_an_old_link_here() -> None:
    assert set(GOLDEN) == set(PRESETS)


@pytest.mark.bar("D3")
def test_an_old_link_with_every_part_gives_the_design_it_was_made_from() -> None:
    assert decode_design(GOLDEN_OF_ALL_PARTS) == ALL_PARTS
    assert decode_design(GOLDEN_OF_DEPTHWISE) == DEPTHWISE


def test_an_old_link_with_every_field_gives_the_recipe_it_was_made_from() -> None:
    assert decode_recipe(GOLDEN_RECIPE) == FULL_RECIPE
    assert decode_recipe(GOLDEN_RECIPE_2) == FULL_RECIPE.changed(bend=0.0)
    assert decode_recipe(GOLDEN_RECIPE_1) == FULL_RECIPE.changed(calm_epochs=0, bend=0.0)


def test_a_design_link_leaves_no_field_to_a_default() -> None:
    design = decode_design(GOLDEN_OF_ALL_PARTS)
    left = {
        (kind.__name__, field)
        for kind, given in [(type(part), part.model_fields_set) for part in (design, *design.layers)]
        for field in set(kind.model_fields) - given
    }
    assert left == set()


def test_a_recipe_link_leaves_no_field_to_a_default() -> None:
    for link in (GOLDEN_RECIPE_1, GOLDEN_RECIPE_2, GOLDEN_RECIPE):
        assert decode_recipe(link).model_fields_set == set(Recipe.model_fields)


def test_links_are_still_written_as_they_were() -> None:
    assert (encode_design(ALL_PARTS), encode_recipe(FULL_RECIPE)) == (GOLDEN_OF_ALL_PARTS, GOLDEN_RECIPE)
    assert encode_design(DEPTHWISE) == GOLDEN_OF_DEPTHWISE


# What is refused, and in which words

BAD_DESIGNS = {
    "": "^design link '': the link is incomplete; copy it again$",
    "garbage": "^design link 'garbage': the link is incomplete",
    "~~": "^design link '~~': the link is incomplete",
    "1": "^design link '1': the link is incomplete",
    "1~c16k3s1p1-br0_g": "^design link .*: the link is incomplete",
    "<script>alert(1)</script>": "^design link '<script>.*': the link is incomplete",
    "2~c16k3s1p1-br0_g~net": "^design link version '2': this mnistnet reads version 1; update it$",
    "2~something quite new": "^design link version '2'",
    "10~g~net": "^design link version '10'",
    "\N{ARABIC-INDIC DIGIT ONE}~g~net": "^design link version '.u0661'",
    "1~~net": "^design link, layer 1: '' is no layer; copy the link again$",
    "1~g_~net": "^design link, layer 2: '' is no layer",
    "1~g~": "^design link, name='': empty; write at least 1 character$",
    "1~g~a\nb": "^design link, name='a.nb': only printable characters are allowed",
    "1~g~a\ud800b": "^design link, name=.*: not valid Unicode",
    "1~g~" + "x" * 81: "^design link, name=.*: choose at most 80 characters$",
    "1~" + "_".join("g" * 65) + "~net": "^design link, layers: at most 64 are allowed; remove some$",
    "1~g~" + "x" * 5000: "^design link: 5,004 characters: at most 4,000 are allowed; copy it again$",
    "1" * 3999: "^design link version '1",
}


@pytest.mark.bar("F10")
@pytest.mark.parametrize("link", BAD_DESIGNS, ids=lambda link: ascii(link[:24]))
def test_a_link_that_is_no_design_says_which_part_is_wrong(link: str) -> None:
    with pytest.raises(LinkError, match=BAD_DESIGNS[link]):
        decode_design(link)


BAD_LAYERS = {
    "c16k3s1p1": "is no layer",
    "c16k3s1p1-": "is no layer",
    "c16k3s1p1-0-0": "is no layer",
    "c-16k3s1p1-0": "is no layer",
    "c16k3s1p1j-0": "is no layer",
    "c16k3s1p1-x0": "is no layer",
    "C16k3s1p1-0": "is no layer",
    "c1e2k3s1p1-0": "is no layer",
    "c16.0k3s1p1-0": "is no layer",
    "c9999999999k3s1p1-0": "is no layer",
    "c\N{ARABIC-INDIC DIGIT ONE}k3s1p1-0": "is no layer",
    "c16k3s1p1-\N{FULLWIDTH DIGIT ZERO}": "is no layer",
    "c16k3s1p1-0 ": "is no layer",
    "c16k3s1p1-0\n": "is no layer",
    "c16k3s1p1-dnan": "is no layer",
    "c16k3s1p1-d1.2.3": "is no layer",
    "c16k3s1p1-d.": "is no layer",
    "m": "is no layer",
    "m2.5": "is no layer",
    "m2n": "is no layer",
    "m\N{SUPERSCRIPT TWO}": "is no layer",
    "a": "is no layer",
    "d": "is no layer",
    "dnan": "is no layer",
    "dinf": "is no layer",
    "d-0.1": "is no layer",
    "d0.1n": "is no layer",
    "g5": "is no layer",
    "gn": "is no layer",
    "l": "is no layer",
    "l10nn": "is no layer",
    "z3": "is no layer",
    "<script>": "is no layer",
    "DROP TABLE": "is no layer",
}


@pytest.mark.bar("F10")
@pytest.mark.parametrize("layer", BAD_LAYERS)
def test_a_part_that_is_no_layer_is_shown_with_its_number(layer: str) -> None:
    with pytest.raises(LinkError, match=r"^design link, layer 2: .* is no layer; copy the link again$") as error:
        decode_design(design_with(layer))
    assert ascii(layer) in str(error.value)


OUT_OF_RANGE = {
    "c0k3s1p1-0": "channels=0: choose at least 1",
    "c513k3s1p1-0": "channels=513: choose at most 512",
    "c999999999k3s1p1-0": "channels=999999999: choose at most 512",
    "c16k4s1p1-0": "kernel=4: choose one of 1, 3, 5, 7",
    "c16k3s3p1-0": "stride=3: choose one of 1, 2",
    "c16k3s1p4-0": "padding=4: choose one of 0, 1, 2, 3",
    "c16k3s1p1-1": "dropout=1.0: choose less than 1.0",
    "c16k3s1p1-d1e999": "dropout=inf: choose a finite number",
    "c16k3s1p1-brb0": "after=.*: each step at most once; remove the repeated one",
    "m1": "size=1: choose at least 2",
    "a29": "size=29: choose at most 28",
    "d1": "rate=1.0: choose less than 1.0",
    "D1e400": "rate=inf: choose a finite number",
    "l0": "features=0: choose at least 1",
}


@pytest.mark.bar("F10")
@pytest.mark.parametrize("layer", OUT_OF_RANGE)
def test_a_value_out_of_range_is_named_with_what_is_allowed(layer: str) -> None:
    with pytest.raises(LinkError, match=rf"^design link, layers\.1\.{OUT_OF_RANGE[layer]}$"):
        decode_design(design_with(layer))


BAD_RECIPES = {
    "": "^recipe link '': the link is incomplete; copy it again$",
    "garbage": "^recipe link 'garbage': the link is incomplete",
    "1~mnist": "^recipe link '1~mnist': the link is incomplete",
    RECIPE.rpartition("~")[0]: "^recipe link .*: the link is incomplete",
    "4" + RECIPE[1:]: "^recipe link version '4': this mnistnet reads versions up to 3; update it$",
    "4~short": "^recipe link version '4'",
    "3~short": "^recipe link '3~short': the link is incomplete",
    "2~short": "^recipe link '2~short': the link is incomplete",
    RECIPE + "~more": "^recipe link, bend='0~more': ",
    "1" + "~" * 4000: "^recipe link: 4,001 characters: at most 4,000 are allowed",
}


@pytest.mark.parametrize("link", BAD_RECIPES, ids=lambda link: ascii(link[:24]))
def test_a_link_that_is_no_recipe_says_which_part_is_wrong(link: str) -> None:
    with pytest.raises(LinkError, match=BAD_RECIPES[link]):
        decode_recipe(link)


@pytest.mark.bar("F10")
@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("dataset", "cifar", "'cifar': choose one of mnist, fashion, kmnist or digits"),
        ("dataset", "", "'': choose one of mnist"),
        ("dataset", "<script>", "'<script>': letters, digits, points, signs only; copy it again"),
        ("protocol", "HOLDOUT", "'HOLDOUT': choose one of holdout or course"),
        ("epochs", "0", "0: choose at least 1"),
        ("epochs", "101", "101: choose at most 100"),
        ("epochs", "18.5", "'18.5': write a number"),
        ("epochs", "", "'': write a number"),
        ("epochs", "9" * 3000, "9999.*: choose at most 100"),
        ("epochs", " 18", "' 18': letters, digits"),
        ("epochs", "1_8", "'1_8': letters, digits"),
        ("epochs", "\N{ARABIC-INDIC DIGIT ONE}8", "'.u06618': letters, digits"),
        ("epochs", "<img src=x onerror=alert(1)>", "'<img .*': letters, digits"),
        ("batch_size", "7", "7: choose at least 8"),
        ("batch_size", "-8", "-8: choose at least 8"),
        ("learning_rate", "nan", "nan: choose a finite number"),
        ("learning_rate", "inf", "inf: choose a finite number"),
        ("learning_rate", "1e999", "inf: choose a finite number"),
        ("learning_rate", "0", "0.0: choose more than 0"),
        ("learning_rate", "fast", "'fast': write a number"),
        ("momentum", "1", "1.0: choose less than 1"),
        ("shift", "0.51", "0.51: choose at most 0.5"),
        ("seed", "2147483648", "2147483648: choose less than 2147483648"),
        ("threads", "65", "65: choose at most 64"),
        ("device", "tpu", "'tpu': choose one of auto, cpu or cuda"),
        ("precision", "\0", "'.x00': letters, digits"),
    ],
    ids=lambda text: text[:16],
)
def test_a_field_that_cannot_be_is_named_with_what_is_allowed(field: str, value: str, message: str) -> None:
    with pytest.raises(LinkError, match=f"^recipe link, {field}={message}"):
        decode_recipe(recipe_with(field, value))


def test_a_link_error_is_bad_input() -> None:
    assert issubclass(LinkError, BadInput)


def test_the_longest_link_is_read_and_one_letter_more_is_not() -> None:
    at_most = "1~" + "g" * (links.MAX_CHARACTERS - 2)
    with pytest.raises(LinkError, match="incomplete"):
        decode_design(at_most)
    with pytest.raises(LinkError, match="4,001 characters"):
        decode_design(at_most + "g")


# Whatever is typed into the address bar

NEAR_MISS = st.lists(st.sampled_from([*"0123456789~_-.ibrdDcksplmagn\u0661é\n\0", "c16k3s1p1-br0", "1~", "~net"])).map(
    "".join
)
NUMBER = st.one_of(st.integers(), st.floats(), st.text(max_size=4)).map(str)
RECIPE_LIKE = st.lists(NUMBER, min_size=18, max_size=18).map(lambda values: "~".join(["1", *values]))
DESIGN_LIKE = st.builds("1~c{}k{}s{}p{}-br{}_m{}_l{}~{}".format, *[NUMBER] * 7, st.text())


def answer(decode: Callable[[str], object], text: str) -> str:
    """The refusal, or a word for no refusal. Anything but a LinkError comes through and fails the test."""
    try:
        decode(text)
    except LinkError as error:
        return str(error)
    return "decoded"


@pytest.mark.bar("F10")
@given(st.one_of(st.text(), NEAR_MISS, NEAR_MISS.map("1~{}~net".format), DESIGN_LIKE))
@example("1~" + "9" * 3990 + "~n")
@example("1~c" + "9" * 3900 + "k3s1p1-0~n")
@example("1~d" + "9" * 3900 + "~n")
@example("1~d" + "." * 3900 + "~n")
@example("1~\ud800~n")
@settings(max_examples=250, deadline=None)
def test_any_text_is_a_design_or_a_link_error_of_one_line(text: str) -> None:
    assert answer(decode_design, text).isprintable()


@pytest.mark.bar("F10")
@given(st.one_of(st.text(), NEAR_MISS, RECIPE_LIKE))
@example("1" + "~1" * 18)
@example("1" + "~\ud800" * 18)
@settings(max_examples=250, deadline=None)
def test_any_text_is_a_recipe_or_a_link_error_of_one_line(text: str) -> None:
    assert answer(decode_recipe, text).isprintable()
