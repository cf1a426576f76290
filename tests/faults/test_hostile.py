"""Files, links and settings from people who mean harm: refused at once, in one line that names the place.

Time is the processor time of the thread that reads (`time.thread_time`), so that other work on the machine does not
count, with the garbage collector off, so that a collection of all that the tests hold does not either; of up to
three readings the least, because the first may wait for memory. It is that of reading and counting, not of starting
Python.
"""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from time import thread_time
from typing import Any, NamedTuple, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from mnistnet import links
from mnistnet.errors import BadInput
from mnistnet.nets import architecture as designs
from mnistnet.nets.architecture import Architecture, DesignError
from mnistnet.nets.network import build
from mnistnet.nets.summary import summarize
from mnistnet.runs import limits
from mnistnet.runs.limits import Limits, OverLimit
from mnistnet.runs.run import RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.training import recipe as recipes
from mnistnet.training.recipe import Recipe
from mnistnet.ui import session
from tests.support.pages import button, opened, texts
from tests.support.random_designs import designs as random_designs
from tests.support.samples import conv, design, recipe
from tests.test_links import DESIGN_LIKE, NEAR_MISS, RECIPE_LIKE

pytestmark = pytest.mark.bar("F10")

SECONDS_EACH = 0.05
LONGEST_MESSAGE = 400
QUICK = settings(
    max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
LONG = settings(QUICK, max_examples=10_000, derandomize=False)


def seconds_and_refusal(read: Callable[[Any], object], given_: object) -> tuple[float, str]:
    """How long reading took and with which words it was refused, empty where it was not.

    Anything but BadInput comes through and fails the test.
    """
    seconds, message = float("inf"), ""
    for _ in range(3):
        gc.disable()
        began = thread_time()
        try:
            read(given_)
            message = ""
        except BadInput as error:
            message = str(error)
        finally:
            seconds = min(seconds, thread_time() - began)
            gc.enable()
        if seconds < SECONDS_EACH:
            break
    return seconds, message


def refusal(read: Callable[[Any], object], given_: object) -> str:
    """The words of a refusal that was quick and in one short line; empty where it was not refused."""
    seconds, message = seconds_and_refusal(read, given_)
    assert seconds < SECONDS_EACH, f"{seconds:.3f} s: {ascii(given_)[:500]}"
    assert message.isprintable(), ascii(message)
    assert len(message) <= LONGEST_MESSAGE, message
    return message


# Design files: a valid one with one thing wrong, and the place that the refusal must name.

VALID = [json.loads(one.to_json()) for one in random_designs(100, seed=17)]
_NAN, _INFINITE = float("nan"), float("inf")
_HUGE = "a number of 400 digits", "1e400"  # written in their place, since json.dumps writes neither
_NEVER: dict[str, tuple[Any, ...]] = {
    "whole": (
        *(10**12, -1, -(10**12), True, False, 3.0, 0.5, _NAN, _INFINITE, -_INFINITE, *_HUGE),
        *("8", "", "\0", "\ud800", "\u202e8", None, [], {}, [8]),
    ),
    "rate": (1, 1.0, -0.1, 10**12, True, False, _NAN, _INFINITE, -_INFINITE, *_HUGE, "0.1", "\ud800", None, [], {}),
    "truth": (0, 1, 1.0, 10**12, _NAN, *_HUGE, "true", "\0", None, [], {}),
    "name": ("", "x" * 81, "x" * 50_000, "a\0b", "a\nb", "a\u202eb", "\ud800", None, 5, True, _NAN, [], {}),
    "type": ("pool", "CONV", "\u202econv", "\ud800", "conv\0", "{0}%s", "y" * 5000, None, 5, True, [], {}),
    "steps": ("relu", None, 5, {}, _NAN, ["gelu"], ["relu", "relu"], [["relu"]], [_NAN], ["\ud800"], ["x"] * 5000),
    "layers": (None, 5, "conv", {}, [], _NAN, [{"type": "globalavgpool"}] * 65),
    "layer": (None, 5, True, "conv", [], _NAN, 10**12, "\ud800"),
}
_KINDS = {
    **dict.fromkeys(("version", "channels", "kernel", "stride", "padding", "size", "features"), "whole"),
    **dict.fromkeys(("dropout", "rate"), "rate"),
    "bias": "truth",
    "name": "name",
    "type": "type",
    "after": "steps",
    "layers": "layers",
}
_UNKNOWN = ("colour", "conv", "Kernel", "\0", "\u202ekernel", "y" * 300, "__proto__", "{0}")


class Case(NamedTuple):
    """A hostile file and what its refusal begins with."""

    text: str
    begins: str


def _written(value: object) -> str:
    text = json.dumps(value)
    return text.replace('"a number of 400 digits"', "9" * 400).replace('"1e400"', "1e400")


@st.composite
def one_field_wrong(draw: st.DrawFn) -> Case:
    """A value that its field never allows."""
    value = deepcopy(draw(st.sampled_from(VALID)))
    index = draw(st.integers(-1, len(value["layers"]) - 1))  # -1: the design itself
    part, place = (value, "") if index < 0 else (value["layers"][index], f"layers.{index}.")
    field = draw(st.sampled_from([*part] if index < 0 else [*part, None]))
    kind = "layer" if field is None else _KINDS[field]
    wrong = draw(st.sampled_from(_NEVER[kind]))
    if field is None:
        value["layers"][index] = wrong
    else:
        part[field] = wrong
    begins = f"layers.{index}" if field in (None, "type") else f"{place}{field}"
    return Case(_written(value), begins)


@st.composite
def one_field_too_many_or_few(draw: st.DrawFn) -> Case:
    """A field that is missing, unknown or there twice."""
    value = deepcopy(draw(st.sampled_from(VALID)))
    index = draw(st.integers(-1, len(value["layers"]) - 1))
    part, place = (value, "") if index < 0 else (value["layers"][index], f"layers.{index}.")
    field = draw(st.sampled_from([name for name in part if index < 0 or name in ("type", "kernel", "size", "rate")]
                                 or ["type"]))  # fmt: skip
    change = draw(st.sampled_from(("missing", "unknown", "twice")))
    if change == "missing":
        del part[field]
        return Case(json.dumps(value), f"layers.{index}: no type" if field == "type" else f"{place}{field}: missing")
    if change == "unknown":
        name = draw(st.sampled_from(_UNKNOWN))
        part[name] = draw(st.sampled_from(_NEVER["whole"][:5]))
        shown = name if name.isprintable() and len(name) < 120 else ""
        return Case(json.dumps(value), f"{place}{shown}")
    part["twice"] = part[field]
    return Case(json.dumps(value).replace('"twice"', json.dumps(field)), f"{field!r}: given twice")


def _is_refused_at_its_place(case: Case) -> None:
    assert refusal(lambda text: summarize(designs.parse(text)), case.text).startswith(case.begins), case.text[:2000]


CASES = one_field_wrong() | one_field_too_many_or_few()


@QUICK
@given(CASES)
def test_a_design_with_one_thing_wrong_is_refused_where_it_is_wrong(case: Case) -> None:
    _is_refused_at_its_place(case)


@pytest.mark.long
@LONG
@given(CASES)
def test_ten_thousand_designs_with_one_thing_wrong_are_refused_where_they_are_wrong(case: Case) -> None:
    _is_refused_at_its_place(case)


_KERNELS = [(field, value) for field in ("channels", "kernel") for value in _NEVER["whole"]]
_KERNELS += [("dropout", value) for value in _NEVER["rate"]] + [("bias", value) for value in _NEVER["truth"]]
_KERNELS += [("after", value) for value in _NEVER["steps"]]


@pytest.mark.parametrize(("field", "value"), _KERNELS, ids=lambda part: ascii(part)[:20])
def test_each_wrong_value_of_a_convolution_is_refused_by_its_field(field: str, value: object) -> None:
    layer = {**conv(16), "padding": 1, field: value}
    text = _written({"version": 1, "name": "n", "layers": [{"type": "globalavgpool"}, layer]})
    _is_refused_at_its_place(Case(text, f"layers.1.{field}"))


_LAYER = '{"version": 1, "name": "n", "layers": [{"type": "conv", "kernel": 3, "channels": %s}]}'
_FILES: dict[str, tuple[str | bytes, str]] = {
    "100,000 lists": ("[" * 100_000, "100,000 bytes: at most 65,536"),
    "100,000 objects": ('{"a":' * 100_000, "500,000 bytes: at most 65,536"),
    "60,000 lists": ("[" * 60_000, "nested too deeply"),
    "60,000 lists in a field": (_LAYER % ("[" * 30_000 + "]" * 30_000), "nested too deeply"),
    "13,000 objects in a field": (_LAYER % ('{"a":' * 9_000 + "1" + "}" * 9_000), "nested too deeply"),
    "900 lists in a field": (_LAYER % ("[" * 300 + "]" * 300), "layers.0.channels=[["),
    "10 MB": (b"x" * 10_000_000, "10,000,000 bytes: at most 65,536"),
    "10 MB of spaces": (" " * 10_000_000, "10,000,000 bytes: at most 65,536"),
    "10 MB of zeros": (bytes(10_000_000), "10,000,000 bytes: at most 65,536"),
    "64 KB of digits": (_LAYER % ("9" * 65_000), "layers.0.channels=inf"),
    "64 KB of fraction": (_LAYER % ("0." + "9" * 65_000), "layers.0.channels=1.0"),
    "NUL": ('{"version": 1, "name": "a\0"}', "line 1, column "),
    "only NUL": (b"\0" * 60_000, "line 1, column 1"),
    "right-to-left": ('{"version": 1, "name": "a\u202e", "layers": []}', "name='a\\u202e': only printable"),
    "lone surrogate": ('{"version": 1, "name": "\ud800", "layers": []}', "name='\\ud800': not valid Unicode"),
    "lone surrogate, escaped": ('{"version": 1, "name": "\\ud800", "layers": []}', "name='\\ud800': not valid"),
    "surrogate bytes": (b'{"name": "\xed\xa0\x80"}', "byte 10: not UTF-8"),
    "UTF-16": ("{}".encode("utf-16"), "byte 0: not UTF-8"),
    "6,000 keys": ("{" + ",".join(f'"{n:x}":0' for n in range(6_000)) + "}", "version: missing"),
    "6,000 times one key": ("{" + ",".join(['"k":0'] * 6_000) + "}", "'k': given twice"),
    "32,000 layers": ('{"version":1,"name":"n","layers":[' + "0," * 32_000 + "0]}", "layers.0=0: write an object"),
}


@pytest.mark.parametrize(("text", "begins"), _FILES.values(), ids=_FILES)
def test_each_kind_of_monstrous_file_is_refused_at_once(text: str | bytes, begins: str) -> None:
    assert refusal(designs.parse, text).startswith(begins)


@pytest.mark.parametrize("arguments", [("summary", "-"), ("train", "-")], ids=lambda words: words[0])
def test_ten_megabytes_on_standard_input_are_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    environment = {**os.environ, "MNISTNET_STORE": str(tmp_path / "runs")}
    command = [sys.executable, "-m", "mnistnet", *arguments]
    said = subprocess.run(command, input=b"[" * 10_000_000, capture_output=True, check=False, env=environment)
    assert (said.returncode, said.stdout) == (2, b"")
    assert len(said.stderr.splitlines()) == 1
    assert b"at most 65,536 are allowed" in said.stderr
    assert not (tmp_path / "runs").exists()


# Valid, but monstrous: refused before torch is even imported.

_WIDE: dict[str, Any] = conv(512, 7, padding=3)
_DEPTHWISE: dict[str, Any] = {"type": "depthwise", "kernel": 1, "padding": 3}
_END: tuple[dict[str, Any], ...] = ({"type": "globalavgpool"}, {"type": "linear", "features": 10})
MONSTROUS = {
    "parameters": (design(*[_WIDE] * 62, *_END), "layers.1: 783,578,634 parameters"),
    "multiply-accumulates": (design(conv(300, 5, padding=2), conv(300, 5, padding=2), *_END), "layers.1: 1,7"),
    "values": (design(conv(512, 1, padding=3), *[_DEPTHWISE] * 5, *_END), "layers.5: 7,698,954 values"),
    "64 layers": (design(*[conv(512, 1, padding=3)] * 62, *_END), "layers."),
}
_WITHOUT_TORCH = """
import sys
for name in ("torch", "torchvision", "torchinfo"):
    sys.modules[name] = None  # an import of it is an ImportError from here on
from mnistnet.cli.program import main
sys.argv = ["mnistnet", *sys.argv[1:]]
sys.exit(main())
"""


def _not_built(*_: object, **__: object) -> NoReturn:
    raise AssertionError("a module was built")


@pytest.mark.parametrize(("monster", "begins"), MONSTROUS.values(), ids=MONSTROUS)
def test_a_monstrous_design_is_refused_before_any_module_is_built(
    store: Store, monkeypatch: pytest.MonkeyPatch, monster: Architecture, begins: str
) -> None:
    monkeypatch.setattr(nn.Module, "__init__", _not_built)
    for read in (lambda one: store.enqueue(one, Recipe()), build):
        message = refusal(read, monster)
        assert message.startswith(begins), message
        assert "are allowed; choose fewer channels" in message
    assert not store.root.exists()


@pytest.mark.parametrize("command", ["summary", "train"])
def test_a_monstrous_file_is_refused_where_torch_cannot_even_be_imported(command: str, tmp_path: Path) -> None:
    file = tmp_path / "monster.json"
    file.write_text(MONSTROUS["parameters"][0].to_json())
    environment = {**os.environ, "MNISTNET_STORE": str(tmp_path / "runs")}
    words = [sys.executable, "-c", _WITHOUT_TORCH, command, str(file)]
    said = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert (said.returncode, said.stdout) == (2, ""), said.stderr
    assert said.stderr.startswith("mnistnet: layers.1: 783,578,634 parameters")
    assert len(said.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


LARGE = design(conv(512, 1, padding=3), conv(1, 1), *_END)  # 600,000 values an image: 11 GB for 2,048 of them


def test_a_batch_beyond_the_memory_is_refused_before_any_module_is_built(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(limits.VARIABLE, "memory_mb=4000")
    monkeypatch.setattr(nn.Module, "__init__", _not_built)
    message = refusal(lambda one: store.enqueue(one, recipe(batch_size=2048)), LARGE)
    assert message.startswith("batch size 2048: training this network needs about ")
    assert message.endswith("at most 4.2 GB are allowed here; choose a smaller batch or fewer channels")
    assert not store.root.exists()


def test_a_run_that_has_become_too_large_is_refused_before_it_has_a_process(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(limits.VARIABLE, "memory_mb=900000000")
    run = store.enqueue(LARGE, recipe(batch_size=2048))
    monkeypatch.setenv(limits.VARIABLE, "memory_mb=4000")
    monkeypatch.setattr(supervisor, "detach", _not_built)
    supervisor.supervise(store)
    ended = store.run(run.id)
    assert ended.state is RunState.FAILED
    assert ended.message.startswith("batch size 2048: ")


@pytest.mark.usefixtures("still")
def test_the_design_page_starts_no_monster(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(design=links.encode_design(MONSTROUS["values"][0]))
    assert not app.exception
    assert button(app, "Start training").disabled
    assert "Cannot start. Layer 6: " in texts(app)
    monkeypatch.setenv(limits.VARIABLE, "memory_mb=4000")
    batch = links.encode_recipe(recipe(batch_size=2048))
    app = opened(design=links.encode_design(LARGE), recipe=batch)
    button(app, "Start anyway").click().run()
    assert "Not started: batch size 2048" in app.warning[0].value.replace("\\", "")
    assert store.runs() == []


# Recipes, links, limits.

_NEVER_IN_RECIPES: tuple[Any, ...] = (
    10**12,
    -(10**12),
    -1,
    True,
    _NAN,
    _INFINITE,
    "\0",
    "\ud800",
    "8",
    None,
    [],
    {},
    *_HUGE,
)


@pytest.mark.parametrize("field", Recipe.model_fields)
def test_each_wrong_value_of_a_recipe_is_refused_by_its_field(field: str) -> None:
    for wrong in _NEVER_IN_RECIPES:
        message = refusal(recipes.parse, _written({field: wrong}))
        assert message.startswith(f"{field}="), (wrong, message)
    assert refusal(recipes.parse, f'{{"{field}": 1, "{field}": 1}}') == f"'{field}': given twice; keep one"
    assert refusal(recipes.parse, f'{{"{field}s": 1}}') == f"{field}s: unknown field; remove it"


_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


def _is_any_setting(text: str) -> None:
    message = refusal(lambda one: recipes.recipe(dict([recipes.assignment(one)])), text)
    field = text.partition("=")[0]
    assert not message or field not in Recipe.model_fields or message.startswith(f"{field}="), message


_SETTINGS = st.builds(
    "{}={}".format, st.sampled_from([*Recipe.model_fields, "epoch", ""]), _ANY_TEXT | st.integers() | st.floats()
)


@QUICK
@given(_SETTINGS | _ANY_TEXT)
def test_any_setting_is_taken_or_refused_by_its_field(text: str) -> None:
    _is_any_setting(text)


_LINKS = st.one_of(_ANY_TEXT, NEAR_MISS, NEAR_MISS.map("1~{}~net".format), DESIGN_LIKE, RECIPE_LIKE)


def _is_any_link(text: str) -> None:
    for decode in (links.decode_design, links.decode_recipe):
        message = refusal(decode, text)
        assert not message or message.startswith(("design link", "recipe link"))


@QUICK
@given(_LINKS)
def test_any_link_is_read_or_refused_at_once(text: str) -> None:
    _is_any_link(text)


@pytest.mark.long
@LONG
@given(_LINKS)
def test_ten_thousand_links_are_read_or_refused_at_once(text: str) -> None:
    _is_any_link(text)


# Of an address: each part has a name, and the refusal begins with it.
_LONGER = (session.design, session.recipe, session.lesson, session.draft)  # with tests of their own
_PARTS = [part for part in session.PARAMETERS if part not in _LONGER]
_PART_LIKE = st.from_regex(r"[a-z0-9,-]{0,40}|(gallery-[a-z0-9-]{0,20},?){0,40}|-?[0-9]{0,9}", fullmatch=True)


def _is_any_address(text: str) -> None:
    for part in _PARTS:
        message = refusal(part.decode, text)
        assert not message or message.startswith(f"{part.name} "), message


@QUICK
@given(_LINKS | _PART_LIKE)
def test_any_part_of_an_address_is_read_or_refused_at_once(text: str) -> None:
    _is_any_address(text)


@pytest.mark.long
@LONG
@given(_LINKS | _PART_LIKE)
def test_ten_thousand_parts_of_addresses_are_read_or_refused_at_once(text: str) -> None:
    _is_any_address(text)


_BAD_LIMITS = (
    *("hours", "hours=", "hours=x", "hours=-1", "hours=0", "hours=nan", "hours=inf", "hours=1e400", "=1", "="),
    *("queued=1.5", "queued=True", "queued=1e3", "epochs=" + "9" * 5000, "memory_mb=0", "memory_mb=1e999", "days=1"),
    *("hours=2;queued=5", "hours=2,queued", "hours=1=1", "__class__=1", "\u202ehours=1", "x" * 10_000, "\udc80=1"),
    *("hours=２", "queued=५", "epochs=101"),
)


@pytest.mark.parametrize("text", _BAD_LIMITS, ids=lambda text: ascii(text)[:20])
def test_a_limit_that_cannot_be_understood_is_named_and_nothing_starts(
    store: Store, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(limits.VARIABLE, text)
    message = refusal(lambda one: store.enqueue(one, recipe()), random_designs(1, seed=1)[0])
    assert message.startswith(f"{limits.VARIABLE}: ")
    names = "queued, epochs, hours, free_mb, memory_mb, look_seconds (epochs at most 100)"
    assert f"write NAME=NUMBER, names {names}, as in hours=2" in message
    assert not store.root.exists()


_LIMIT = st.builds("{}={}".format, st.sampled_from(("hours", "queued", "epochs", "x")), st.floats() | st.integers())
_VARIABLE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))  # what a variable can hold


@QUICK
@given(st.lists(_LIMIT).map(",".join) | _VARIABLE)
def test_any_limits_are_taken_or_refused(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(limits.VARIABLE, text)
        if not refusal(lambda _: limits.current(), None):
            taken = limits.current()
            assert all(0 <= getattr(taken, field) < 1e9 for field in Limits.__dataclass_fields__)


def test_a_limit_is_bad_input() -> None:
    assert issubclass(OverLimit, BadInput)
    assert issubclass(DesignError, BadInput)
