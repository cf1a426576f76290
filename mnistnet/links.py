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
    DesignError,
    Dropout,
    Dropout2d,
    GlobalAvgPool,
    Layer,
    Linear,
    MaxPool,
    strict_architecture,
)
from mnistnet.strict import shown
from mnistnet.training import recipe as recipes
from mnistnet.training.recipe import Recipe, RecipeError

MAX_CHARACTERS = 4000

# Version 1 of the recipe link: these fields in this order. A new field needs a new version.
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
_STEP_LETTERS = {"b": "batchnorm", "r": "relu", "d": "dropout", "D": "dropout2d"}
_LETTER_OF_STEP = {step: letter for letter, step in _STEP_LETTERS.items()}
_NUMBER = r"[0-9.]+(?:e-?[0-9]+)?"
_CONV = re.compile(rf"c(\d+)k(\d+)s(\d+)p(\d+)(i?)-([brdD]*)({_NUMBER})")
_OTHER = re.compile(rf"([madDgl])({_NUMBER})?(n?)")


class LinkError(BadInput):
    """A link that cannot be read; the message names the part that is wrong."""


def encode_design(architecture: Architecture) -> str:
    """The design as text: version, layers, name. `1~c16k3s1p1-br0_m2_g~my net`; at most a few hundred letters."""
    layers = "_".join(_WRITERS[type(layer)](layer) for layer in architecture.layers)
    return f"1~{layers}~{architecture.name}"


def decode_design(text: str) -> Architecture:
    """The design in a link's text; LinkError names the part that is wrong."""
    version, layers, name = _parts(text, "~", 3)
    if version != "1":
        raise LinkError(f"design link version {shown(version)}: this mnistnet reads version 1; update it")
    parts = [_read_layer(number, part) for number, part in enumerate(layers.split("_"), 1)]
    try:
        return strict_architecture({"version": 1, "name": name, "layers": parts})
    except DesignError as error:
        raise LinkError(f"design link, {error}") from None


def encode_recipe(recipe: Recipe) -> str:
    """The recipe as text: version, then every field's value in a fixed order."""
    return "~".join(["1", *(_plain(getattr(recipe, name)) for name in _RECIPE_1)])


def decode_recipe(text: str) -> Recipe:
    """The recipe in a link's text; LinkError names the field that is wrong."""
    version, *values = _parts(text, "~", len(_RECIPE_1) + 1)
    if version != "1":
        raise LinkError(f"recipe link version {shown(version)}: this mnistnet reads version 1; update it")
    try:
        fields = dict(recipes.assignment(f"{name}={value}") for name, value in zip(_RECIPE_1, values, strict=True))
        return recipes.recipe(fields)
    except RecipeError as error:
        raise LinkError(f"recipe link, {error}") from None


def _parts(text: str, separator: str, count: int) -> list[str]:
    if len(text) > MAX_CHARACTERS:
        raise LinkError(f"a link of {len(text):,} characters: at most {MAX_CHARACTERS:,} are allowed; copy it anew")
    parts = text.split(separator, count - 1)
    if len(parts) != count:
        raise LinkError(f"link {shown(text)}: incomplete; copy it anew")
    return parts


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _write_conv(conv: Conv) -> str:
    steps = "".join(_LETTER_OF_STEP[step] for step in conv.after)
    bias = "i" if conv.bias else ""
    return f"c{conv.channels}k{conv.kernel}s{conv.stride}p{conv.padding}{bias}-{steps}{_plain(conv.dropout)}"


_WRITERS: dict[type[Layer], Callable[[Any], str]] = {
    Conv: _write_conv,
    MaxPool: lambda pool: f"m{pool.size}",
    AvgPool: lambda pool: f"a{pool.size}",
    Dropout: lambda drop: f"d{_plain(drop.rate)}",
    Dropout2d: lambda drop: f"D{_plain(drop.rate)}",
    GlobalAvgPool: lambda _: "g",
    Linear: lambda linear: f"l{linear.features}{'' if linear.bias else 'n'}",
}


def _read_layer(number: int, text: str) -> dict[str, Any]:
    try:
        if found := _CONV.fullmatch(text):
            channels, kernel, stride, padding, bias, steps, rate = found.groups()
            return {
                "type": "conv",
                "channels": int(channels[:9]),
                "kernel": int(kernel[:9]),
                "stride": int(stride[:9]),
                "padding": int(padding[:9]),
                "bias": bool(bias),
                "after": [_STEP_LETTERS[letter] for letter in steps],
                "dropout": float(rate),
            }
        if found := _OTHER.fullmatch(text):
            return _READERS[found[1]](found[2], found[3])
    except (ValueError, TypeError):
        pass
    raise LinkError(f"design link, layer {number}: {shown(text)} is no layer; copy the link anew")


_READERS: dict[str, Callable[[Any, str], dict[str, Any]]] = {
    "m": lambda value, _: {"type": "maxpool", "size": int(value)},
    "a": lambda value, _: {"type": "avgpool", "size": int(value)},
    "d": lambda value, _: {"type": "dropout", "rate": float(value)},
    "D": lambda value, _: {"type": "dropout2d", "rate": float(value)},
    "g": lambda _, __: {"type": "globalavgpool"},
    "l": lambda value, without: {"type": "linear", "features": int(value), "bias": not without},
}
