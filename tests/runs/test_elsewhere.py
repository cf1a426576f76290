"""Without the names that only POSIX has, runs are queued, trained, stopped, stored and deleted all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
POOR = HOUSE / "tests" / "support" / "elsewhere"
# Trained twice and compared bit by bit, thousands of damaged files, a download, data sets: no matter of the system.
SLOW = (
    "not identically and not at_once and not changed_under and not flipped and not network"
    " and not damaged_mnist and not zombie"
)
UNITS = [
    *("backup/test_backup", "files/test_atomic", "files/test_checkpoint", "files/test_locks", "files/test_predictions"),
    *("store/test_database", "store/test_deletion", "store/test_store", "test_run"),
    *("worker/test_supervisor", "worker/test_training_job", "worker/test_worker"),
]


# On a system that has no more than every system has.
ELSEWHERE = {"PYTHONPATH": os.pathsep.join([str(POOR), str(HOUSE), os.environ.get("PYTHONPATH", "")])}


@pytest.mark.parametrize("name", ["os.nice", "os.sysconf", "os.O_DIRECTORY", "os.getuid", "signal.SIGKILL"])
def test_the_name_is_hidden_from_mnistnet(name: str) -> None:
    command = [sys.executable, "-c", f"from mnistnet import system; system.{name}"]
    ended = subprocess.run(command, cwd=HOUSE, env={**os.environ, **ELSEWHERE}, capture_output=True, text=True)
    assert f"has no attribute {name.split('.')[1]!r}" in ended.stderr


@pytest.mark.bar("F15")
@pytest.mark.timeout(900)
def test_the_unit_tests_of_runs_pass_without_the_names_that_only_posix_has() -> None:
    files = [f"tests/runs/{name}.py" for name in UNITS]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not posix", "-k", SLOW]
    ended = subprocess.run(command + files, cwd=HOUSE, env={**os.environ, **ELSEWHERE}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout
