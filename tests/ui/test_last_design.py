"""What a browser gives back as its last design: checked like a link, whatever it is."""

import json
from typing import Any

import pytest

from mnistnet import links
from mnistnet.errors import MnistnetError
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.training.recipe import Recipe
from mnistnet.ui.design.starting import last_design

DESIGN, RECIPE = links.encode_design(FIRST.architecture), links.encode_recipe(Recipe())


@pytest.mark.parametrize("name", PRESETS)
def test_what_was_kept_comes_back_as_it_was(name: str) -> None:
    design, recipe = PRESETS[name].architecture, Recipe(epochs=7)
    kept = json.dumps({"design": links.encode_design(design), "recipe": links.encode_recipe(recipe)})
    assert last_design.read(kept) == (design, recipe)


@pytest.mark.parametrize(
    "kept",
    [
        None,
        3,
        ["1~g~x"],
        "",
        "rubbish",
        "[]",
        "{}",
        "[" * 3_000,
        json.dumps({"design": DESIGN}),
        json.dumps({"design": 1, "recipe": RECIPE}),
        json.dumps({"design": DESIGN, "recipe": None}),
        json.dumps({"design": "1~c999999k3s1p1-0~x", "recipe": RECIPE}),
        json.dumps({"design": DESIGN, "recipe": "3~mnist~holdout~nan"}),
        json.dumps({"design": "<script>alert(1)</script>", "recipe": RECIPE}),
        json.dumps({"design": DESIGN + "x" * 5_000, "recipe": RECIPE}),
    ],
    ids=lambda kept: repr(kept)[:30],
)
def test_anything_else_is_refused_in_one_line(kept: Any) -> None:
    with pytest.raises(MnistnetError) as error:
        last_design.read(kept)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400
