"""Supervisors and workers as the processes they are, killed and stopped at bad moments."""

import errno
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import psutil  # type: ignore[import-untyped]
import pytest
import torch

from mnistnet import system
from mnistnet.containers import Groups
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.files import locks
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import processes, supervisor, training_job
from mnistnet.runs.worker.processes import detach
from tests.support.processes import supervisors, until, workers
from tests.support.samples import TINY, figures, recipe, running

# A quarter of a second an epoch: long enough to be caught in the middle.
SLOW = PRESETS["mnistnet-16k"].architecture
EPOCHS = 5


def submit(store: Store, architecture: Architecture = TINY, **fields: Any) -> Run:
    return supervisor.submit(store, architecture, recipe(**fields))


def ended(store: Store, run: Run) -> Callable[[], Run | None]:
    def look() -> Run | None:
        supervisor.refresh(store)
        seen = store.run(run.id)
        return None if seen.state.is_active else seen

    return look


def epochs_stored(store: Store, run: Run, count: int) -> Callable[[], bool]:
    return lambda: store.run(run.id).epochs_done >= count


def kill(process: psutil.Process) -> None:
    process.kill()
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[dict[str, Any]]]:
    """SLOW, trained in this process without a break."""
    threads = torch.get_num_threads()
    store = Store(tmp_path_factory.mktemp("uninterrupted"))
    run = running(store, SLOW, epochs=EPOCHS)
    training_job.train(store, run)
    torch.set_num_threads(threads)
    return store.run(run.id), figures(store.metrics(run.id))


def assert_as_uninterrupted(store: Store, run: Run, uninterrupted: tuple[Run, list[dict[str, Any]]]) -> None:
    whole, rows = uninterrupted
    assert (run.state, run.weights_sha256, run.test_errors) == (RunState.DONE, whole.weights_sha256, whole.test_errors)
    assert figures(store.metrics(run.id)) == rows


# To the end


def test_a_submitted_run_is_trained_with_all_its_files_and_nobody_stays(store: Store) -> None:
    run = until(ended(store, submit(store)))
    assert (run.state, run.epochs_done, run.test_total, run.attempt) == (RunState.DONE, 3, 297, 1)
    names = {path.name for path in store.folder(run.id).iterdir()}
    assert names >= {
        "design.json",
        "recipe.json",
        "epoch-0003.pt",
        "predictions-test.npz",
        "predictions-validation.npz",
    }
    until(lambda: not supervisors(store) and not workers(store))
    assert not locks.is_held(locks.of_supervisor(store.root))


def test_an_empty_store_needs_nobody_and_is_not_even_made(store: Store) -> None:
    supervisor.refresh(store)
    assert not store.root.exists()


# Killed


@pytest.mark.alone
@pytest.mark.bar("S5")
def test_a_killed_worker_shows_as_interrupted_within_five_seconds_and_resumes_identically(
    store: Store, uninterrupted: tuple[Run, list[dict[str, Any]]]
) -> None:
    run = submit(store, SLOW, epochs=EPOCHS)
    until(epochs_stored(store, run, 2))
    (worker,) = workers(store)
    kill(worker)
    killed = until(ended(store, run), seconds=5)
    assert killed.state is RunState.INTERRUPTED
    assert killed.message.startswith("its process ")  # how it ended is known a moment later
    assert killed.epochs_done >= 2

    supervisor.resume(store, run.id)
    assert_as_uninterrupted(store, until(ended(store, run)), uninterrupted)


@pytest.mark.bar("F4")
def test_of_four_supervisors_started_at_once_one_stays_and_each_run_is_claimed_once(store: Store) -> None:
    run = store.enqueue(SLOW, recipe(epochs=100))
    waiting = store.enqueue(TINY, recipe(epochs=1, threads=0))
    command = [sys.executable, "-m", "mnistnet.runs.worker.supervisor", str(store.root)]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    until(epochs_stored(store, run, 1))
    until(lambda: [process.poll() for process in started].count(0) == 3)
    assert len(workers(store)) == 1

    store.request_stop(run.id)
    assert [process.communicate()[1] for process in started] == [""] * 4
    assert [process.returncode for process in started] == [0] * 4
    assert [(seen.id, seen.state, seen.attempt) for seen in store.runs()] == [
        (waiting.id, RunState.DONE, 1),
        (run.id, RunState.STOPPED, 1),
    ]


