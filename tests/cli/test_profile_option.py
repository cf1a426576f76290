"""`--profile`: a name or a file judges by its rules, and what is neither starts nothing."""

import json
from pathlib import Path

import pytest

from mnistnet.cli.program import main
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.rules import COURSE
from mnistnet.runs.run import Run
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.training.recipe import recipe
from tests.support.samples import metrics, started

OWN = COURSE.changed(name="own", title="Own", params=2_000, consistency="last-2")


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "profile.json"
    path.write_text(OWN.to_json(), encoding="utf-8")
    return str(path)


@pytest.fixture
def run(store: Store) -> Run:
    """Done on MNIST in 3 epochs with 50 errors; the epoch before the last is below the goal."""
    store.enqueue(PRESETS["mnistnet-min"].architecture, recipe({"epochs": 3}))
    run = started(store)
    for epoch, accuracy in enumerate((0.996, 0.993, 0.995), 1):
        transitions.record_epoch(store, run.id, metrics(epoch, validation_accuracy=accuracy))
    transitions.complete(store, run.id, (50, 10_000), "ab" * 32)
    return store.run(run.id)


def test_a_summary_judges_by_the_assignment_a_name_or_a_file(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = {}
    for name in (None, "hard", "8k/15", file):
        assert main(["summary", "mnistnet-min", "--json", *(["--profile", name] if name else [])]) == 0
        first[name] = json.loads(capsys.readouterr().out)[0]["rules"][0]
    assert first[None] == {"rule": "under 20,000 parameters", "passed": True, "detail": "2,506; must be under 20,000"}
    assert first["hard"] == first["8k/15"]
    assert first["8k/15"]["rule"] == "under 8,000 parameters"
    assert first[file] == {"rule": "under 2,000 parameters", "passed": False, "detail": "2,506; must be under 2,000"}


def test_a_shown_run_is_judged_where_a_profile_is_given(
    run: Run, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", run.id, "--json"]) == 0
    assert "rules" not in json.loads(capsys.readouterr().out)
    assert main(["show", run.id, "--json", "--profile", file]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["run"], shown["profile"], shown["passed"]) == (run.id, "own", False)
    assert [rule["passed"] for rule in shown["rules"]] == [False, True, True, True, False]


def test_a_shown_run_says_the_verdict_in_words(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", run.id, "--profile", "20k"]) == 0
    said = capsys.readouterr().out
    assert "  rules of 20k: met\n  pass  under 20,000 parameters: 2,506; must be under 20,000" in said
    assert "  pass  at least 99.4% on the test set of MNIST: 99.50%: 50 errors in 10,000" in said


@pytest.mark.parametrize("command", ["summary", "train"])
@pytest.mark.parametrize("profile", ["30k", "damaged.json", "", "a\0b", "x" * 5000])
def test_what_is_no_profile_is_one_line_and_starts_nothing(
    command: str,
    profile: str,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("damaged.json").write_text('{"version": 1, "name": "a"}', encoding="utf-8")
    assert main([command, "mnistnet-min", "--profile", profile]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("mnistnet: profile")
    assert captured.err.count("\n") == 1
    assert not store.runs()
