"""Profiles as values: their JSON, their names of before, what each field allows, and hostile texts."""

import json
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from mnistnet import links
from mnistnet.errors import BadInput
from mnistnet.nets import rules
from mnistnet.nets.rules import COURSE, PROFILES, Profile, ProfileError
from mnistnet.nets.rules.profiles import ALIASES, load, parse

OWN = COURSE.changed(
    name="week-5",
    title="Week 5 ~ “own”",
    params=12_345,
    epochs=16,
    accuracy=0.9945,
    linear_allowed=True,
    techniques=("globalavgpool", "batchnorm"),
    consistency="last-3",
    split="validation",
)
SLOWEST = 0.05  # seconds for one hostile text


@pytest.mark.parametrize("profile", [*PROFILES.values(), OWN], ids=lambda profile: profile.name)
def test_a_profile_comes_back_from_its_file_and_its_link(profile: Profile) -> None:
    assert parse(profile.to_json()) == profile
    assert parse(profile.to_json().encode()) == profile
    assert rules.profile(profile.to_json()) == profile
    assert links.decode_profile(links.encode_profile(profile)) == profile


def test_a_built_in_profile_is_the_same_object_from_wherever_it_is_read() -> None:
    assert parse(COURSE.to_json()) is COURSE
    assert links.decode_profile("20k") is COURSE


@pytest.mark.parametrize(("before", "now"), ALIASES.items())
def test_the_names_of_before_are_read(before: str, now: str) -> None:
    assert links.decode_profile(before) is rules.profile(before) is PROFILES[now]
    assert links.encode_profile(PROFILES[now]) == now


def test_the_limits_behind_the_names_of_before_are_those_of_before() -> None:
    limits = {name: (found.params, found.epochs, found.accuracy) for name in ALIASES if (found := rules.profile(name))}
    assert limits == {
        "course": (20_000, 20, 0.994),
        "half": (10_000, 20, 0.994),
        "hard": (8_000, 16, 0.994),
        "tiny": (4_000, 20, 0.99),
    }
    for name in ALIASES:
        found = rules.profile(name)
        assert (found.linear_allowed, found.techniques, found.consistency, found.split) == (False, (), "final", "test")


def test_the_techniques_stand_in_one_order() -> None:
    assert OWN.techniques == ("batchnorm", "globalavgpool")


@pytest.mark.parametrize(
    ("accuracy", "goal"), [(0.994, "99.4%"), (0.99, "99.0%"), (0.9945, "99.45%"), (1.0, "100.0%"), (0.07, "7.0%")]
)
def test_the_goal_in_percent_is_not_rounded(accuracy: float, goal: str) -> None:
    assert COURSE.changed(name="own", accuracy=accuracy).goal == goal


def test_a_profile_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        COURSE.params = 1  # type: ignore[misc]


def _file(**changes: Any) -> str:
    fields = {**json.loads(OWN.to_json()), **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not ...})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"version": 2}, r"version=2: this mnistnet reads version 1; update it"),
        ({"version": ...}, r'version: missing; add "version": 1'),
        ({"name": ""}, r"name='': 1 to 40 letters"),
        ({"name": "two words"}, r"name='two words'"),
        ({"name": "../../etc"}, r"name='../../etc'"),
        ({"name": "20k"}, r"name='20k': these are not the rules of that name; choose another name"),
        ({"name": "course"}, r"name='course': these are not the rules"),
        ({"title": "a\nb"}, r"title=.*printable"),
        ({"title": "x" * 81}, r"title=.*at most 80 characters"),
        ({"params": 1}, r"params=1: choose at least 2"),
        ({"params": True}, r"params=True: choose a whole number"),
        ({"params": 20000.0}, r"params=20000.0: choose a whole number"),
        ({"epochs": 102}, r"epochs=102: choose at most 101"),
        ({"accuracy": 99.4}, r"accuracy=99.4: choose at most 1"),
        ({"accuracy": float("nan")}, r"accuracy=nan: choose a finite number"),
        ({"accuracy": 0.99401}, r"accuracy=0.99401: at most four decimals"),
        ({"linear_allowed": "no"}, r"linear_allowed='no': choose true or false"),
        ({"techniques": ["relu"]}, r"techniques.0='relu': choose one of batchnorm, dropout or globalavgpool"),
        ({"techniques": ["dropout", "dropout"]}, r"techniques=.*each technique at most once"),
        ({"consistency": "often"}, r"consistency='often': choose once, final, or last-5"),
        ({"consistency": "last-0"}, r"consistency='last-0'"),
        ({"consistency": "last-16"}, r"consistency='last-16': no run with fewer than 16 epochs has as many"),
        ({"consistency": "once", "split": "test"}, r"split='test': with once, choose validation"),
        ({"split": "train"}, r"split='train': choose one of test or validation"),
        ({"budget": 1}, r"budget: unknown field; remove it"),
        ({"params": ...}, r"params: missing; add it"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_allowed(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ProfileError, match=named) as error:
        parse(_file(**changes))
    assert "\n" not in str(error.value)


def test_a_changed_profile_is_checked() -> None:
    with pytest.raises(ProfileError, match="epochs=1: choose at least 2"):
        OWN.changed(epochs=1)


@pytest.mark.parametrize("text", ["", "[]", "1", "null", '{"version": 1', "30k", "{", "\udcff"])
def test_what_is_no_profile_is_one_line(text: str) -> None:
    for read in (parse, rules.profile):
        with pytest.raises(ProfileError) as error:
            read(text)
        assert "\n" not in str(error.value)


def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path, Path("a\0b")):
        with pytest.raises(ProfileError, match="give a readable file"):
            load(path)


def test_hostile_texts_are_refused_fast_and_in_one_line() -> None:
    random, slowest = Random(14), 0.0
    for number in range(10_000):
        read, text = _hostile(random, number)
        begun, message = time.process_time(), ""
        try:
            read(text)
        except BadInput as error:
            message = str(error)
        slowest = max(slowest, time.process_time() - begun)
        assert message.isprintable()
        assert len(message) < 500
    assert slowest < SLOWEST


_PIECES = (
    "~",
    "1",
    "\0",
    "9" * 400,
    "last-",
    "-1",
    "1e400",
    "NaN",
    "{",
    "}",
    '"',
    "[" * 500,
    "<script>",
    "🙂",
    "\u202e",
)


def _hostile(random: Random, number: int) -> tuple[Any, str]:
    """A damaged link or file, or letters without order, and what reads it."""
    is_link = number % 2 == 0
    text = links.encode_profile(OWN) if is_link else OWN.to_json()
    if number % 10 > 7:
        text = "".join(random.choices(_PIECES, k=random.randint(0, 40)))
    for _ in range(random.randint(1, 4)):
        place = random.randint(0, len(text))
        text = text[:place] + random.choice(_PIECES) + text[place + random.randint(0, 6) :]
    return (links.decode_profile if is_link else parse), text
