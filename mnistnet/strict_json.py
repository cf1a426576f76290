"""Strict JSON: refuses what `json.loads` accepts and a file from outside must not contain.

Owns size cap, duplicate keys, overflow and depth; knows no design and no recipe. NaN and infinities
come through `parse`: only `validated` can name the field that holds one.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

MAX_BYTES = 64 * 1024
_SHOWN = 60
_DIGITS = 300  # as many as fit into a float

# pydantic's words, in the form "what is allowed; what to do"; the fields in braces are pydantic's own, {types} is ours.
_SAY = {
    "missing": "missing; add it",
    "extra_forbidden": "unknown field; remove it",
    "union_tag_not_found": "no type; choose one of {types}",
    "union_tag_invalid": "unknown type {tag}; choose one of {expected_tags}",
    "literal_error": "choose one of {expected}",
    "int_type": "choose a whole number",
    "float_type": "choose a number",
    "bool_type": "choose true or false",
    "string_type": "write a text in quotes",
    "string_unicode": "not valid Unicode; retype the text",
    "string_too_short": "empty; write at least {min_length} character",
    "string_too_long": "choose at most {max_length} characters",
    "tuple_type": "write a list in square brackets",
    "too_long": "at most {max_length} are allowed; remove some",
    "too_short": "empty; add at least {min_length}",
    "greater_than_equal": "choose at least {ge}",
    "greater_than": "choose more than {gt}",
    "less_than_equal": "choose at most {le}",
    "less_than": "choose less than {lt}",
    "finite_number": "choose a finite number",
    "model_type": "write an object in braces",
    "model_attributes_type": "write an object in braces",
}
_WITHOUT_VALUE = {"missing", "extra_forbidden", "union_tag_not_found", "union_tag_invalid", "too_long"}

Model = TypeVar("Model", bound=BaseModel)


def parse(text: str | bytes, most: int = MAX_BYTES) -> Any:
    """The value in `text`, or ValueError with one line that says what is wrong.

    Raises ValueError for more than `most` bytes (64 KB), bytes that are no UTF-8, broken JSON, duplicate keys, and
    nesting deeper than the interpreter allows. Numbers too large for a float become infinite.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > most:
        raise ValueError(f"{size:,} bytes: at most {most:,} are allowed; shorten the file")
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(decoded, object_pairs_hook=_object, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start}: not UTF-8; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"{where}: {error.msg}; the file must be one JSON object") from None
    except RecursionError:
        raise ValueError("nested too deeply: a design has three levels; remove the others") from None


def versioned(text: str | bytes, what: str, version: int, place: str = "") -> dict[str, Any]:
    """The fields of a file that has a version, which is not judged here.

    `what` says what the file is, as in `a design is one JSON object with version, name, layers`; `place` stands before
    the messages that do not say it. Raises ValueError as `parse`, where the text is no object, and without a version.
    """
    try:
        value = parse(text)
    except ValueError as error:
        raise ValueError(f"{place}{error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{shown(value)}: {what}")
    if "version" not in value:
        raise ValueError(f'{place}version: missing; add "version": {version}')
    return value


def contents(path: Path) -> bytes:
    """The bytes of the file at `path`, no more than one above the allowed 64 KB, which `parse` refuses.

    Raises OSError, ValueError for a name that no file can have.
    """
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def validated(model: type[Model], value: Any, types: Iterable[str] = ()) -> Model:
    """`value` as an instance of `model`, or ValueError naming the first field that is wrong.

    `types`: the members of the model's tagged union, for the message about an object without a type.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise ValueError(_first_problem(error, types)) from None


def _first_problem(error: ValidationError, types: Iterable[str]) -> str:
    """`layers.2.kernel=4: choose one of 1, 3, 5, 7` from pydantic's longer report."""
    problem = error.errors(include_url=False)[0]
    # After a list index pydantic names the chosen member of a tagged union, which no file contains.
    members, places = set(types), zip((None, *problem["loc"]), problem["loc"], strict=False)
    parts = [part for before, part in places if not (isinstance(before, int) and part in members)]
    path = ".".join(map(_plain, parts)) or "the file"
    words = {name: _plain(value) for name, value in problem.get("ctx", {}).items()} | {"types": ", ".join(types)}
    message = (
        _SAY[problem["type"]].format(**words).replace("'", "")
        if problem["type"] in _SAY
        else problem["msg"].removeprefix("Value error, ")
    )
    if problem["type"] in _WITHOUT_VALUE:
        return f"{path}: {message}"
    return f"{path}={shown(problem['input'])}: {message}"


def shown(value: object) -> str:
    """`value` as it may stand in a one-line message: printable and short."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _plain(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and len(text) <= 2 * _SHOWN else shown(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise ValueError(f"{shown(name)}: given twice; keep one")
        result[name] = value
    return result


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _DIGITS else float(text)
