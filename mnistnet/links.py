"""Designs, recipes and profiles as short texts for the address bar. Versioned; every field is written out, so that a
link means the same after defaults change. The code of a layer type or step is in nets.layer_types, the address in
ui.url."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import Any

from mnistnet.errors import BadInput
from mnistnet.nets.architecture import LAYER_CLASSES, Architecture, DesignError, Layer, strict_architecture
from mnistnet.nets.layer_types import LAYER_TYPES, STEP_TYPES
from mnistnet.nets.rules.profiles import PROFILES, TECHNIQUES, Profile, ProfileError, built_in, strict_profile
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
_TECHNIQUE_OF_LETTER = {technique[0]: technique for technique in TECHNIQUES}
_STEP_OF_LETTER = {step.letter: step.name for step in STEP_TYPES.values()}
_VALUE = re.compile("[a-zA-Z0-9.+-]*")  # int() and float() also take underscores, spaces and any script's digits


class LinkError(BadInput):
    """A link that cannot be read; the message names the part that is wrong."""


def encode_design(architecture: Architecture) -> str:
    """The design as text: version, layers, name. `1~c16k3s1p1-br0_m2_g~my net`; at most a few hundred letters."""
    layers = "_".join(_CODES[layer.type].write(layer) for layer in architecture.layers)
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


def encode_profile(profile: Profile) -> str:
    """The name of a built-in profile; of any other its fields: `1~20000~20~0.994~l~bdg~last-5~test~name~title`."""
    if PROFILES.get(profile.name) == profile:
        return profile.name
    letters = "".join(one[0] for one in profile.techniques)
    limits = [str(profile.params), str(profile.epochs), _plain(profile.accuracy), "l" if profile.linear_allowed else ""]
    return "~".join(["1", *limits, letters, profile.consistency, profile.split, profile.name, profile.title])


def decode_profile(text: str) -> Profile:
    """The profile in a link's text; LinkError names the field that is wrong."""
    if known := built_in(text):
        return known
    if "~" not in text:
        raise LinkError(f"rules link {shown(text)}: choose one of {', '.join(PROFILES)}")
    params, epochs, accuracy, linear, letters, consistency, split, name, title = _parts("rules", text, 9)
    if linear not in ("", "l"):
        raise LinkError(f"rules link, linear_allowed={shown(linear)}: write l or nothing; copy the link again")
    fields = {
        "params": _number(params, _WHOLE),
        "epochs": _number(epochs, _WHOLE),
        "accuracy": _number(accuracy, _RATE),
        "linear_allowed": bool(linear),
        "techniques": [_TECHNIQUE_OF_LETTER.get(letter, letter) for letter in letters],
        "consistency": consistency,
        "split": split,
    }
    try:
        return strict_profile({**fields, "name": name, "title": title})
    except ProfileError as error:
        raise LinkError(f"rules link, {error}") from None


def _number(text: str, code: "_FieldCode") -> Any:
    """The number in a text; the text where there is none, for the message on its field."""
    try:
        return code.read(text) if re.fullmatch(code.pattern, text) else text
    except ValueError:
        return text


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


@dataclass(frozen=True)
class _FieldCode:
    """The code of a field in a link: as text that matches `pattern`, which has one group."""

    pattern: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


def _flag(spec: str) -> _FieldCode:
    """The letter of `x` where the field is true, of `!x` where it is false."""
    letter, given = spec.removeprefix("!"), not spec.startswith("!")
    return _FieldCode(f"({letter}?)", lambda value: letter if value == given else "", lambda text: bool(text) == given)


_WHOLE = _FieldCode("([0-9]{1,9})", str, int)
_RATE = _FieldCode(r"([0-9.]+(?:e-?[0-9]+)?)", _plain, float)
_STEPS = _FieldCode(
    f"([{''.join(_STEP_OF_LETTER)}]*)",
    lambda steps: "".join(STEP_TYPES[step].letter for step in steps),
    lambda text: [_STEP_OF_LETTER[letter] for letter in text],
)


class _LayerCode:
    """The code of one layer type in links, as its entry's `link` says."""

    def __init__(self, name: str) -> None:
        link = LAYER_TYPES[name].link
        self._name = name
        self._fields = {field: _field_code(name, field, spec) for _, field, spec, _ in Formatter().parse(link) if field}
        self._template = re.sub(":[^}]*}", "}", link)
        self._pattern = re.compile(self._template.format(**{field: one.pattern for field, one in self._fields.items()}))

    def write(self, layer: Layer) -> str:
        """The layer as text."""
        texts = {field: code.write(getattr(layer, field)) for field, code in self._fields.items()}
        return self._template.format(**texts)

    def read(self, text: str) -> dict[str, Any] | None:
        """The layer's fields; None where the text is not of this type. ValueError for a rate such as 1.2.3."""
        found = self._pattern.fullmatch(text)
        if not found:
            return None
        values = zip(self._fields.items(), found.groups(), strict=True)
        return {"type": self._name, **{field: code.read(value) for (field, code), value in values}}


def _field_code(name: str, field: str, spec: str | None) -> _FieldCode:
    if spec:
        return _flag(spec)
    declared = LAYER_CLASSES[name].model_fields[field].annotation
    return _WHOLE if declared is int else _RATE if declared is float else _STEPS


_CODES = {name: _LayerCode(name) for name in LAYER_TYPES}


def _read_layer(number: int, text: str) -> dict[str, Any]:
    for code in _CODES.values():
        try:
            fields = code.read(text)
        except ValueError:
            break
        if fields:
            return fields
    raise LinkError(f"design link, layer {number}: {shown(text)} is no layer; copy the link again")
