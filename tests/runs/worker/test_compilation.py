"""Kernels compiled before a training needs them: one process, which may be killed, and for which nobody waits."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from mnistnet.nets.presets import PRESETS
from mnistnet.runs.files import locks
from mnistnet.runs.worker import compilation, processes
from mnistnet.runs.worker.compilation import Progress
from mnistnet.training import acceleration
from tests.support.processes import until

MODULE = "mnistnet.runs.worker.compilation"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache without any kernel; whatever compiles into it is killed afterwards."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv(compilation.SWITCH)
    monkeypatch.setattr(compilation, "_started", [])
    yield tmp_path
    for process in compilation._started:
        if isinstance(process, subprocess.Popen):
            process.kill()
            process.wait()


class Ended:
    """A process that has ended."""

    def poll(self) -> int:
        return 0


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that would be started."""
    modules: list[str] = []

    def detach(module: str, *, log: Path) -> Ended:
        modules.append(module)
        return Ended()

    monkeypatch.setattr(compilation, "detach", detach)
    monkeypatch.setattr(compilation, "_started", [])
    return modules


def test_missing_kernels_are_compiled_and_kept_ones_are_not(folder: Path, started: list[str]) -> None:
    compilation.ensure()
    assert started == [MODULE]
    (folder / compilation._DONE).write_text(compilation._conditions(), "utf-8")
    compilation.ensure()
    assert started == [MODULE]


@pytest.mark.parametrize("text", ["", "numba 0.1, another machine", "\0" * 100_000])
def test_kernels_of_another_state_are_compiled_anew(text: str, folder: Path, started: list[str]) -> None:
    (folder / compilation._DONE).write_text(text, "utf-8")
    compilation.ensure()
    assert started == [MODULE]


@pytest.mark.parametrize(("switch", "value"), [(compilation.SWITCH, "off"), (acceleration.SWITCH, "off")])
def test_nothing_is_compiled_where_that_is_switched_off(
    switch: str, value: str, folder: Path, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(switch, value)
    compilation.ensure()
    assert started == []
    assert compilation.progress() is None


def test_nothing_is_compiled_where_it_could_not_be_kept(started: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(compilation.SWITCH)
    monkeypatch.setattr(acceleration, "cache_folder", lambda: None)
    compilation.ensure()
    assert started == []


@pytest.mark.parametrize(("text", "done"), [("3", 3), ("", 0), ("x", 0), ("-1", 0), ("999", len(PRESETS))])
def test_progress_is_that_of_the_process_at_work(text: str, done: int, folder: Path, started: list[str]) -> None:
    (folder / compilation._PROGRESS).write_text(text, "utf-8")
    assert compilation.progress() is None
    lock = locks.hold(folder / compilation._LOCK)
    assert lock is not None
    try:
        assert compilation.progress() == Progress(done, len(PRESETS))
        compilation.ensure()
        assert started == []  # one process is enough
    finally:
        lock.release()


def test_of_two_started_at_once_one_stays_and_a_killed_one_is_followed_by_another(folder: Path) -> None:
    ours = compilation._started
    ours.extend(processes.detach(MODULE, log=folder / compilation._LOG) for _ in range(2))
    until(lambda: list(folder.rglob("*.nbi")))  # in the midst of compiling
    first, second = sorted(ours, key=lambda process: process.poll() is not None)
    assert second.wait(60) == 0
    assert psutil.Process(first.pid).nice() == 19
    assert compilation.progress() == Progress(0, len(PRESETS))
    first.kill()
    first.wait()
    until(lambda: compilation.progress() is None)
    compilation.ensure()
    assert compilation.progress() == Progress(0, len(PRESETS))  # from its start on, before it holds the lock
    assert [process.poll() for process in ours] == [None]
