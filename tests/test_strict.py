"""JSON from strangers: what is let through, what is refused, and in which words."""

import json
import math
from contextlib import suppress
from time import process_time
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from mnistnet.strict_json import MAX_BYTES, parse, shown, validated


class _Circle(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    type: Literal["circle"]
    radius: Annotated[float, Field(gt=0, lt=10, allow_inf_nan=False)]
    circle: int = 0


class _Square(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    type: Literal["square"]
    side: Annotated[int, Field(ge=1, le=9)]


class _Drawing(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    title: Annotated[str, Field(min_length=1, max_length=5)] = "t"
    closed: bool = False
    colour: Literal["red", "blue"] = "red"
    shapes: Annotated[
        tuple[Annotated[_Circle | _Square, Field(discriminator="type")], ...],
        Field(min_length=1, max_length=2, strict=False),
    ]


_CIRCLE: dict[str, object] = {"type": "circle", "radius": 1.5}
_SQUARE: dict[str, object] = {"type": "square", "side": 2}


@pytest.mark.parametrize("text", ['{"a": [1, -2.5, true, null, "é"]}', '{"a": [1, -2.5, true, null, "é"]}'.encode()])
def test_ordinary_json_comes_through(text: str | bytes) -> None:
    assert parse(text) == {"a": [1, -2.5, True, None, "é"]}


_BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", r"^line 1, column 1: Expecting value; the file must be one JSON object$"),
    "cut": ('{"a":\n [1', r"^line 2, column 4: Expecting ',' delimiter; the file"),
    "two values": ("{} {}", r"^line 1, column 4: Extra data; the file"),
    "comment": ("{} // note", r"^line 1, column 4: Extra data; the file"),
    "single quotes": ("{'a': 1}", r"^line 1, column 2: Expecting property name enclosed in double quotes; the"),
    "control character": ('{"a": "\0"}', r"^line 1, column 8: Invalid control character at; the file"),
    "byte order mark": (b"\xef\xbb\xbf{}", r"^line 1, column 1: Unexpected UTF-8 BOM .*; the file"),
    "latin-1": (b'{"a": "\xe9"}', r"^byte 7: not UTF-8; save the file as UTF-8$"),
    "utf-16": ("{}".encode("utf-16"), r"^byte 0: not UTF-8; save the file as UTF-8$"),
    "duplicate key": ('{"a": 1, "b": 2, "a": 1}', r"^'a': given twice; keep one$"),
    "inner duplicate": ('{"x": [{"k": 1, "k": 2}]}', r"^'k': given twice; keep one$"),
    "duplicate by escape": (r'{"k": 1, "\u006b": 2}', r"^'k': given twice; keep one$"),
    "duplicate surrogate": (r'{"\ud800": 1, "\ud800": 2}', r"^'\\ud800': given twice; keep one$"),
    "nested lists": ("[" * 60_000, r"^nested too deeply: a design has three levels; remove the others$"),
    "nested objects": ('{"a":' * 13_000, r"^nested too deeply: a design has three levels; remove the others$"),
    "too long": (" " * (MAX_BYTES + 1), r"^65,537 bytes: at most 65,536 are allowed; shorten the file$"),
    "too long in bytes": ("é" * MAX_BYTES, r"^131,072 bytes: at most 65,536 are allowed; shorten the file$"),
    "10 MB": (b"[" * 10_000_000, r"^10,000,000 bytes: at most 65,536 are allowed; shorten the file$"),
}


@pytest.mark.bar("F10")
@pytest.mark.parametrize(("text", "message"), _BROKEN.values(), ids=_BROKEN)
def test_broken_json_is_refused_in_one_line(text: str | bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse(text)
    assert str(caught.value).isprintable()


def test_64_kilobytes_are_allowed() -> None:
    assert parse("{}".ljust(MAX_BYTES)) == {}


def test_lone_surrogates_in_the_text_itself_are_counted_not_fatal() -> None:
    assert parse('"\ud800"') == "\ud800"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e400", math.inf),
        ("-1e400", -math.inf),
        ("Infinity", math.inf),
        ("1" * 400, math.inf),
        ("1" * 60_000, math.inf),
    ],
    ids=["1e400", "-1e400", "Infinity", "400 digits", "60,000 digits"],
)
def test_numbers_too_large_for_a_float_are_infinite(text: str, value: float) -> None:
    assert parse(text) == value


def test_nan_comes_through_for_its_field_to_be_named() -> None:
    assert math.isnan(parse("NaN"))


def test_whole_numbers_stay_exact() -> None:
    assert parse("9" * 30) == 10**30 - 1


@pytest.mark.bar("F10")
def test_whatever_depth_is_read_can_also_be_shown() -> None:
    read = 0
    for depth in range(1, 1001):
        with suppress(ValueError):
            value = parse("[" * depth + "]" * depth)
            assert shown(value).startswith("[")
            read += 1
    assert read > 100


@pytest.mark.bar("F10")
def test_a_repeated_key_among_thousands_is_found_at_once() -> None:
    names = [f'"{number:x}":0' for number in range(7_000)]
    started = process_time()
    with pytest.raises(ValueError, match=r"^'1b57': given twice"):
        parse("{" + ",".join([*names, names[-1]]) + "}")
    assert process_time() - started < 0.2


_WRONG: dict[str, tuple[object, str]] = {
    "no object": ([], r"^the file=\[\]: write an object in braces$"),
    "missing": ({}, r"^shapes: missing; add it$"),
    "unknown field": ({"shapes": [_CIRCLE], "shape": 1}, r"^shape: unknown field; remove it$"),
    "unknown field named like a type": (
        {"shapes": [{**_SQUARE, "square": 1}]},
        r"^shapes\.0\.square: unknown field; remove it$",
    ),
    "field named like its type": ({"shapes": [{**_CIRCLE, "circle": "x"}]}, r"^shapes\.0\.circle='x': choose a whole"),
    "text": ({"shapes": [_CIRCLE], "title": 5}, r"^title=5: write a text in quotes$"),
    "empty text": ({"shapes": [_CIRCLE], "title": ""}, r"^title='': empty; write at least 1 character$"),
    "long text": ({"shapes": [_CIRCLE], "title": "abcdef"}, r"^title='abcdef': choose at most 5 characters$"),
    "surrogate": ({"shapes": [_CIRCLE], "title": "\ud800"}, r"^title='\\ud800': not valid Unicode; retype the text$"),
    "number as truth": ({"shapes": [_CIRCLE], "closed": 1}, r"^closed=1: choose true or false$"),
    "literal": ({"shapes": [_CIRCLE], "colour": "green"}, r"^colour='green': choose one of red or blue$"),
    "no list": ({"shapes": {}}, r"^shapes=\{\}: write a list in square brackets$"),
    "too few": ({"shapes": []}, r"^shapes=\[\]: empty; add at least 1$"),
    "too many": ({"shapes": [_CIRCLE] * 3}, r"^shapes: at most 2 are allowed; remove some$"),
    "no type": ({"shapes": [_CIRCLE, {"side": 1}]}, r"^shapes\.1: no type; choose one of circle, square$"),
    "unknown type": ({"shapes": [{"type": "o"}]}, r"^shapes\.0: unknown type o; choose one of circle, square$"),
    "truth as number": ({"shapes": [{**_SQUARE, "side": True}]}, r"^shapes\.0\.side=True: choose a whole number$"),
    "fraction": ({"shapes": [{**_SQUARE, "side": 3.0}]}, r"^shapes\.0\.side=3\.0: choose a whole number$"),
    "too small": ({"shapes": [{**_SQUARE, "side": 0}]}, r"^shapes\.0\.side=0: choose at least 1$"),
    "too large": ({"shapes": [{**_SQUARE, "side": 10}]}, r"^shapes\.0\.side=10: choose at most 9$"),
    "at the open bound": ({"shapes": [{**_CIRCLE, "radius": 0}]}, r"^shapes\.0\.radius=0: choose more than 0"),
    "at the other open bound": ({"shapes": [{**_CIRCLE, "radius": 10}]}, r"^shapes\.0\.radius=10: choose less than 10"),
    "text as number": ({"shapes": [{**_CIRCLE, "radius": "1"}]}, r"^shapes\.0\.radius='1': choose a number$"),
    "NaN": ({"shapes": [{**_CIRCLE, "radius": math.nan}]}, r"^shapes\.0\.radius=nan: choose a finite number$"),
    "infinite": ({"shapes": [{**_CIRCLE, "radius": -math.inf}]}, r"^shapes\.0\.radius=-inf: choose a finite number$"),
    "several": ({"shapes": [{**_SQUARE, "side": 0}], "x": 1, "closed": 1}, r"^closed=1: choose true or false$"),
    "key of control characters": ({"shapes": [_CIRCLE], "a\n\u202eb": 1}, r'^"?\'a\\n\\u202eb\'"?: unknown field'),
    "long value": ({"shapes": "x" * 1000}, r"^shapes='x{56}\.\.\.: write a list in square brackets$"),
    "long key": ({"shapes": [_CIRCLE], "k" * 1000: 1}, r"^'k{56}\.\.\.: unknown field; remove it$"),
}


@pytest.mark.bar("F10")
@pytest.mark.parametrize(("value", "message"), _WRONG.values(), ids=_WRONG)
def test_a_wrong_field_is_named_in_one_line(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        validated(_Drawing, value, types=("circle", "square"))
    assert str(caught.value).isprintable()


def test_a_right_value_becomes_an_instance() -> None:
    drawing = validated(_Drawing, json.loads(json.dumps({"shapes": [_CIRCLE, _SQUARE]})))
    assert [shape.type for shape in drawing.shapes] == ["circle", "square"]


@pytest.mark.parametrize("value", ["\u202e\0\n", "\ud800", [{"é": "x" * 100}], 10**100, object()])
def test_shown_values_are_short_printable_ascii(value: object) -> None:
    text = shown(value)
    assert text.isprintable()
    assert text.isascii()
    assert len(text) <= 60