# Stopped


@pytest.mark.alone
@pytest.mark.bar("S7")
def test_a_stopped_run_ends_within_ten_seconds_and_resumes_identically(
    store: Store, uninterrupted: tuple[Run, list[dict[str, Any]]]
) -> None:
    run = submit(store, SLOW, epochs=EPOCHS)
    until(epochs_stored(store, run, 1))
    asked = time.monotonic()
    assert store.request_stop(run.id).stage == "stopping"
    assert time.monotonic() - asked < 2
    stopped = until(ended(store, run), seconds=10)
    assert (stopped.state, stopped.message) == (RunState.STOPPED, "")
    assert stopped.epochs_done == len(store.metrics(run.id)) >= 1
    until(lambda: not workers(store) and not supervisors(store), seconds=5)

    supervisor.resume(store, run.id)
    assert_as_uninterrupted(store, until(ended(store, run)), uninterrupted)


# The supervisor in a thread of this process, with little patience and workers of our choice

Processes = list[subprocess.Popen[bytes]]
IDLE = "import time; time.sleep(60)"


@pytest.fixture
def supervise(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Processes]]:
    """Begins to supervise the store: with real workers, or with such as run the given code, one after the other."""
    monkeypatch.setattr(supervisor, "STOP_PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(supervisor, "ORPHAN_PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 0.05)
    thread = threading.Thread(target=supervisor.supervise, args=(store,))
    hired: Processes = []

    def begin(*code: str) -> Processes:
        fakes = [[sys.executable, "-c", line] for line in code]

        def hire(module: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
            hired.append(subprocess.Popen(fakes.pop(0)) if code else detach(module, *arguments, log=log))
            return hired[-1]

        monkeypatch.setattr(processes, "detach", hire)
        thread.start()
        return hired

    yield begin
    for run in store.active():
        store.request_stop(run.id)
    thread.join(20)
    assert not thread.is_alive()
    for process in hired:
        process.kill()
        process.wait()


def state(store: Store, run: Run, expected: RunState) -> Callable[[], bool]:
    return lambda: store.run(run.id).state is expected


@pytest.mark.posix
@pytest.mark.bar("S7")
def test_a_worker_that_does_not_stop_is_killed_and_its_run_stopped(
    store: Store, supervise: Callable[..., Processes]
) -> None:
    run = store.enqueue(SLOW, recipe(epochs=100))
    hired = supervise()
    until(epochs_stored(store, run, 1))
    (worker,) = hired
    worker.send_signal(signal.SIGSTOP)
    store.request_stop(run.id)
    until(state(store, run, RunState.STOPPED), seconds=10)
    assert worker.wait(5) == -signal.SIGKILL


@pytest.mark.posix
@pytest.mark.parametrize(
    ("kills", "reason"),
    [
        (1, ", most likely because memory ran out: choose a smaller batch or fewer threads, or free memory"),
        (0, " by signal 9 (the system does this when memory runs out)"),
    ],
    ids=["one more killed for memory", "none"],
)
def test_a_run_whose_worker_was_killed_says_so_whoever_saw_it_first(
    store: Store,
    supervise: Callable[..., Processes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kills: int,
    reason: str,
) -> None:
    (tmp_path / "vmstat").write_text("oom_kill 4\n", "ascii")
    monkeypatch.setattr(system, "GROUPS", Groups(tmp_path, tmp_path))
    run = store.enqueue(TINY, recipe())
    hired = supervise(IDLE)
    until(lambda: hired)
    transitions.start(store, run.id, 1)
    transitions.finish(store, run.id, RunState.INTERRUPTED, "its process ended in epoch 1")  # as a dashboard does
    (tmp_path / "vmstat").write_text(f"oom_kill {4 + kills}\n", "ascii")
    hired[0].kill()
    until(lambda: store.run(run.id).message == f"its process was killed in epoch 1{reason}", seconds=10)


@pytest.mark.posix
def test_a_reason_that_a_worker_gave_stays(store: Store, supervise: Callable[..., Processes]) -> None:
    run = store.enqueue(TINY, recipe())
    hired = supervise(IDLE)
    until(lambda: hired)
    transitions.start(store, run.id, 1)
    transitions.finish(store, run.id, RunState.INTERRUPTED, "the disk is full")
    hired[0].kill()
    until(lambda: not psutil.pid_exists(hired[0].pid), seconds=10)
    assert store.run(run.id).message == "the disk is full"


def test_a_run_for_which_no_process_can_be_started_waits_until_one_can(
    store: Store,
    supervise: Callable[..., Processes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(supervisor, "TROUBLE_SECONDS", 0.1)
    refusals = [0, 0]

    class Refused(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            if refusals:
                refusals.pop()
                raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
            super().__init__(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", Refused)
    run = store.enqueue(TINY, recipe(epochs=1))
    supervise()
    until(lambda: not refusals, seconds=10)
    until(state(store, run, RunState.DONE))
    said = "no process could be started: Resource temporarily unavailable: close other programs and try again\n"
    assert capsys.readouterr().err.count(said) == 2


def test_a_run_that_nobody_can_be_started_for_is_queued_and_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(processes.NotStarted, match=r"^run [0-9a-f]{8} is queued, but no process could be started: "):
        submit(store)
    supervisor.refresh(store)  # tries again, and is no traceback on a page
    assert [run.state for run in store.active()] == [RunState.QUEUED]


def test_an_interpreter_that_may_not_be_executed_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    forbidden = store.root.parent / "python"
    forbidden.write_bytes(b"")
    monkeypatch.setattr(sys, "executable", str(forbidden))
    with pytest.raises(processes.NotStarted, match=f"Permission denied: see to it that {forbidden} can be executed$"):
        submit(store)


def test_a_worker_that_cannot_start_fails_its_run(store: Store, supervise: Callable[..., Processes]) -> None:
    run = store.enqueue(TINY, recipe())
    supervise("raise SystemExit(1)")
    until(state(store, run, RunState.FAILED))
    assert store.run(run.id).message == "its process could not start; the log says why"


def test_a_run_stopped_before_its_worker_is_up_is_stopped(store: Store, supervise: Callable[..., Processes]) -> None:
    run = store.enqueue(TINY, recipe())
    supervise(IDLE)
    until(state(store, run, RunState.STARTING))
    store.request_stop(run.id)
    until(state(store, run, RunState.STOPPED), seconds=10)


def test_a_worker_that_has_ended_leaves_no_zombie_while_others_work(
    store: Store, supervise: Callable[..., Processes]
) -> None:
    run, _ = (store.enqueue(TINY, recipe(threads=0)) for _ in range(2))
    hired = supervise(IDLE, IDLE)
    until(state(store, run, RunState.STARTING))
    until(lambda: len(hired) == 1)
    transitions.finish(store, run.id, RunState.FAILED, "as a worker does before it ends")
    until(lambda: len(hired) == 2)
    hired[0].kill()
    until(lambda: not psutil.pid_exists(hired[0].pid), seconds=5)


def test_a_run_whose_supervisor_died_before_its_worker_was_up_is_claimed_again(
    store: Store, supervise: Callable[..., Processes]
) -> None:
    run = store.enqueue(TINY, recipe())
    transitions.claim(store, 1_000)
    supervise(IDLE)
    until(lambda: store.run(run.id).attempt == 2, seconds=10)


def test_looking_again_and_again_starts_one_supervisor_while_it_lives(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: Processes = []

    def start(*_: str, log: Path) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "-c", IDLE]))
        return started[-1]

    monkeypatch.setattr(supervisor, "detach", start)
    store.enqueue(TINY, recipe())
    for expected in (1, 2):
        for _ in range(5):
            supervisor.refresh(store)
        assert len(started) == expected
        started[-1].kill()
        started[-1].wait()


def test_a_running_run_without_a_worker_is_interrupted(store: Store) -> None:
    run = running(store)
    supervisor.mark_dead(store, store.active())
    assert store.run(run.id).state is RunState.INTERRUPTED


def test_a_running_run_without_a_worker_that_was_to_stop_is_stopped(store: Store) -> None:
    run = running(store)
    store.request_stop(run.id)
    supervisor.mark_dead(store, store.active())
    assert store.run(run.id).state is RunState.STOPPED


def test_a_running_run_whose_lock_is_held_is_left_alone(store: Store) -> None:
    run = running(store)
    lock = locks.hold(locks.of_run(store.folder(run.id)))
    supervisor.mark_dead(store, store.active())
    assert store.run(run.id) == run
    assert lock is not None
    lock.release()
    supervisor.mark_dead(store, store.active())
