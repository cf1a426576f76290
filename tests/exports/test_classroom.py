"""The format `classroom`: the pytest file judges a repository, in a process of its own, and runs no code of it."""

import os
import subprocess
import sys
from pathlib import Path

from mnistnet.exports import classroom
from mnistnet.handins.archive import MODEL
from tests.support.handins import Files, claimed, claiming, honest

HOUSE = Path(__file__).parents[2]


def judged(folder: Path, files: Files) -> subprocess.CompletedProcess[str]:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    written = classroom.classroom()
    (folder / classroom.TEST).write_bytes(written[classroom.TEST])
    return subprocess.run(
        [sys.executable, "-m", "pytest", classroom.TEST, "-v", *classroom.OPTIONS],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HOUSE), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_good_repository_fails_only_at_the_goal(tmp_path: Path) -> None:
    ended = judged(tmp_path, honest())
    assert "1 failed, 19 passed" in ended.stdout, ended.stdout
    assert "no accuracy on it is an MNIST accuracy" in ended.stdout


def test_a_bad_repository_fails_with_the_reason_and_its_code_is_not_run(tmp_path: Path) -> None:
    files, value = honest(), claimed(honest())
    value["claims"]["parameters"] = 10
    mark = tmp_path / "was-run"
    spoiled = claiming({**files, MODEL: f"open({str(mark)!r}, 'w')".encode()}, value)
    for module in ("conftest", "torch", "numpy", "mnistnet", "pytest", "plugin"):
        (tmp_path / f"{module}.py").write_text(f"open({str(mark)!r}, 'w')")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p plugin\n")
    ended = judged(tmp_path, spoiled)
    assert ended.returncode == 1
    assert "468 counted, 10 claimed" in ended.stdout
    assert not mark.exists()


def test_an_empty_repository_is_told_what_is_missing(tmp_path: Path) -> None:
    ended = judged(tmp_path, {})
    assert "no manifest.json in it" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_the_workflow_runs_the_test_without_code_of_the_repository() -> None:
    workflow = classroom.classroom()[classroom.WORKFLOW].decode()
    assert f"python -m pytest {classroom.TEST} -v {' '.join(classroom.OPTIONS)}\n" in workflow
    assert 'PYTHONSAFEPATH: "1"' in workflow
    assert "contents: read" in workflow
