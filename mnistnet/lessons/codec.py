"""A lesson as a short text for the address: `1.` and its JSON, deflated, in URL-safe base64 (RFC 1951, RFC 4648).

Complete in itself: no server keeps anything for it. Design and recipe stand in it as in their own links.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable
from typing import Any

from mnistnet import links, strict_json
from mnistnet.lessons.lesson import Lesson, LessonError, strict_lesson
from mnistnet.lessons.work import Look
from mnistnet.links import LinkError

MAX_CHARACTERS = links.MAX_CHARACTERS
MOST_LOOKS = 12  # that an address keeps
_VERSION = "1"
_MOST_BYTES = 16 * 1024  # of the JSON; the largest lesson takes less
_TEXT = re.compile(r"[A-Za-z0-9_-]+")
_LOOK = re.compile(r"([A-Za-z0-9-]{1,32})\.(test|validation)\.([0-9]{1,6})\.(why|layers|pixels|alike)", re.ASCII)
_RAW = -zlib.MAX_WBITS  # deflate without zlib's header and checksum


def encode_lesson(lesson: Lesson) -> str:
    """The lesson as text, at most about a thousand characters for one with a page of text."""
    fields = lesson.model_dump(include={"title", "text", "profile", "locked", "hidden", "tasks"})
    fields["design"] = links.encode_design(lesson.design)
    if lesson.recipe:
        fields["recipe"] = links.encode_recipe(lesson.recipe)
    text = json.dumps({name: value for name, value in fields.items() if value}, separators=(",", ":"))
    packer = zlib.compressobj(9, wbits=_RAW)
    packed = packer.compress(text.encode()) + packer.flush()
    return f"{_VERSION}.{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def decode_lesson(text: str) -> Lesson:
    """The lesson in a link's text; LinkError names the part that is wrong."""
    fields = _fields(text)
    try:
        if "design" in fields:
            fields["design"] = links.decode_design(_text(fields, "design"))
        if "recipe" in fields:
            fields["recipe"] = links.decode_recipe(_text(fields, "recipe"))
        return strict_lesson(fields)
    except (LinkError, LessonError) as error:
        raise LinkError(f"lesson link, {error}") from None


def _fields(text: str) -> dict[str, Any]:
    """The JSON object in the text."""
    version, _, packed = text.partition(".")
    if len(text) > MAX_CHARACTERS:
        raise LinkError(f"lesson link: {len(text):,} characters: at most {MAX_CHARACTERS:,} are allowed; copy it again")
    if version != _VERSION and version.isdecimal():
        raise LinkError(f"lesson link version {strict_json.shown(version)}: this mnistnet reads version 1; update it")
    try:
        value = strict_json.parse(_unpacked(packed)) if version == _VERSION else None
    except ValueError as error:
        raise LinkError(f"lesson link, {error}") from None
    if not isinstance(value, dict):
        raise LinkError(f"lesson link {strict_json.shown(text)}: the link is incomplete; copy it again")
    return value


def _unpacked(text: str) -> bytes:
    """The bytes in the text, at most 16 KB. Raises ValueError."""
    if not _TEXT.fullmatch(text):
        raise ValueError(f"{strict_json.shown(text)}: letters, digits, hyphens and underscores only; copy it again")
    try:
        unpacker = zlib.decompressobj(_RAW)
        data = unpacker.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), _MOST_BYTES)
    except (binascii.Error, zlib.error):
        raise ValueError(f"{strict_json.shown(text)}: the link is damaged; copy it again") from None
    if not unpacker.eof:
        raise ValueError(f"{strict_json.shown(text)}: incomplete, or more than {_MOST_BYTES:,} bytes; copy it again")
    return data


def _text(fields: dict[str, Any], name: str) -> str:
    if not isinstance(fields[name], str):
        raise LinkError(f"{name}={strict_json.shown(fields[name])}: write a text in quotes")
    return str(fields[name])


def encode_looks(looks: Iterable[Look]) -> str:
    """The wrong digits that were looked at, as text: `43211a5b.test.12.why_43211a5b.test.40.alike`."""
    return "_".join(f"{look.run}.{look.split}.{look.index}.{look.question}" for look in looks)


def decode_looks(text: str) -> tuple[Look, ...]:
    """The last of the digits in a text, at most twelve; LinkError names the one that is wrong."""
    return tuple(_look(one) for one in text.split("_")[-MOST_LOOKS:] if one)


def _look(text: str) -> Look:
    found = _LOOK.fullmatch(text)
    if not found:
        raise LinkError(
            f"looks {strict_json.shown(text)}: not a digit that was looked at; open the lesson's link again"
        )
    run, split, index, question = found.groups()
    return Look(run, "test" if split == "test" else "validation", int(index), question)
