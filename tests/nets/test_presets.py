"""Our presets against the layer tables that the published solutions printed, row by row."""

import pytest

from mnistnet.nets.architecture import parse
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.nets.rules import COURSE, verdicts
from mnistnet.nets.summary import require

# type, channels, side, parameters; rows of ReLU left out.
_10216 = """
conv 8 26 72, dropout 8 26 0, batchnorm 8 26 16
conv 8 24 576, dropout 8 24 0, batchnorm 8 24 16
conv 8 22 576, dropout 8 22 0, batchnorm 8 22 16
conv 8 20 576, dropout 8 20 0, batchnorm 8 20 16
maxpool 8 10 0
conv 16 8 1152, dropout 16 8 0, batchnorm 16 8 32
conv 16 6 2304, dropout 16 6 0, batchnorm 16 6 32
conv 16 4 2304, dropout 16 4 0, batchnorm 16 4 32
conv 16 2 2304, dropout 16 2 0, batchnorm 16 2 32
conv 10 2 160
"""
_19290 = """
conv 16 28 160, batchnorm 16 28 32
conv 16 26 2320, batchnorm 16 26 32
maxpool 16 13 0, dropout 16 13 0
conv 16 13 2320, batchnorm 16 13 32
conv 32 13 4640, batchnorm 32 13 64
conv 16 7 4624, batchnorm 16 7 32
maxpool 16 3 0, dropout 16 3 0
conv 32 3 4640, batchnorm 32 3 64
maxpool 32 1 0, dropout 32 1 0
linear 10 1 330
"""
_10040 = """
conv 8 28 72, batchnorm 8 28 16, dropout 8 28 0
conv 16 28 1152, batchnorm 16 28 32, dropout 16 28 0
conv 16 28 2304, batchnorm 16 28 32, dropout 16 28 0
maxpool 16 14 0
conv 8 14 128, batchnorm 8 14 16, dropout 8 14 0
conv 16 14 1152, batchnorm 16 14 32, dropout 16 14 0
conv 16 14 2304, batchnorm 16 14 32, dropout 16 14 0
maxpool 16 7 0
conv 8 7 128, batchnorm 8 7 16, dropout 8 7 0
conv 16 5 1152, batchnorm 16 5 32, dropout 16 5 0
conv 10 3 1440
globalavgpool 10 1 0
"""
_19122 = """
conv 16 28 160, batchnorm 16 28 32, dropout2d 16 28 0
conv 32 28 4640, batchnorm 32 28 64, dropout2d 32 28 0
maxpool 32 14 0
conv 8 14 264
conv 16 14 1168, batchnorm 16 14 32, dropout2d 16 14 0
conv 32 14 4640, batchnorm 32 14 64, dropout2d 32 14 0
maxpool 32 7 0
conv 16 7 528
conv 32 5 4640, dropout2d 32 5 0
conv 10 3 2890
avgpool 10 1 0
"""
_18738 = """
conv 128 28 1280, batchnorm 128 28 256, dropout2d 128 28 0
conv 8 30 1032
conv 16 30 1168, batchnorm 16 30 32, dropout2d 16 30 0
maxpool 16 15 0
conv 16 15 2320, batchnorm 16 15 32, dropout2d 16 15 0
conv 32 15 4640, batchnorm 32 15 64, dropout2d 32 15 0
maxpool 32 7 0
conv 16 9 528
conv 16 9 2320, batchnorm 16 9 32, dropout2d 16 9 0
conv 32 9 4640, batchnorm 32 9 64, dropout2d 32 9 0
conv 10 11 330
avgpool 10 1 0
"""
_PUBLISHED = {
    "course-10216": _10216,
    "course-19290": _19290,
    "course-10040": _10040,
    "course-19122": _19122,
    "course-18738": _18738,
}
# This table ends before the pooling that brings its ten 2x2 maps to ten values.
_CLOSING = {"course-10216": [("globalavgpool", (10, 1, 1), 0)]}
_TOTALS = {
    "course-10216": 10_216,
    "course-19290": 19_290,
    "course-10040": 10_040,
    "course-19122": 19_122,
    "course-18738": 18_738,
    "mnistnet-16k": 16_010,
    "mnistnet-10k": 9_482,
    "mnistnet-8k": 7_514,
    "mnistnet-4k": 3_802,
    "mnistnet-min": 2_506,
    "plain-16k": 16_170,
}
_NAMES = list(PRESETS)

Rows = list[tuple[str, tuple[int, int, int], int]]


def _published(name: str) -> Rows:
    rows: Rows = []
    for row in _PUBLISHED[name].strip().replace("\n", ",").split(","):
        kind, channels, side, params = row.split()
        rows.append((kind, (int(channels), int(side), int(side)), int(params)))
    return rows + _CLOSING.get(name, [])


@pytest.mark.parametrize("name", _PUBLISHED)
def test_rows_equal_the_published_table(name: str) -> None:
    ours = [(row.type, row.shape, row.params) for row in require(PRESETS[name].architecture).rows]
    assert ours == _published(name)


@pytest.mark.parametrize(("name", "total"), _TOTALS.items())
def test_totals_are_the_known_ones(name: str, total: int) -> None:
    assert PRESETS[name].params == total


@pytest.mark.parametrize("name", _NAMES)
def test_a_preset_is_named_like_its_file(name: str) -> None:
    assert (PRESETS[name].name, PRESETS[name].architecture.name) == (name, name)


@pytest.mark.parametrize("name", _NAMES)
def test_a_preset_survives_its_own_file(name: str) -> None:
    assert parse(PRESETS[name].architecture.to_json()) == PRESETS[name].architecture


@pytest.mark.parametrize("name", _NAMES)
def test_a_preset_keeps_the_courses_budget(name: str) -> None:
    design = PRESETS[name].architecture
    assert verdicts(design, require(design), epochs=19)[0].passed


def test_only_the_course_solution_with_a_linear_head_breaks_a_rule() -> None:
    broken = {
        name: verdict.rule
        for name, preset in PRESETS.items()
        for verdict in verdicts(preset.architecture, require(preset.architecture), epochs=19, profile=COURSE)
        if not verdict.passed
    }
    assert broken == {"course-19290": "no fully connected layer"}


def test_what_a_newcomer_sees_first_is_our_own() -> None:
    assert FIRST.name == "plain-16k"
    assert FIRST.published is None


def test_published_accuracies_are_fractions_as_their_authors_state_them() -> None:
    stated = {name: preset.published.accuracy for name, preset in PRESETS.items() if preset.published}
    assert stated == {
        "course-19290": 0.993,
        "course-10040": 0.9943,
        "course-19122": 0.9955,
        "course-18738": 0.9939,
    }
