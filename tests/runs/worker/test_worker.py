"""One run in one process, started here by hand in the supervisor's place."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mnistnet import system
from mnistnet.data import datasets
from mnistnet.data.files import NAMES, size
from mnistnet.runs.files import locks
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import training_job, worker
from mnistnet.runs.worker.training_job import End
from tests.support.processes import until
from tests.support.samples import TINY, recipe

REAL = datasets.folder(datasets.source("mnist")).resolve()


def claimed(store: Store, **fields: Any) -> Run:
    store.enqueue(TINY, recipe(**fields))
    run = transitions.claim(store, 1_000)
    assert run is not None
    return run


def start(store: Store, run: Run) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mnistnet.runs.worker.worker", str(store.root), run.id, str(run.attempt)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_worker_trains_its_run_to_the_end_and_says_its_precision_alone(store: Store) -> None:
    run = claimed(store)
    process = start(store, run)
    assert process.communicate()[0] in ("precision: bf16\n", "precision: fp32\n")
    assert process.returncode == 0
    assert store.run(run.id).state is RunState.DONE


def test_a_worker_holds_its_runs_lock_while_it_trains(store: Store) -> None:
    run = claimed(store, epochs=100)
    process = start(store, run)
    until(lambda: store.run(run.id).state is RunState.RUNNING)
    assert locks.is_held(locks.of_run(store.folder(run.id)))
    process.kill()
    process.communicate()
    assert not locks.is_held(locks.of_run(store.folder(run.id)))


def test_a_late_worker_leaves_its_run_alone(store: Store) -> None:
    late = claimed(store)
    transitions.unclaim(store, late)
    again = transitions.claim(store, 1_000)
    process = start(store, late)
    assert process.communicate()[0] == ""
    assert store.run(late.id) == again


@pytest.fixture
def unplugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where a process started now looks for MNIST, empty; and no way out of this machine for it."""
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path / "data"))
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    for exception in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(exception, raising=False)
    place = tmp_path / "data" / "MNIST" / "raw"
    place.mkdir(parents=True)
    return place


@pytest.mark.bar("E3")
def test_without_data_and_network_a_run_fails_with_the_path_the_sizes_and_the_command(
    store: Store, unplugged: Path
) -> None:
    run = claimed(store, dataset="mnist")
    start(store, run).communicate()
    ended = store.run(run.id)
    assert ended.state is RunState.FAILED
    assert ended.message.startswith(f"{unplugged / NAMES[0]}: missing, and no copy could be fetched (")
    for name in NAMES:
        assert f"{name} ({size(name):,} bytes)" in ended.message
    assert f"into {unplugged.resolve()}, or set MNISTNET_DATA" in ended.message
    assert "offline sample with --dataset digits; `python -m mnistnet data --dataset mnist` tries" in ended.message
    assert len(ended.message.splitlines()) == 1


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.mnist
@pytest.mark.bar("F9")
@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        (NAMES[0], _cut, "47,040,015 bytes instead of 47,040,016: truncated or another file"),
        (NAMES[0], _alter, "its sha256 is not the published one: damaged or altered"),
        (NAMES[3], _alter, "its sha256 is not the published one: damaged or altered"),
    ],
    ids=["truncated", "altered image", "altered label"],
)
def test_damaged_mnist_is_never_trained_on(
    store: Store, unplugged: Path, name: str, damage: Callable[[Path], None], words: str
) -> None:
    for each in NAMES:
        shutil.copy(REAL / each, unplugged / each)
    damage(unplugged / name)
    run = claimed(store, dataset="mnist")
    start(store, run).communicate()
    ended = store.run(run.id)
    assert ended.state is RunState.FAILED
    assert ended.message.startswith(f"{unplugged / name}: {words}, and no copy could be fetched (")
    assert store.metrics(run.id) == []
    assert not list(store.folder(run.id).glob("*.pt*"))


# In this process, with the training itself replaced


@pytest.fixture
def worked(store: Store, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A claimed run; and this process keeps its place in the queue for the processor and its threads."""
    monkeypatch.setattr(system, "give_way", lambda: None)
    monkeypatch.setattr(worker, "prepare", lambda threads, memory: None)
    return claimed(store)


def work(store: Store, run: Run) -> Run:
    worker.work(store, run.id, run.attempt)
    return store.run(run.id)


def raising(error: Exception) -> Any:
    def train(*_: object) -> NoReturn:
        raise error

    return train


def test_an_unexpected_error_fails_the_run_with_its_first_line(
    store: Store, worked: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_job, "train", raising(RuntimeError("out of ink\nsecond line")))
    ended = work(store, worked)
    assert (ended.state, ended.message) == (RunState.FAILED, "RuntimeError: out of ink")


def test_an_unexpected_error_leaves_its_traceback_in_the_log(
    store: Store, worked: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training_job, "train", raising(RuntimeError("out of ink")))
    work(store, worked)
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):")


def test_an_error_without_words_still_fails_the_run(store: Store, worked: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_job, "train", raising(ZeroDivisionError()))
    ended = work(store, worked)
    assert (ended.state, ended.message) == (RunState.FAILED, "ZeroDivisionError: ")


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")]
)
def test_a_run_that_needs_too_much_memory_says_so(
    store: Store, worked: Run, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setenv("MNISTNET_LIMITS", "memory_mb=1500")
    monkeypatch.setattr(training_job, "train", raising(error))
    ended = work(store, worked)
    assert ended.state is RunState.FAILED
    assert ended.message == "it needs more than the 1.6 GB of memory allowed here; choose a smaller batch"


def test_a_run_ends_as_its_training_says(store: Store, worked: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_job, "train", lambda *_: End(RunState.DIVERGED, "too fast"))
    ended = work(store, worked)
    assert (ended.state, ended.message) == (RunState.DIVERGED, "too fast")


def test_a_worker_whose_run_is_locked_by_another_leaves_it_alone(
    store: Store, worked: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "hold", lambda _: None)
    assert work(store, worked) == worked
