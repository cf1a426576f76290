"""Lessons as texts for the address."""

import base64
import json
import time
import zlib
from collections.abc import Iterator
from random import Random

import pytest

from mnistnet import links
from mnistnet.lessons.built_in import lessons
from mnistnet.lessons.codec import MAX_CHARACTERS, decode_lesson, encode_lesson
from mnistnet.lessons.lesson import Lesson
from mnistnet.links import LinkError
from mnistnet.nets.presets import FIRST
from tests.support import lessons as samples

SLOWEST_SECONDS = 0.05


def packed(value: object) -> str:
    """A link with this JSON."""
    return raw(json.dumps(value).encode())


def raw(data: bytes) -> str:
    packer = zlib.compressobj(9, wbits=-15)
    return "1." + base64.urlsafe_b64encode(packer.compress(data) + packer.flush()).decode().rstrip("=")


FIELDS = {"title": "x", "design": links.encode_design(FIRST.architecture)}


@pytest.mark.parametrize("lesson", lessons().values(), ids=list(lessons()))
def test_the_link_of_a_lesson_that_comes_with_mnistnet_is_short_and_whole(lesson: Lesson) -> None:
    text = encode_lesson(lesson)
    assert len(text) <= 1_000
    assert decode_lesson(text) == lesson


def test_a_link_says_all_of_a_lesson() -> None:
    for lesson in samples.lessons(200, seed=2):
        text = encode_lesson(lesson)
        if len(text) <= MAX_CHARACTERS:
            assert decode_lesson(text) == lesson
        else:
            with pytest.raises(LinkError, match="at most 4,000 are allowed"):
                decode_lesson(text)


def test_the_letters_of_a_link_need_no_escape_in_an_address() -> None:
    for lesson in lessons().values():
        assert encode_lesson(lesson).replace(".", "").replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lesson link '': the link is incomplete"),
        ("2.abc", "lesson link version '2': this mnistnet reads version 1; update it"),
        ("1.<script>", "letters, digits, hyphens and underscores only"),
        ("1.abc", "the link is damaged|incomplete"),
        ("x" * 4001, "4,001 characters: at most 4,000"),
        (raw(b" " * 2_000_000), "incomplete, or more than 16,384 bytes"),
        (raw(b"["), "lesson link, line 1"),
        (packed([]), "the link is incomplete"),
        (packed({**FIELDS, "design": "1~q~x"}), "lesson link, design link, layer 1: 'q' is no layer"),
        (packed({**FIELDS, "design": 1}), "lesson link, design=1: write a text"),
        (packed({**FIELDS, "recipe": "1~mnist"}), "lesson link, recipe link"),
        (packed({**FIELDS, "title": 3}), "lesson link, title=3: write a text in quotes"),
        (packed({**FIELDS, "tasks": [{"check": "run", "accuracy": float("nan")}]}), "accuracy=nan"),
        (packed({"title": "x"}), "lesson link, design: missing"),
    ],
)
def test_the_part_that_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(LinkError, match=message):
        decode_lesson(text)


def hostile(count: int, seed: int) -> Iterator[str]:
    """Texts that no encoder made: letters, damaged links, valid deflate of anything, fields of any type."""
    random = Random(seed)
    good = [encode_lesson(lesson) for lesson in samples.lessons(20, seed)]
    values: tuple[object, ...] = (
        None,
        True,
        -1,
        1e999,
        "",
        "x" * 700,
        "<script>",
        "\u202e\x00",
        [],
        {},
        [[]] * 50,
        {"check": []},
        ["kernel"],
    )
    names = (*Lesson.model_fields, "__proto__", "x")
    for number in range(count):
        kind, text = number % 4, random.choice(good)
        if kind == 0:
            yield "".join(chr(random.randint(1, 0x2FF)) for _ in range(random.randint(0, 200)))
        elif kind == 1:
            place = random.randrange(len(text))
            yield text[:place] + random.choice("aZ9-_.~%é") + text[place + random.randint(0, 9) :]
        elif kind == 2:
            yield raw(random.randbytes(random.randint(0, 400)) + b"[" * random.choice((0, 15_000)))
        else:
            yield packed({**FIELDS, **{random.choice(names): random.choice(values) for _ in range(3)}})


@pytest.mark.bar("D2")
def test_ten_thousand_hostile_links_are_refused_or_read_at_once() -> None:
    seconds, messages = [], []
    for text in hostile(10_000, seed=3):
        began = time.perf_counter()
        try:
            decode_lesson(text)
        except LinkError as error:
            messages.append(str(error))
        seconds.append(time.perf_counter() - began)
    assert [message for message in messages if not message.isprintable() or len(message) > 700] == []
    assert len(messages) > 9_000
    assert sorted(seconds)[-10] <= SLOWEST_SECONDS  # the slowest few are pauses of a busy machine
