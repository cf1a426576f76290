"""The design file: what it says comes back, and nothing else gets in."""

import gc
import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mnistnet.nets.architecture import (
    LAYER_CLASSES,
    Architecture,
    AvgPool,
    Conv,
    DesignError,
    Dropout,
    Dropout2d,
    GlobalAvgPool,
    Linear,
    MaxPool,
    load,
    parse,
    strict_architecture,
)
from mnistnet.nets.summary import summarize
from mnistnet.strict_json import MAX_BYTES
from tests.support.random_designs import designs

SECONDS_EACH = 0.05
VALID = designs(300, seed=3)
_CONV: dict[str, Any] = {"type": "conv", "channels": 10, "kernel": 3}


def _file(*layers: object, **fields: object) -> str:
    return json.dumps({"version": 1, "name": "n", "layers": layers, **fields})


def _conv(**fields: object) -> str:
    return _file({**_CONV, **fields})


# What comes back.


def test_designs_survive_their_own_files() -> None:
    for design in VALID:
        assert parse(design.to_json()) == design


def test_files_survive_being_read_and_written() -> None:
    for design in VALID:
        assert parse(design.to_json()).to_json() == design.to_json()


def test_a_file_writes_out_every_field() -> None:
    written = json.loads(parse(_conv()).to_json())
    assert written["layers"] == [
        {**_CONV, "stride": 1, "padding": 0, "bias": False, "after": [], "dropout": 0.0},
    ]


def test_every_type_of_layer_has_its_defaults() -> None:
    layers = parse(
        _file(
            _CONV,
            {"type": "maxpool", "size": 2},
            {"type": "avgpool", "size": 28},
            {"type": "dropout", "rate": 0},
            {"type": "dropout2d", "rate": 0.5},
            {"type": "globalavgpool"},
            {"type": "linear", "features": 10},
        )
    ).layers
    assert layers == (
        Conv(channels=10, kernel=3, stride=1, padding=0, bias=False, after=(), dropout=0.0),
        MaxPool(size=2),
        AvgPool(size=28),
        Dropout(rate=0.0),
        Dropout2d(rate=0.5),
        GlobalAvgPool(),
        Linear(features=10, bias=True),
    )


def test_bytes_and_text_say_the_same() -> None:
    assert parse(_file(_CONV, name="網 é").encode()) == parse(_file(_CONV, name="網 é"))


def test_the_order_of_steps_is_kept() -> None:
    (conv,) = parse(_conv(after=["dropout", "relu", "batchnorm"])).layers
    assert isinstance(conv, Conv)
    assert conv.after == ("dropout", "relu", "batchnorm")


def test_a_design_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        VALID[0].name = "other"  # type: ignore[misc]


def test_equal_designs_have_equal_hashes() -> None:
    assert len({parse(_conv()), parse(_conv())}) == 1


def test_with_layers_changes_only_the_layers() -> None:
    assert parse(_conv()).with_layers((GlobalAvgPool(),)) == Architecture(name="n", layers=(GlobalAvgPool(),))


def test_with_layers_checks_their_number() -> None:
    with pytest.raises(DesignError, match=r"^layers: at most 64 are allowed"):
        VALID[0].with_layers((GlobalAvgPool(),) * 65)


def test_renamed_changes_only_the_name() -> None:
    assert parse(_conv()).renamed("other") == parse(_conv()).model_copy(update={"name": "other"})


def test_renamed_checks_the_name() -> None:
    with pytest.raises(DesignError, match=r"^name='a\\nb': only printable characters are allowed"):
        VALID[0].renamed("a\nb")


@pytest.mark.bar("F11")
def test_what_looks_like_a_path_is_only_a_name() -> None:
    assert parse(_conv()).renamed("../../etc/passwd").name == "../../etc/passwd"


# What does not get in.

