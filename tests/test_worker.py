"""One run in one process, started here by hand in the supervisor's place."""

import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mnistnet.runs import job, locks, worker
from mnistnet.runs.job import End
from mnistnet.runs.run import Run, State
from mnistnet.runs.store import Store
from tests.processes import until
from tests.samples import TINY, recipe


def claimed(store: Store, **fields: Any) -> Run:
    store.enqueue(TINY, recipe(**fields))
    run = store.claim(1_000)
    assert run is not None
    return run


def start(store: Store, run: Run) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mnistnet.runs.worker", str(store.root), run.id, str(run.attempt)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_worker_trains_its_run_to_the_end_and_says_nothing(store: Store) -> None:
    run = claimed(store)
    process = start(store, run)
    assert process.communicate()[0] == ""
    assert process.returncode == 0
    assert store.run(run.id).state is State.DONE


def test_a_worker_holds_its_runs_lock_while_it_trains(store: Store) -> None:
    run = claimed(store, epochs=100)
    process = start(store, run)
    until(lambda: store.run(run.id).state is State.RUNNING)
    assert locks.is_held(locks.of_run(store.folder(run.id)))
    process.kill()
    process.communicate()
    assert not locks.is_held(locks.of_run(store.folder(run.id)))


def test_a_late_worker_leaves_its_run_alone(store: Store) -> None:
    late = claimed(store)
    store.unclaim(late)
    again = store.claim(1_000)
    process = start(store, late)
    assert process.communicate()[0] == ""
    assert store.run(late.id) == again


def test_missing_data_fails_the_run_with_one_clear_line(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path / "empty"))
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    run = claimed(store, dataset="mnist")
    start(store, run).communicate()
    ended = store.run(run.id)
    assert ended.state is State.FAILED
    assert "train-images-idx3-ubyte: missing, and no copy could be fetched" in ended.message
    assert "--dataset digits" in ended.message
    assert len(ended.message.splitlines()) == 1


# In this process, with the training itself replaced


@pytest.fixture
def worked(store: Store, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A claimed run; and this process keeps its place in the queue for the processor and its threads."""
    monkeypatch.setattr(worker, "_give_way", lambda: None)
    monkeypatch.setattr(worker, "prepare", lambda threads: None)
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
    monkeypatch.setattr(job, "train", raising(RuntimeError("out of ink\nsecond line")))
    ended = work(store, worked)
    assert (ended.state, ended.message) == (State.FAILED, "RuntimeError: out of ink")


def test_an_unexpected_error_leaves_its_traceback_in_the_log(
    store: Store, worked: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(job, "train", raising(RuntimeError("out of ink")))
    work(store, worked)
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):")


def test_an_error_without_words_still_fails_the_run(store: Store, worked: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "train", raising(MemoryError()))
    ended = work(store, worked)
    assert (ended.state, ended.message) == (State.FAILED, "MemoryError: ")


def test_a_run_ends_as_its_training_says(store: Store, worked: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "train", lambda *_: End(State.DIVERGED, "too fast"))
    ended = work(store, worked)
    assert (ended.state, ended.message) == (State.DIVERGED, "too fast")


def test_a_worker_whose_run_is_locked_by_another_leaves_it_alone(
    store: Store, worked: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "hold", lambda _: None)
    assert work(store, worked) == worked
