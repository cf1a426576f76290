"""Spaces: what values make of a design and a recipe, and which spaces are refused."""

from typing import Any

import pytest

from mnistnet.nets.architecture import Conv
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.summary import summarize
from mnistnet.search import space as spaces
from mnistnet.search.ready import READY
from mnistnet.search.search import Search, SearchError, parse, require_usable, strict_search
from mnistnet.training.presets import RECIPES
from mnistnet.training.recipe import recipe
from tests.support.samples import TINY
from tests.support.searches import a_search

START: dict[str, Any] = {"name": "s", "design": TINY, "recipe": recipe({"epochs": 1, "dataset": "digits"})}


def searching(*space: dict[str, Any], **fields: Any) -> Search:
    found = strict_search({**START, "space": space, **fields})
    require_usable(found)
    return found


def proposed(search: Search, **values: Any) -> Any:
    start = spaces.starting_values(search.design, search.recipe, search.space)
    named = dict(zip([choice.name for choice in search.space], values.values(), strict=True))
    return spaces.proposal(search.design, search.recipe, search.space, {**start, **named})


def test_each_kind_of_choice_changes_its_own_place_and_nothing_else() -> None:
    search = searching(
        {"vary": "width", "layer": 0, "low": 4, "high": 16},
        {"vary": "repeat", "layer": 2, "low": 0, "high": 3},
        {"vary": "setting", "layer": 2, "field": "dropout", "options": [0.0, 0.1, 0.2]},
        {"vary": "recipe range", "field": "learning_rate", "low": 0.01, "high": 1.0, "log": True},
        {"vary": "recipe", "field": "batch_size", "options": [64, 128]},
    )
    design, chosen = proposed(search, width=5, repeat=2, dropout=0.2, rate=0.5, batch=64)
    first, pool, *twice, mean, outputs = design.layers
    assert first == TINY.layers[0].model_copy(update={"channels": 5})
    assert twice == [TINY.layers[2].model_copy(update={"dropout": 0.2})] * 2
    assert (pool, mean, outputs) == (TINY.layers[1], TINY.layers[3], TINY.layers[4])
    assert chosen == search.recipe.changed(learning_rate=0.5, batch_size=64)