_BAD: dict[str, tuple[str | bytes, str]] = {
    "a list": ("[]", r"^\[\]: a design is one JSON object with version, name, layers$"),
    "null": ("null", r"^None: a design is one JSON object"),
    "NaN": ("NaN", r"^nan: a design is one JSON object"),
    "not JSON": ("conv 3x3", r"^line 1, column 1: Expecting value"),
    "no version": ("{}", r'^version: missing; add "version": 1$'),
    "another version": (_file(_CONV, version=2), r"^version=2: choose one of 1$"),
    "version as truth": (_file(_CONV, version=True), r"^version=True: choose a whole number$"),
    "version as fraction": (_file(_CONV, version=1.0), r"^version=1\.0: choose a whole number$"),
    "version as text": (_file(_CONV, version="1"), r"^version='1': choose a whole number$"),
    "no name": ('{"version": 1, "layers": []}', r"^name: missing; add it$"),
    "empty name": (_file(_CONV, name=""), r"^name='': empty; write at least 1 character$"),
    "long name": (_file(_CONV, name="x" * 81), r"^name='x+\.\.\.: choose at most 80 characters$"),
    "NUL in name": (_file(_CONV, name="a\0b"), r"^name='a\\x00b': only printable characters are allowed"),
    "line break in name": (_file(_CONV, name="a\nb"), r"^name='a\\nb': only printable characters are allowed"),
    "right-to-left": (_file(_CONV, name="a\u202eb"), r"^name='a\\u202eb': only printable characters are allowed"),
    "surrogate in name": (_file(_CONV, name="\ud800"), r"^name='\\ud800': not valid Unicode; retype the text$"),
    "name is null": (_file(_CONV, name=None), r"^name=None: write a text in quotes$"),
    "unknown field": (_file(_CONV, colour=1), r"^colour: unknown field; remove it$"),
    "unknown field called linear": (_file(_CONV, linear=1), r"^linear: unknown field; remove it$"),
    "surrogate as field": (_file(_CONV, **{"\ud800": 1}), r"'\\ud800': not valid Unicode; retype the text$"),
    "no layers": ('{"version": 1, "name": "n"}', r"^layers: missing; add it$"),
    "empty layers": (_file(), r"^layers=\[\]: empty; add at least 1$"),
    "65 layers": (_file(*[_CONV] * 65), r"^layers: at most 64 are allowed; remove some$"),
    "layers as object": (_file(_CONV, layers={"0": _CONV}), r"^layers=\{.*: write a list in square brackets$"),
    "layers as text": (_file(_CONV, layers="conv"), r"^layers='conv': write a list in square brackets$"),
    "layer as text": (_file(_CONV, "conv"), r"^layers\.1='conv': write an object in braces$"),
    "layer as list": (_file(["conv"]), r"^layers\.0=\['conv'\]: write an object in braces$"),
    "layer is null": (_file(None), r"^layers\.0=None: write an object in braces$"),
    "no type": (_file(_CONV, {"size": 2}), r"^layers\.1: no type; choose one of conv, depthwise, maxpool, avgpool, "),
    "unknown type": (_file({"type": "pool"}), r"^layers\.0: unknown type pool; choose one of conv, depthwise, "),
    "type in capitals": (_file({"type": "Conv"}), r"^layers\.0: unknown type Conv; choose one of conv, depthwise, "),
    "type as list": (_file({"type": ["conv"]}), r"^layers\.0: unknown type \[conv\]; choose one of conv, "),
    "type of braces": (_file({"type": "{0}{ge}"}), r"^layers\.0: unknown type \{0\}\{ge\}; choose one of "),
    "surrogate as type": (_file({"type": "\ud800"}), r"^layers\.0: unknown type .*; choose one of conv, "),
    "right-to-left type": (_file({"type": "\u202econv"}), r"^layers\.0: unknown type \\u202econv; choose one of "),
    "unknown field of a layer": (_conv(colour=1), r"^layers\.0\.colour: unknown field; remove it$"),
    "field called like its type": (_conv(conv=1), r"^layers\.0\.conv: unknown field; remove it$"),
    "another layer's field": (_file({"type": "maxpool", "size": 2, "stride": 2}), r"^layers\.0\.stride: unknown"),
    "NUL in field": (_conv(**{"a\0": 1}), r"^layers\.0\.'a\\x00': unknown field; remove it$"),
    "no channels": (_file({"type": "conv", "kernel": 3}), r"^layers\.0\.channels: missing; add it$"),
    "no kernel": (_file({"type": "conv", "channels": 3}), r"^layers\.0\.kernel: missing; add it$"),
    "channels 0": (_conv(channels=0), r"^layers\.0\.channels=0: choose at least 1$"),
    "channels -1": (_conv(channels=-1), r"^layers\.0\.channels=-1: choose at least 1$"),
    "channels 513": (_conv(channels=513), r"^layers\.0\.channels=513: choose at most 512$"),
    "channels 1e12": (_conv(channels=10**12), r"^layers\.0\.channels=1000000000000: choose at most 512$"),
    "channels of 100 digits": (_conv(channels=10**100), r"^layers\.0\.channels=10+\.\.\.: choose at most 512$"),
    "channels of 5,000 digits": (
        _conv(channels=5).replace(": 5", ": " + "5" * 5000),
        r"^layers\.0\.channels=inf: choose a whole number$",
    ),
    "channels as truth": (_conv(channels=True), r"^layers\.0\.channels=True: choose a whole number$"),
    "channels as fraction": (_conv(channels=3.0), r"^layers\.0\.channels=3\.0: choose a whole number$"),
    "channels as text": (_conv(channels="8"), r"^layers\.0\.channels='8': choose a whole number$"),
    "channels as null": (_conv(channels=None), r"^layers\.0\.channels=None: choose a whole number$"),
    "channels NaN": (_conv(channels=float("nan")), r"^layers\.0\.channels=nan: choose a whole number$"),
    "channels 1e400": (_conv(channels=5).replace(": 5", ": 1e400"), r"^layers\.0\.channels=inf: choose a whole"),
    "channels given twice": (_conv(stride=1).replace("stride", "channels"), r"^'channels': given twice; keep one$"),
    "kernel 4": (_conv(kernel=4), r"^layers\.0\.kernel=4: choose one of 1, 3, 5, 7$"),
    "kernel as truth": (_conv(kernel=True), r"^layers\.0\.kernel=True: choose a whole number$"),
    "kernel as fraction": (_conv(kernel=3.0), r"^layers\.0\.kernel=3\.0: choose a whole number$"),
    "kernel as pair": (_conv(kernel=[3, 3]), r"^layers\.0\.kernel=\[3, 3\]: choose a whole number$"),
    "stride 3": (_conv(stride=3), r"^layers\.0\.stride=3: choose one of 1, 2$"),
    "stride 0": (_conv(stride=0), r"^layers\.0\.stride=0: choose one of 1, 2$"),
    "stride as truth": (_conv(stride=True), r"^layers\.0\.stride=True: choose a whole number$"),
    "padding 4": (_conv(padding=4), r"^layers\.0\.padding=4: choose one of 0, 1, 2, 3$"),
    "padding -1": (_conv(padding=-1), r"^layers\.0\.padding=-1: choose one of 0, 1, 2, 3$"),
    "padding same": (_conv(padding="same"), r"^layers\.0\.padding='same': choose a whole number$"),
    "padding as truth": (_conv(padding=False), r"^layers\.0\.padding=False: choose a whole number$"),
    "bias as number": (_conv(bias=1), r"^layers\.0\.bias=1: choose true or false$"),
    "bias as text": (_conv(bias="true"), r"^layers\.0\.bias='true': choose true or false$"),
    "after as text": (_conv(after="relu"), r"^layers\.0\.after='relu': write a list in square brackets$"),
    "after as null": (_conv(after=None), r"^layers\.0\.after=None: write a list in square brackets$"),
    "after unknown": (_conv(after=["relu", "gelu"]), r"^layers\.0\.after\.1='gelu': choose one of relu, batchnorm, "),
    "after nested": (_conv(after=[["relu"]]), r"^layers\.0\.after\.0=\['relu'\]: choose one of relu, batchnorm, "),
    "after NaN": (_conv(after=[float("nan")]), r"^layers\.0\.after\.0=nan: choose one of relu, batchnorm, "),
    "after twice": (
        _conv(after=["relu", "relu"]),
        r"^layers\.0\.after=\['relu', 'relu'\]: each step at most once; remove the repeated one$",
    ),
    "dropout 1": (_conv(dropout=1), r"^layers\.0\.dropout=1: choose less than 1"),
    "dropout negative": (_conv(dropout=-0.1), r"^layers\.0\.dropout=-0\.1: choose at least 0"),
    "dropout as truth": (_conv(dropout=False), r"^layers\.0\.dropout=False: choose a number$"),
    "dropout as text": (_conv(dropout="0.1"), r"^layers\.0\.dropout='0\.1': choose a number$"),
    "dropout NaN": (_conv(dropout=float("nan")), r"^layers\.0\.dropout=nan: choose a finite number$"),
    "dropout infinite": (_conv(dropout=float("-inf")), r"^layers\.0\.dropout=-inf: choose a finite number$"),
    "dropout 1e400": (_conv(dropout=5).replace(": 5", ": 1e400"), r"^layers\.0\.dropout=inf: choose a finite number$"),
    "maxpool 1": (_file({"type": "maxpool", "size": 1}), r"^layers\.0\.size=1: choose at least 2$"),
    "maxpool 29": (_file({"type": "maxpool", "size": 29}), r"^layers\.0\.size=29: choose at most 28$"),
    "avgpool as fraction": (_file({"type": "avgpool", "size": 2.0}), r"^layers\.0\.size=2\.0: choose a whole number$"),
    "rate of dropout": (_file({"type": "dropout", "rate": 2}), r"^layers\.0\.rate=2: choose less than 1"),
    "rate of dropout2d": (_file({"type": "dropout2d", "rate": True}), r"^layers\.0\.rate=True: choose a number$"),
    "no rate": (_file({"type": "dropout"}), r"^layers\.0\.rate: missing; add it$"),
    "features 1e12": (_file({"type": "linear", "features": 10**12}), r"^layers\.0\.features=10+: choose at most 512$"),
    "features as truth": (_file({"type": "linear", "features": True}), r"^layers\.0\.features=True: choose a whole"),
    "globalavgpool with size": (_file({"type": "globalavgpool", "size": 2}), r"^layers\.0\.size: unknown field"),
    "deep in a field": (_conv(channels=5).replace(": 5", ": " + "[" * 100 + "]" * 100), r"^layers\.0\.channels=\[+"),
    "100,000 levels": ("[" * 60_000, r"^nested too deeply: a design has three levels; remove the others$"),
    "10 MB": (b"[" * 10_000_000, r"^10,000,000 bytes: at most 65,536 are allowed; shorten the file$"),
    "10 MB of text": ("é" * 5_000_000, r"^10,000,000 bytes: at most 65,536 are allowed; shorten the file$"),
}


