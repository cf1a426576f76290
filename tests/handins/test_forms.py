"""The verdict on hand-ins as text, JSON, JUnit XML, Gradescope's results and CSV."""

import csv
import json
from xml.etree import ElementTree

import pytest

from mnistnet.handins import forms
from mnistnet.handins.results import Check, Checked, refused

GOOD = Checked(
    "a.zip", (Check("files", True, "6 as listed"), Check("weights", True, "43 tensors")),
    author="=cmd()", design="<b>\x1b", data="MNIST", errors=50, total=10_000, parameters=2506, epochs=19,
)  # fmt: skip
BAD = Checked("b.zip", (Check("files", False, 'log.txt "changed" <x>\x00'), Check("weights", True, "fit")))
NONE = refused("c.zip", "'c.zip': no zip file")
ALL = [GOOD, BAD, NONE]


def test_the_text_ends_with_the_verdict_in_one_line() -> None:
    lines = forms.text([BAD]).splitlines()
    assert lines[1] == 'FAIL  files    log.txt "changed" <x>\N{REPLACEMENT CHARACTER}'
    assert lines[-1] == "b.zip: not passed: 1 of 2 checks fail: files"
    assert "\x1b" not in forms.text(ALL)


def test_the_document_of_one_is_the_contracts() -> None:
    assert forms.document([BAD]) == {
        "passed": False,
        "checks": [
            {"check": "files", "passed": False, "detail": 'log.txt "changed" <x>\x00'},
            {"check": "weights", "passed": True, "detail": "fit"},
        ],
    }


def test_the_document_of_several_names_each() -> None:
    found = json.loads(forms.as_json(forms.document(ALL)))
    assert found["passed"] is False
    assert [one["handin"] for one in found["handins"]] == ["a.zip", "b.zip", "c.zip"]


def test_junit_counts_failures_and_is_xml_whatever_the_texts_are() -> None:
    suites = ElementTree.fromstring(forms.junit(ALL)).findall("testsuite")
    assert [(suite.get("tests"), suite.get("failures")) for suite in suites] == [("2", "0"), ("2", "1"), ("1", "1")]
    failure = suites[1].find("testcase/failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith('log.txt "changed" <x>')


def test_gradescope_has_a_score_a_check_and_a_leaderboard() -> None:
    found = forms.gradescope([GOOD])
    assert [(test["name"], test["score"], test["max_score"], test["status"]) for test in found["tests"]] == [
        ("files", 1.0, 1.0, "passed"),
        ("weights", 1.0, 1.0, "passed"),
    ]
    assert [(row["name"], row["value"]) for row in found["leaderboard"]] == [
        ("accuracy", 0.995), ("parameters", 2506), ("epochs", 19),
    ]  # fmt: skip


@pytest.mark.parametrize("several", [[NONE], ALL], ids=["no hand-in", "several"])
def test_gradescope_has_no_leaderboard_without_one_hand_in(several: list[Checked]) -> None:
    found = forms.gradescope(several)
    assert "leaderboard" not in found
    assert found["tests"][-1]["status"] == "failed"


def test_the_table_has_a_line_each_and_no_formula() -> None:
    rows = list(csv.DictReader(forms.table(ALL).splitlines()))
    assert [row["hand-in"] for row in rows] == ["a.zip", "b.zip", "c.zip"]
    assert rows[0]["author"] == "'=cmd()"
    assert (rows[0]["accuracy"], rows[0]["errors"]) == ("0.995", "50")