def test_a_kernel_brings_the_padding_that_keeps_the_maps_size_unless_padding_varies_itself() -> None:
    padded = list(TINY.layers)
    padded[2] = TINY.layers[2].model_copy(update={"padding": 1})
    start = TINY.with_layers(tuple(padded))
    kernel = {"vary": "setting", "layer": 2, "field": "kernel", "options": [1, 3, 5, 7]}
    for side in (1, 3, 5, 7):
        layer = proposed(searching(kernel, design=start), kernel=side)[0].layers[2]
        assert (layer.kernel, layer.padding) == (side, side // 2)
        layer = proposed(searching(kernel), kernel=side)[0].layers[2]
        assert (layer.kernel, layer.padding) == (side, 0), "its own padding makes the map smaller"
    padding = {"vary": "setting", "layer": 2, "field": "padding", "options": [0, 1]}
    for space in ((kernel, padding), (padding, kernel)):
        search = searching(*space, design=start)
        values = {"kernel of layer 3": 5, "padding of layer 3": 0}
        layer = spaces.proposal(search.design, search.recipe, search.space, values)[0].layers[2]
        assert isinstance(layer, Conv)
        assert (layer.kernel, layer.padding) == (5, 0)


def test_the_starting_values_give_the_starting_design() -> None:
    for name, ready in READY.items():
        search = ready.make(PRESETS["plain-16k"].architecture, recipe(RECIPES["plain-16k"].fields), 20_000)
        require_usable(search)
        values = spaces.starting_values(search.design, search.recipe, search.space)
        design, chosen = spaces.proposal(search.design, search.recipe, search.space, values)
        assert design == search.design, name
        assert chosen == search.recipe, name


@pytest.mark.parametrize("behind", [0, 2])
def test_a_pool_stands_behind_the_layer_that_the_value_names(behind: int) -> None:
    search = searching({"vary": "pooling", "layer": 1, "behind": [0, 2]})
    design, _ = proposed(search, place=behind)
    kinds = [layer.type for layer in design.layers]
    expected = {0: ["conv", "maxpool", "conv"], 2: ["conv", "conv", "maxpool"]}[behind]
    assert kinds == [*expected, "globalavgpool", "linear"]


def test_every_proposal_of_every_ready_made_search_of_every_preset_can_be_counted() -> None:
    for preset in PRESETS.values():
        for ready in READY.values():
            try:
                search = ready.make(preset.architecture, recipe({}), max(20_000, preset.params + 1))
            except SearchError:
                continue  # there is no pool to move
            for choice in search.space:
                for value in getattr(choice, "options", ()):
                    values = spaces.starting_values(search.design, search.recipe, search.space)
                    design, _ = spaces.proposal(
                        search.design, search.recipe, search.space, {**values, choice.name: value}
                    )
                    assert summarize(design).rows


REFUSED = {
    "a layer that is not there": (
        {"vary": "width", "layer": 9, "low": 1, "high": 2},
        "layer 9: the design has 5, from 0",
    ),
    "a layer without a width": (
        {"vary": "width", "layer": 1, "low": 1, "high": 2},
        "a maxpool there has no width of its own",
    ),
    "the outputs": ({"vary": "width", "layer": 4, "low": 1, "high": 2}, "gives the 10 outputs"),
    "no range": ({"vary": "width", "layer": 0, "low": 5, "high": 5}, "choose a low below high"),
    "a width of 0": ({"vary": "width", "layer": 0, "low": 0, "high": 5}, "space.0.low=0: choose at least 1"),
    "no pool": ({"vary": "pooling", "layer": 0, "behind": [1, 2]}, "only a maxpool can be moved"),
    "behind itself": ({"vary": "pooling", "layer": 1, "behind": [1, 2]}, "behind 1: no other layer has this number"),
    "an unknown setting": ({"vary": "setting", "layer": 0, "field": "size", "options": [1, 2]}, "no such setting"),
    "a setting out of bounds": (
        {"vary": "setting", "layer": 0, "field": "kernel", "options": [3, 4]},
        "choose one of 1, 3, 5, 7",
    ),
    "an unknown field": ({"vary": "recipe", "field": "speed", "options": [1, 2]}, "recipe field 'speed': cannot vary"),
    "the seed": ({"vary": "recipe", "field": "seed", "options": [1, 2]}, "recipe field 'seed': cannot vary"),
    "a range of a whole number": (
        {"vary": "recipe range", "field": "batch_size", "low": 8.0, "high": 9.0},
        "give options instead",
    ),
    "a rate beyond its bounds": (
        {"vary": "recipe range", "field": "learning_rate", "low": 1.0, "high": 11.0},
        "learning_rate=11.0",
    ),
    "a logarithm of 0": ({"vary": "recipe range", "field": "bend", "low": 0.0, "high": 1.0, "log": True}, "above 0"),
    "an unknown kind": ({"vary": "depth", "layer": 0}, "unknown type"),
    "an unknown field of a choice": (
        {"vary": "width", "layer": 0, "low": 1, "high": 2, "most": 3},
        "unknown field; remove it",
    ),
    "NaN": ({"vary": "recipe range", "field": "bend", "low": float("nan"), "high": 1.0}, "choose a finite number"),
}


@pytest.mark.parametrize(("choice", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_choice_that_cannot_be_used_is_named(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(SearchError) as error:
        searching(choice)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


WIDTH = {"vary": "width", "layer": 0, "low": 4, "high": 8}
UNFIT = {
    "two of one name": ({"space": [WIDTH, WIDTH]}, "varied twice; keep one"),
    "the test set": ({"recipe": recipe({"protocol": "course"})}, "would be chosen by it"),
    "two objectives without nsga2": ({"objective": "accuracy and parameters"}, "nsga2 is for two objectives"),
    "nsga2 with one": ({"sampler": "nsga2"}, "nsga2 is for two objectives"),
    "a pruner with two": (
        {"sampler": "nsga2", "objective": "accuracy and parameters", "pruner": "halving"},
        "not with two objectives",
    ),
    "a grid of reals": (
        {"sampler": "grid", "space": [{"vary": "recipe range", "field": "bend", "low": 0.0, "high": 1.0}]},
        "a grid needs options",
    ),
    "nothing that varies": ({"space": [], "trials": 3}, "nothing varies"),
    "no trials": ({"trials": 0}, "trials=0: choose at least 1"),
    "too many": ({"trials": 10_001}, "choose at most 10000"),
    "another version": ({"version": 2}, "this mnistnet reads version 1; update it"),
    "an unknown field": ({"seconds": 3}, "seconds: unknown field; remove it"),
}


@pytest.mark.parametrize(("fields", "message"), UNFIT.values(), ids=UNFIT.keys())
def test_a_search_that_could_not_run_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SearchError) as error:
        searching(*fields.pop("space", [WIDTH]), **fields)
    assert message in str(error.value)


def test_a_search_file_gives_the_search_again() -> None:
    search = a_search(budget={"params": 3000, "macs": 10_000_000})
    assert parse(search.to_json()) == search


def test_what_is_given_beside_a_file_replaces_its_fields() -> None:
    found = parse(a_search().to_json(), {"trials": 9}, {"epochs": 2}, 1234)
    assert (found.trials, found.recipe.epochs, found.budget.params) == (9, 2, 1234)
    assert found.recipe.batch_size == a_search().recipe.batch_size


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 1}', "[" * 100_000, '{"version": 1, "version": 1}', "\x00"]
)
def test_a_file_that_is_no_search_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SearchError) as error:
        parse(text)
    assert "\n" not in str(error.value)
