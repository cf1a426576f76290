"""The rubric at its exact boundaries, by name, and under every profile."""

import pytest

from mnistnet.nets.architecture import Architecture, Conv, Dropout, Dropout2d, GlobalAvgPool, Layer, Linear
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import COURSE, PROFILES, Note, Profile, Verdict, card, notes, verdicts
from mnistnet.nets.rules.verdicts import sentence
from mnistnet.nets.summary import require, summarize

_19_999 = (
    Conv(channels=37, kernel=3),
    Conv(channels=21, kernel=5, bias=True),
    GlobalAvgPool(),
    Conv(channels=10, kernel=1, bias=True),
)
_ONE_PARAMETER = Conv(channels=1, kernel=1)


def _of(*layers: Layer, epochs: int = 19, profile: Profile = COURSE) -> list[Verdict]:
    design = Architecture(name="n", layers=layers)
    return verdicts(design, require(design), epochs, profile)


def _failed(found: list[Verdict]) -> list[str]:
    return [verdict.rule for verdict in found if not verdict.passed]


@pytest.mark.parametrize(("more", "passed"), [(0, True), (1, False), (2, False)], ids=["19999", "20000", "20001"])
def test_the_budget_is_fewer_than_20_000(more: int, passed: bool) -> None:
    verdict = _of(*[_ONE_PARAMETER] * more, *_19_999)[0]
    count = f"{19_999 + more:,}"
    detail = f"{count}; must be under 20,000"
    assert verdict == Verdict("under 20,000 parameters", passed, detail, f"{count} parameters")


@pytest.mark.parametrize(("epochs", "passed"), [(1, True), (19, True), (20, False), (21, False)])
def test_the_course_allows_fewer_than_20_epochs(epochs: int, passed: bool) -> None:
    found = _of(*_19_999, epochs=epochs)[1]
    assert (found.rule, found.passed, found.detail) == ("under 20 epochs", passed, f"{epochs}; must be under 20")


def test_a_linear_layer_is_flagged_by_name_and_place() -> None:
    found = _of(Conv(channels=4, kernel=3), GlobalAvgPool(), Linear(features=8), Linear(features=10))
    assert found[2] == Verdict(
        "no fully connected layer", False, "fully connected: layer 3, layer 4", "fully connected layer 3, layer 4"
    )


def test_without_a_linear_layer_the_rule_holds() -> None:
    assert _of(*_19_999)[2] == Verdict("no fully connected layer", True, "none", "none")


@pytest.mark.bar("C4")
def test_each_broken_rule_is_named_and_no_other() -> None:
    assert _failed(_of(*_19_999)) == []
    assert _failed(_of(_ONE_PARAMETER, *_19_999)) == ["under 20,000 parameters"]
    assert _failed(_of(*_19_999, epochs=20)) == ["under 20 epochs"]
    assert _failed(_of(GlobalAvgPool(), Linear(features=10))) == ["no fully connected layer"]


@pytest.mark.bar("C4")
def test_another_profile_moves_the_boundaries() -> None:
    design = PRESETS["course-10040"].architecture
    walked = require(design)
    assert _failed(verdicts(design, walked, 19, PROFILES["20k"])) == []
    assert _failed(verdicts(design, walked, 19, PROFILES["10k"])) == ["under 10,000 parameters"]
    assert _failed(verdicts(design, walked, 19, PROFILES["8k/15"])) == ["under 8,000 parameters", "under 16 epochs"]
    assert _failed(verdicts(design, walked, 19, PROFILES["4k"])) == ["under 4,000 parameters"]


def test_a_profile_may_allow_linear_layers() -> None:
    lenient = COURSE.changed(name="lenient", linear_allowed=True)
    assert _of(GlobalAvgPool(), Linear(features=10), profile=lenient)[2].passed


def test_the_course_profile_is_the_assignment() -> None:
    assert (COURSE.params, COURSE.epochs, COURSE.accuracy) == (20_000, 20, 0.994)


def test_profiles_are_found_by_their_names() -> None:
    assert [profile.name for profile in PROFILES.values()] == list(PROFILES)


def test_notes_count_the_layers_that_use_a_technique() -> None:
    layers = (
        Conv(channels=4, kernel=3, after=("batchnorm", "relu", "dropout"), dropout=0.1),
        Conv(channels=4, kernel=3, after=("dropout2d", "dropout", "batchnorm"), dropout=0.1),
        Dropout(rate=0.1),
        Dropout2d(rate=0.1),
        GlobalAvgPool(),
        Conv(channels=10, kernel=1),
    )
    assert notes(Architecture(name="n", layers=layers)) == [
        Note("batch norm", 2),
        Note("dropout", 4),
        Note("global average pooling", 1),
    ]


REQUIRING = PROFILES["techniques"]


@pytest.mark.parametrize(
    ("missing", "layers"),
    [
        ("batch norm", (Conv(channels=10, kernel=3), Dropout(rate=0.1), GlobalAvgPool())),
        ("dropout", (Conv(channels=10, kernel=3, after=("batchnorm",)), Dropout(rate=0.0), GlobalAvgPool())),
        (
            "dropout",
            (Conv(channels=10, kernel=3, after=("batchnorm", "dropout"), dropout=0.0), GlobalAvgPool()),
        ),
        (
            "global average pooling",
            (Conv(channels=1, kernel=3, after=("batchnorm",)), Dropout(rate=0.1), Conv(channels=10, kernel=1)),
        ),
    ],
)
def test_each_required_technique_is_flagged_by_name(missing: str, layers: tuple[Layer, ...]) -> None:
    design = Architecture(name="n", layers=layers)
    found = verdicts(design, summarize(design), 19, REQUIRING)
    assert [(rule.rule, rule.figure) for rule in found[3:] if not rule.passed] == [(f"{missing} used", f"no {missing}")]


def test_a_required_technique_that_is_used_is_met_with_its_count() -> None:
    layers = (Conv(channels=10, kernel=3, after=("batchnorm", "dropout"), dropout=0.1), GlobalAvgPool())
    found = _of(*layers, profile=REQUIRING)
    assert _failed(found) == []
    assert [rule.detail for rule in found[3:]] == ["in 1 layer", "in 1 layer", "in 1 layer"]


def test_an_allowed_linear_layer_is_not_said_to_be_missing() -> None:
    found = _of(GlobalAvgPool(), Linear(features=10), profile=PROFILES["linear-head"])[2]
    assert (found.rule, found.passed) == ("fully connected layers allowed", True)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_before_training_the_card_has_every_rule_and_no_verdict_on_the_accuracy(profile: Profile) -> None:
    design = PRESETS["course-10040"].architecture
    found = card(design, require(design), 18, profile)
    known = verdicts(design, require(design), 18, profile)
    assert found[: len(known)] == known
    assert {(rule.passed, rule.detail) for rule in found[len(known) :]} == {(None, "known after training")}
    assert len(found) - len(known) == (2 if profile.last_epochs else 1)


def test_the_sentence_of_a_profile_names_every_rule() -> None:
    assert sentence(COURSE) == (
        "fewer than 20,000 parameters, fewer than 20 epochs, no fully connected layer, "
        "at least 99.4% on the test set of MNIST"
    )
    assert sentence(REQUIRING).endswith(
        "batch norm used, dropout used, global average pooling used, at least 99.4% on the test set of MNIST"
    )
