"""Lessons as values and as files."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mnistnet.lessons import lesson as lessons
from mnistnet.lessons.lesson import LessonError, parse, strict_lesson
from mnistnet.nets.presets import FIRST
from mnistnet.training.recipe import Recipe
from tests.support import lessons as samples

PLAIN = {"version": 1, "title": "A title", "design": FIRST.architecture.model_dump()}


def test_a_file_says_all_of_a_lesson() -> None:
    for lesson in samples.lessons(50, seed=1):
        assert parse(lesson.to_json()) == lesson


def test_what_a_lesson_does_not_say_has_a_default() -> None:
    lesson = strict_lesson(PLAIN)
    assert (lesson.text, lesson.start, lesson.held, lesson.tasks) == ("", Recipe(), frozenset(), ())


def test_a_hidden_control_is_held_as_well() -> None:
    assert strict_lesson({**PLAIN, "locked": ["kernel"], "hidden": ["seed"]}).held == {"kernel", "seed"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": 2}, "lesson, version=2: this mnistnet reads version 1; update it"),
        ({"title": ""}, "lesson, title='': empty; write at least 1 character"),
        ({"title": "a\nb"}, "lesson, title='a\\\\nb': only printable"),
        ({"title": "x" * 61}, "choose at most 60 characters"),
        ({"text": "x" * 601}, "choose at most 600 characters"),
        ({"text": "\u202e"}, "only printable characters and line breaks"),
        ({"design": {"version": 1, "name": "x", "layers": []}}, r"lesson, design, layers=\[\]: empty"),
        ({"design": {"name": "x", "layers": [{"type": "cube"}]}}, "lesson, design, layers.0: unknown type cube"),
        ({"design": 3}, "lesson, design, the file=3: write an object"),
        ({"recipe": {"epochs": 0}}, "lesson, recipe, epochs=0: choose at least 1"),
        ({"profile": "none"}, "lesson, profile='none': rules link 'none': choose one of"),
        ({"locked": ["colour"]}, "lesson, locked=.*'colour' is no control; choose from width"),
        ({"locked": "kernel"}, "lesson, locked='kernel': write a list"),
        ({"tasks": [{"check": "luck"}]}, "lesson, tasks.0: unknown type luck; choose one of"),
        ({"tasks": [{"at_least": 3}]}, "lesson, tasks.0: no type; choose one of params"),
        ({"tasks": [{"check": "field", "at_least": 0}]}, "lesson, tasks.0.at_least=0: choose at least 1"),
        ({"tasks": [{"check": "params", "low": 5, "high": 4}]}, "low is above high; exchange them"),
        ({"tasks": [{"check": "batchnorm"}] * 7}, "at most 6 are allowed"),
        ({"colour": "red"}, "lesson, colour: unknown field; remove it"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(LessonError, match=message):
        parse(json.dumps({**PLAIN, **fields}))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"version": 1}', "{" * 9999, '{"title": "a", "title": "b"}'])
def test_what_is_no_lesson_is_refused(text: str) -> None:
    with pytest.raises(LessonError, match=": "):
        parse(text)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=r"^lesson '.*: No such file or directory; give a readable file"):
        lessons.load(tmp_path / "missing.json")


def hostile(count: int, seed: int) -> Iterator[bytes]:
    """Files that no mnistnet wrote: lessons with bytes cut out, repeated or replaced, and with values of any type."""
    random = Random(seed)
    good = [lesson.to_json().encode() for lesson in samples.lessons(20, seed)]
    tokens = (b"{", b"]" * 9, b"[" * 3000, b"null", b"1e999", b"-1", b'"', b"\\u0000", b"\xff", b"NaN", b'"x":1,', b"")
    for _ in range(count):
        text = random.choice(good)
        place, length = random.randrange(len(text)), random.choice((0, 1, 9, 400))
        yield text[:place] + random.choice(tokens) + text[place + length :]


def test_ten_thousand_hostile_files_are_refused_or_read_at_once() -> None:
    seconds, messages = [], []
    for text in hostile(10_000, seed=4):
        began = time.perf_counter()
        try:
            parse(text)
        except LessonError as error:
            messages.append(str(error))
        seconds.append(time.perf_counter() - began)
    assert [message for message in messages if not message.isprintable() or len(message) > 700] == []
    assert len(messages) > 8_000
    assert sorted(seconds)[-10] <= 0.05  # the slowest few are pauses of a busy machine