@pytest.mark.bar("F10")
@pytest.mark.parametrize(("text", "message"), _BAD.values(), ids=_BAD)
def test_a_bad_design_is_refused_in_one_line_that_names_the_place(text: str | bytes, message: str) -> None:
    with pytest.raises(DesignError, match=message) as caught:
        parse(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [{"version": 1, "name": "n", "layers": [{**_CONV, "kernel": 2}]}, 5, None, {1: 2}])
def test_plain_values_are_checked_alike(value: object) -> None:
    with pytest.raises(DesignError, match=r"^(layers\.0\.kernel=2: choose|the file=|name: missing)"):
        strict_architecture(value)


@pytest.mark.parametrize("layers", [[0] * 1000, [{**_CONV, "after": [0] * 1000}]], ids=["layers", "steps"])
def test_after_the_first_wrong_item_of_a_list_no_other_is_looked_at(layers: list[object]) -> None:
    with pytest.raises(ValidationError, match="validation error") as caught:
        Architecture.model_validate({"version": 1, "name": "n", "layers": layers})
    assert caught.value.error_count() <= 2  # the item, and the list that stays empty without it


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match=r"absent\.json'?: No such file or directory; give a readable file$"):
        load(tmp_path / "absent.json")


def test_a_folder_is_not_a_design(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="Is a directory; give a readable file"):
        load(tmp_path)


