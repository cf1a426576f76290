"""Designs and recipes as short texts for the address bar. Versioned; every field is written out, so a
link means the same after defaults change. Owns no address: see `ui.state`."""

import re
from collections.abc import Callable
from typing import Any

from mnistnet.errors import BadInput
from mnistnet.nets.architecture import (
    Architecture,
    AvgPool,
    Conv,
    Depthwise,
    DesignError,
    Dropout,
    Dropout2d,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    strict_architecture,
)
from mnistnet.strict_json import shown
from mnistnet.training import recipe as recipes
from mnistnet.training.recipe import Recipe, RecipeError

MAX_CHARACTERS = 4000

# Of each version of the recipe link: its fields, in their order. A new field needs a new version.
_RECIPE_1 = (
    "dataset",
    "protocol",
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "schedule",
    "momentum",
    "weight_decay",
    "label_smoothing",
    "rotation_degrees",
    "shift",
    "scale",
    "averaging",
    "seed",
    "threads",
    "device",
    "precision",
)
_RECIPES = {"1": _RECIPE_1, "2": (*_RECIPE_1, "calm_epochs"), "3": (*_RECIPE_1, "calm_epochs", "bend")}
_LATEST = "3"
_UNSAID = {"calm_epochs": 0, "bend": 0.0}  # what an older link means by saying nothing
_STEP_LETTERS = {"b": "batchnorm", "r": "relu", "d": "dropout", "D": "dropout2d"}
_LETTER_OF_STEP = {step: letter for letter, step in _STEP_LETTERS.items()}
_WHOLE = "([0-9]{1,9})"
_RATE = r"([0-9.]+(?:e-?[0-9]+)?)"
_VALUE = re.compile("[a-zA-Z0-9.+-]*")  # int() and float() also take underscores, spaces and any script's digits


class LinkError(BadInput):
    """A link that cannot be read; the message names the part that is wrong."""


def encode_design(architecture: Architecture) -> str:
    """The design as text: version, layers, name. `1~c16k3s1p1-br0_m2_g~my net`; at most a few hundred letters."""
    layers = "_".join(_WRITERS[type(layer)](layer) for layer in architecture.layers)
    return f"1~{layers}~{architecture.name}"


def decode_design(text: str) -> Architecture:
    """The design in a link's text; LinkError names the part that is wrong."""
    layers, name = _parts("design", text, 2)
    parts = [_read_layer(number, part) for number, part in enumerate(layers.split("_"), 1)]
    try:
        return strict_architecture({"version": 1, "name": name, "layers": parts})
    except DesignError as error:
        raise LinkError(f"design link, {error}") from None


def encode_recipe(recipe: Recipe) -> str:
    """The recipe as text: version, then every field's value in a fixed order."""
    return "~".join([_LATEST, *(_plain(getattr(recipe, name)) for name in _RECIPES[_LATEST])])


def decode_recipe(text: str) -> Recipe:
    """The recipe in a link's text; LinkError names the field that is wrong."""
    given = text.partition("~")[0]
    version = given if given in _RECIPES else _LATEST
    names = _RECIPES[version]
    values = _parts("recipe", text, len(names), version)
    for name, value in zip(names, values, strict=True):
        if not _VALUE.fullmatch(value):
            raise LinkError(f"recipe link, {name}={shown(value)}: letters, digits, points, signs only; copy it again")
    try:
        fields = dict(recipes.assignment(f"{name}={value}") for name, value in zip(names, values, strict=True))
        return recipes.recipe({**_UNSAID, **fields})
    except RecipeError as error:
        raise LinkError(f"recipe link, {error}") from None


def _parts(kind: str, text: str, count: int, version: str = "1") -> list[str]:
    """What follows the version, in `count` parts; the last one may contain the separator."""
    if len(text) > MAX_CHARACTERS:
        raise LinkError(f"{kind} link: {len(text):,} characters: at most {MAX_CHARACTERS:,} are allowed; copy it again")
    given, *parts = text.split("~", count)
    if given != version and given.isdecimal():
        known = "version 1" if version == "1" else f"versions up to {version}"
        raise LinkError(f"{kind} link version {shown(given)}: this mnistnet reads {known}; update it")
    if given != version or len(parts) != count:
        raise LinkError(f"{kind} link {shown(text)}: the link is incomplete; copy it again")
    return parts


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _write_window(layer: Conv | Depthwise) -> str:
    steps = "".join(_LETTER_OF_STEP[step] for step in layer.after)
    bias = "i" if layer.bias else ""
    return f"k{layer.kernel}s{layer.stride}p{layer.padding}{bias}-{steps}{_plain(layer.dropout)}"


_WRITERS: dict[type[Layer], Callable[[Any], str]] = {
    Conv: lambda conv: f"c{conv.channels}{_write_window(conv)}",
    Depthwise: lambda conv: f"w{_write_window(conv)}",
    MaxPool: lambda pool: f"m{pool.size}",
    AvgPool: lambda pool: f"a{pool.size}",
    Dropout: lambda drop: f"d{_plain(drop.rate)}",
    Dropout2d: lambda drop: f"D{_plain(drop.rate)}",
    GlobalAvgPool: lambda _: "g",
    Linear: lambda linear: f"l{linear.features}{'' if linear.bias else 'n'}",
}


def _read_window(kernel: str, stride: str, padding: str, bias: str, steps: str, rate: str) -> dict[str, Any]:
    return {
        "kernel": int(kernel),
        "stride": int(stride),
        "padding": int(padding),
        "bias": bool(bias),
        "after": [_STEP_LETTERS[letter] for letter in steps],
        "dropout": float(rate),
    }


_WINDOW = rf"k{_WHOLE}s{_WHOLE}p{_WHOLE}(i?)-([brdD]*){_RATE}"
_READERS: dict[re.Pattern[str], Callable[..., dict[str, Any]]] = {
    re.compile(f"c{_WHOLE}{_WINDOW}"): lambda channels, *window: {
        "type": "conv",
        "channels": int(channels),
        **_read_window(*window),
    },
    re.compile(f"w{_WINDOW}"): lambda *window: {"type": "depthwise", **_read_window(*window)},
    re.compile(f"m{_WHOLE}"): lambda size: {"type": "maxpool", "size": int(size)},
    re.compile(f"a{_WHOLE}"): lambda size: {"type": "avgpool", "size": int(size)},
    re.compile(f"d{_RATE}"): lambda rate: {"type": "dropout", "rate": float(rate)},
    re.compile(f"D{_RATE}"): lambda rate: {"type": "dropout2d", "rate": float(rate)},
    re.compile("g"): lambda: {"type": "globalavgpool"},
    re.compile(f"l{_WHOLE}(n?)"): lambda features, without: {
        "type": "linear",
        "features": int(features),
        "bias": not without,
    },
}


def _read_layer(number: int, text: str) -> dict[str, Any]:
    for pattern, reader in _READERS.items():
        if found := pattern.fullmatch(text):
            try:
                return reader(*found.groups())
            except ValueError:  # a rate such as 1.2.3
                break
    raise LinkError(f"design link, layer {number}: {shown(text)} is no layer; copy the link again")
