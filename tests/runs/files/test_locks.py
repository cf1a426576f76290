"""Locks held by real processes, and what becomes of them when those die."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mnistnet.runs.files import locks

HOLD = "import sys, pathlib; from mnistnet.runs.files import locks; lock = locks.hold(pathlib.Path(sys.argv[1]));"
HOLD += "print(bool(lock), flush=True); sys.stdin.read()"


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until it is told to end."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path: Path) -> None:
    assert not locks.is_held(tmp_path / "lock")


def test_a_lock_is_held_while_its_process_lives(tmp_path: Path) -> None:
    with holder(tmp_path / "lock"):
        assert locks.is_held(tmp_path / "lock")


def test_a_held_lock_is_not_given_to_another(tmp_path: Path) -> None:
    with holder(tmp_path / "lock"):
        assert locks.hold(tmp_path / "lock", patience_seconds=0.1) is None


def test_a_killed_process_holds_its_lock_no_more(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        process.kill()
        process.wait()
        assert not locks.is_held(tmp_path / "lock")


def test_a_dead_child_nobody_has_asked_about_holds_its_lock_no_more(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        process.kill()
        lock = locks.hold(tmp_path / "lock")  # the zombie is still there
        assert lock is not None
        lock.release()


@pytest.mark.posix
def test_a_stopped_process_still_holds_its_lock(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as process:
        process.send_signal(signal.SIGSTOP)
        assert locks.is_held(tmp_path / "lock")


def test_looking_at_a_lock_does_not_keep_it(tmp_path: Path) -> None:
    assert not locks.is_held(tmp_path / "lock")
    assert not locks.is_held(tmp_path / "lock")


def test_a_lock_that_cannot_be_opened_counts_as_held(tmp_path: Path) -> None:
    # Stands for a read-only store: the tests may run as root, whom no permission stops.
    (tmp_path / "lock").mkdir()
    assert locks.is_held(tmp_path / "lock")


def test_runs_and_supervisor_have_locks_of_their_own(tmp_path: Path) -> None:
    paths = {locks.of_supervisor(tmp_path), locks.of_run(tmp_path / "a"), locks.of_run(tmp_path / "b")}
    assert len(paths) == 3