def test_a_file_is_read_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "design.json"
    path.write_text(VALID[0].to_json(), encoding="utf-8")
    assert load(path) == VALID[0]


@pytest.mark.bar("F10")
def test_of_an_endless_file_only_the_allowed_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.json"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(DesignError, match=rf"^{MAX_BYTES + 1:,} bytes: at most {MAX_BYTES:,} are allowed"):
        load(path)


# Hostile files by the thousand: a design or DesignError, at once, and never anything else.

_HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 28, 29, 64, 512, 513, 10**12, -(10**12), 2**63, 10**30, 10**310),
    *(0.0, -0.0, 1.0, 3.0, 0.5, -0.5, 1e-320, 1e308, float("nan"), float("inf"), float("-inf")),
    *("", "conv", "linear", "relu", "\0", "\ud800", "\u202e", "\n", "x" * 500, "{0}", "%s", "<script>"),
    *([], {}, [[]], [{}], {"type": "conv"}, {"type": {}}, ["relu", "relu"], [None] * 100, {"\ud800": 1}),
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below a plain JSON value."""
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    below = [place for _, inner in pairs if isinstance(inner, dict | list) for place in _places(inner)]
    return [(value, key) for key, _ in pairs] + below


def _replace(random: Random, value: Any) -> None:
    container, key = random.choice(_places(value))
    container[key] = deepcopy(random.choice(_HOSTILE))


def _remove(random: Random, value: Any) -> None:
    container, key = random.choice(_places(value))
    del container[key]


def _repeat(random: Random, value: Any) -> None:
    value["layers"] = value["layers"] * random.choice((0, 2, 10, 70)) if isinstance(value.get("layers"), list) else 0


def _add(random: Random, value: Any) -> None:
    container, _ = random.choice(_places(value))
    extra = deepcopy(random.choice(_HOSTILE))
    if isinstance(container, dict):
        container[random.choice(("conv", "type", "rate", "x", "\ud800", "\0", "y" * 300))] = extra
    else:
        container.append(extra)


_CHANGES: tuple[Callable[[Random, Any], None], ...] = (_replace, _replace, _remove, _repeat, _add)


def _mutated(random: Random, valid: str) -> str:
    """A design's file with a few values changed, or with its text cut, doubled or overwritten."""
    value = json.loads(valid)
    for _ in range(random.randint(0, 3)):
        if value:
            random.choice(_CHANGES)(random, value)
    text = json.dumps(value)
    if random.random() < 0.3:
        start, stop = sorted(random.choices(range(len(text) + 1), k=2))
        middle = ("", text[start:stop] * 2, "\0", "NaN", "1e400", '"', "[" * 3000, '{"a":' * 3000, "9" * 5000, "-")
        text = text[:start] + random.choice(middle) + text[stop:]
    return text


def _outcome(text: str | bytes) -> str:
    """What reading and walking this text led to; fails where it is anything but a design or DesignError."""
    gc.disable()  # a collection of the whole test session would be timed as if it were the parser's
    started = process_time()
    try:
        summarize(parse(text))
        message = ""
    except DesignError as error:
        message = str(error)
    finally:
        seconds = process_time() - started
        gc.enable()
    assert message.isprintable(), ascii(message)
    assert seconds < SECONDS_EACH, ascii(text[:1000])
    return "refused" if message else "read"


def test_two_thousand_mutated_designs_are_read_or_refused() -> None:
    random = Random(10_000)
    files = [design.to_json() for design in VALID]
    outcomes = [_outcome(_mutated(random, file)) for _ in range(7) for file in files]
    assert len(outcomes) > 2_000
    assert min(outcomes.count("read"), outcomes.count("refused")) > 200


_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
_ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _ANY_TEXT | st.sampled_from(_HOSTILE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
_FIELDS = ("version", "name", "layers", "type", "channels", "kernel", "stride", "padding", "bias", "after", "rate")
_ANY_OBJECT = st.dictionaries(st.sampled_from(_FIELDS) | _ANY_TEXT, _ANY_VALUE, max_size=6)
_STEADY = settings(
    max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.bar("F10")
@_STEADY
@given(_ANY_VALUE | _ANY_OBJECT)
def test_any_json_is_read_or_refused(value: object) -> None:
    _outcome(json.dumps(value))


@pytest.mark.bar("F10")
@_STEADY
@given(st.lists(_ANY_OBJECT, max_size=3), st.sampled_from(list(LAYER_CLASSES)))
def test_any_layers_are_read_or_refused(layers: list[dict[str, object]], kind: str) -> None:
    _outcome(_file(*({**layer, "type": kind} for layer in layers)))


@pytest.mark.bar("F10")
@_STEADY
@given(_ANY_TEXT | st.binary(max_size=200))
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    _outcome(text)


@pytest.mark.bar("F10")
@_STEADY
@given(_ANY_TEXT, _ANY_TEXT, _ANY_VALUE)
def test_any_name_and_field_are_read_or_refused(name: str, field: str, value: object) -> None:
    _outcome(_file(_CONV, **{"name": name, field: value}))


@pytest.mark.bar("F10")
def test_the_largest_files_are_read_or_refused_at_once() -> None:
    wide = {"type": "conv", "channels": 512, "kernel": 1, "padding": 3, "after": ["dropout2d", "batchnorm", "dropout"]}
    keys = ",".join(f'"{number:x}":0' for number in range(6_000))
    assert _outcome(_file(*[wide] * 64)) == "read"
    assert _outcome("{" + keys + "}") == "refused"
    assert _outcome("{" + keys + ',"176f":0}') == "refused"
    assert _outcome("[" + "0," * 32_000 + "0]") == "refused"
    assert _outcome('{"version":1,"name":"n","layers":[' + "0," * 32_000 + "0]}") == "refused"
    assert _outcome(_conv(after=["relu"] * 6_000)) == "refused"
    assert _outcome(_conv(after=["x"] * 12_000)) == "refused"
    assert _outcome(_file(_CONV)[:-1] + "," + keys + "}") == "refused"
    assert _outcome(_conv()[:-3] + "," + keys + "}]}") == "refused"
    assert _outcome(_file(_CONV, name="\u202e" * 10_000)) == "refused"


# The first paint must not wait for torch.


@pytest.mark.parametrize("module", ["architecture", "summary", "rules", "presets"])
def test_importing_imports_no_torch(module: str) -> None:
    code = f"import sys, mnistnet.nets.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
