"""`check`: exit codes, forms, several files, and files that are no hand-ins."""

import json
from pathlib import Path

import pytest

from mnistnet.cli.program import main
from mnistnet.nets.rules import PROFILES
from tests.support.handins import ANY_ACCURACY, claimed, claiming, honest, zipped

HOSTILE = "\u202ea\x1b.zip"


@pytest.fixture
def good(tmp_path: Path) -> str:
    file = tmp_path / "good.zip"
    file.write_bytes(zipped(honest()))
    return str(file)


@pytest.fixture
def profile(tmp_path: Path) -> str:
    file = tmp_path / "rules.json"
    file.write_text(ANY_ACCURACY.to_json())
    return str(file)


@pytest.mark.mnist
def test_a_hand_in_that_passes_ends_with_0(tmp_path: Path, profile: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mnist.zip"
    file.write_bytes(zipped(honest(dataset="mnist")))
    assert main(["check", str(file), "--profile", profile]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == f"{file}: passed: all 20 checks"
    assert said.err == ""


def test_a_check_that_fails_ends_with_1_and_the_verdict(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", good]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith(f"{good}: not passed: 1 of 20 checks fail: at least 99.4%")
    assert said.err == ""


def test_without_a_profile_it_judges_by_the_built_in_rules_that_the_hand_in_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = honest()
    for named, options, judged, said in (
        ("hard", [], "8k/15", "8k/15, for which it was made"),
        ("hard", ["--profile", "4k"], "4k", "4k; it was made for 'hard'"),
        ("week-5", [], "20k", "20k: it was made for 'week-5', which does not come with mnistnet; "),
    ):
        file = tmp_path / "a.zip"
        file.write_bytes(zipped(claiming(files, {**claimed(files), "profile": named})))
        assert main(["check", str(file), "--json", *options]) == 1
        checks = {check["check"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
        assert checks["rules"]["detail"].startswith(said)
        assert checks["rules"]["passed"] == (named != "week-5")
        assert f"under {PROFILES[judged].params:,} parameters" in checks


@pytest.mark.parametrize("options", [["--json"], ["--format", "json"]])
def test_json_is_the_contracts_document(good: str, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", good, *options]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"passed", "checks"}
    assert all(check.keys() == {"check", "passed", "detail"} for check in found["checks"])


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_what_is_no_hand_in_ends_with_2_and_one_line(
    tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / HOSTILE
    file.write_bytes(b"garbage")
    assert main(["check", str(file), *options]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert said.err.rstrip("\n").isprintable()


def test_several_are_all_checked_where_one_is_no_hand_in(
    good: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"garbage")
    assert main(["check", str(bad), good, "--json"]) == 2
    said = capsys.readouterr()
    assert [len(one["checks"]) for one in json.loads(said.out)["handins"]] == [1, 20]
    assert said.err.startswith("mnistnet: ")


@pytest.mark.parametrize(("data", "code"), [(None, 1), (b"garbage", 2)], ids=["a hand-in", "garbage"])
def test_gradescope_gets_its_file_in_any_case(good: str, tmp_path: Path, data: bytes | None, code: int) -> None:
    if data is not None:
        Path(good).write_bytes(data)
    place = tmp_path / "results" / "results.json"
    assert main(["check", good, "--format", "gradescope", "--output", str(place)]) == code
    assert {"tests", "output"} <= json.loads(place.read_text()).keys()


def test_an_unknown_profile_is_refused(good: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", good, "--profile", "none"]) == 2
    assert "profile 'none'" in capsys.readouterr().err
