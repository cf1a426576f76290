"""kill -9 where it hurts: workers at random and at every named point, supervisors, all of them at once."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import torch

from mnistnet.runs.run import EpochMetrics, Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor, training_job
from mnistnet.runs.worker.processes import PROJECT, detach
from mnistnet.system import cores
from tests.faults.conftest import SLOW, Outcome, looking, outcome
from tests.support.processes import supervisors, until, workers
from tests.support.samples import TINY, recipe, started

Undisturbed = Callable[[Run], Outcome]


def hire(store: Store) -> tuple[Run, subprocess.Popen[bytes]]:
    """The next run of the queue, claimed, and a real worker for it."""
    run = transitions.claim(store, 1_000)
    assert run is not None
    arguments = (str(store.root), run.id, str(run.attempt))
    return run, detach("mnistnet.runs.worker.worker", *arguments, log=store.folder(run.id) / "log.txt")


def kill_at_random(store: Store, kills: int, seed: int, epochs: int) -> list[tuple[Run, list[EpochMetrics]]]:
    """Runs one after the other, their workers killed at random moments, until there were so many kills.

    Each with what it had stored, epoch by epoch, when it was first stored.
    """
    moments, ended = random.Random(seed), list[tuple[Run, list[EpochMetrics]]]()
    while kills:
        queued = store.enqueue(SLOW, recipe(epochs=epochs, seed=seed + len(ended)))
        stored: list[EpochMetrics] = []
        while True:
            run, worker = hire(store)
            if kills:
                until(lambda run=run: store.run(run.id).stage == "training")  # type: ignore[misc]
                time.sleep(moments.uniform(0, 0.9))
                if worker.poll() is None:
                    worker.kill()
                    kills -= 1
            worker.wait()
            supervisor.mark_dead(store, store.active())
            seen = store.metrics(run.id)
            assert seen[: len(stored)] == stored, "an epoch that was committed is lost, or was trained again"
            stored = seen
            if store.run(run.id).state is RunState.DONE:
                break
            assert store.run(run.id).state is RunState.INTERRUPTED
            store.resume(run.id)
        ended.append((store.run(queued.id), stored))
    return ended


@pytest.mark.bar("F1", "S5")
def test_ten_kills_at_random_moments_cost_no_epoch_and_no_bit(store: Store, undisturbed: Undisturbed) -> None:
    for run, _ in kill_at_random(store, kills=10, seed=1, epochs=8):
        assert outcome(store, run.id) == undisturbed(run)


@pytest.mark.bar("F1")
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_hundred_kills_at_random_moments_cost_no_epoch_and_no_bit(
    store: Store, undisturbed: Undisturbed, record_testsuite_property: Callable[[str, object], None]
) -> None:
    ended = kill_at_random(store, kills=200, seed=1000, epochs=30)
    for run, _ in ended:
        assert outcome(store, run.id) == undisturbed(run)
    record_testsuite_property("runs", len(ended))


# An epoch's files each call fsync twice and replace once: its guesses, its checkpoint, then, inside the transaction,
# its record. A worker's start has written the record once.
POINTS = {
    "between the guesses and the checkpoint": ("os:replace", 5, "after"),
    "after the temporary write": ("os:fsync", 11, "before"),
    "after fsync": ("os:replace", 6, "before"),
    "after rename": ("os:replace", 6, "after"),
    "before commit": ("mnistnet.runs.store.transitions:record_epoch", 2, "before"),
    "in the record's temporary write": ("os:fsync", 13, "before"),
    "after the record's rename, before commit": ("os:replace", 7, "after"),
    "after commit": ("mnistnet.runs.store.transitions:record_epoch", 2, "after"),
    "before the score is stored": ("mnistnet.runs.store.transitions:complete", 1, "before"),
    "between the answers' files": ("mnistnet.runs.files.predictions:pack", 2, "before"),
}


@pytest.mark.posix
@pytest.mark.bar("F2", "F1")
def test_a_worker_killed_at_each_named_point_goes_on_identically(store: Store, undisturbed: Undisturbed) -> None:
    stores = {point: Store(store.root / str(number)) for number, point in enumerate(POINTS)}
    with ThreadPoolExecutor(2) as pool:  # each of them is mostly the start of a process
        runs = dict(zip(POINTS, pool.map(killed, stores.values(), POINTS), strict=True))
    expected = undisturbed(runs["after rename"])
    for point, run in runs.items():
        assert resumed(stores[point], run) == expected, point


def killed(store: Store, point: str) -> Run:
    """A run whose worker has died at a point."""
    store.enqueue(TINY, recipe(epochs=3))
    run = transitions.claim(store, 1_000)
    assert run is not None
    function, call, when = POINTS[point]
    command = [sys.executable, "-m", "tests.faults.deadly", str(store.root), run.id, str(run.attempt)]
    ended = subprocess.run([*command, function, str(call), when], cwd=PROJECT, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, (point, ended.stderr.decode())
    return store.run(run.id)


def resumed(store: Store, run: Run) -> Outcome:
    """What becomes of it when it is trained to its end, in this process: the start of another is tested above."""
    before = store.metrics(run.id)
    supervisor.mark_dead(store, store.active())
    assert store.run(run.id).state is RunState.INTERRUPTED
    store.resume(run.id)
    threads = torch.get_num_threads()
    training_job.train(store, started(store))
    torch.set_num_threads(threads)
    assert store.metrics(run.id)[: len(before)] == before
    assert list(store.folder(run.id).glob("*.part")) == []
    return outcome(store, run.id)


@pytest.mark.bar("F3")
def test_a_supervisor_killed_with_two_running_and_five_queued_costs_nothing(store: Store) -> None:
    half = max(1, cores() // 2)
    runs = [supervisor.submit(store, SLOW, recipe(epochs=6, threads=half)) for _ in range(2)]
    runs += [supervisor.submit(store, TINY, recipe(epochs=1, threads=half)) for _ in range(5)]
    at_once = min(2, cores())
    until(lambda: [store.run(run.id).epochs_done > 0 for run in runs].count(True) == at_once)
    for process in supervisors(store):
        process.kill()
    assert [store.run(run.id).state for run in runs].count(RunState.QUEUED) == 7 - at_once

    until(looking(store, lambda: not store.active()), seconds=120)
    assert [(store.run(run.id).state, store.run(run.id).attempt) for run in runs] == [(RunState.DONE, 1)] * 7
    for run in runs:
        assert [row.epoch for row in store.metrics(run.id)] == list(range(1, run.recipe.epochs + 1))


def race(store: Store, rounds: int) -> None:
    """Two supervisors at once, again and again; each time for one new run."""
    command = [sys.executable, "-m", "mnistnet.runs.worker.supervisor", str(store.root)]
    for _ in range(rounds):
        # One that fails at its start is over at once: what counts is who takes it.
        run = store.enqueue(TINY, recipe(epochs=1, dataset="mnist"))
        pair = [subprocess.Popen(command, env={"MNISTNET_DATA": str(store.root), "PATH": ""}) for _ in range(2)]
        until(lambda run=run: store.run(run.id).attempt)  # type: ignore[misc]
        assert len([worker for worker in workers(store) if run.id in worker.cmdline()]) <= 1
        store.request_stop(run.id) if store.run(run.id).state.is_active else None
        assert [process.wait(60) for process in pair] == [0, 0]
        assert store.run(run.id).attempt == 1


@pytest.mark.bar("F4")
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_supervisors_at_once_fifty_times_claim_each_run_once(store: Store) -> None:
    race(store, 50)


@pytest.mark.bar("F4")
def test_two_supervisors_at_once_claim_each_run_once(store: Store) -> None:
    race(store, 2)


@pytest.mark.bar("S5", "F3")
def test_everything_killed_at_once_goes_on_from_where_it_was(store: Store, undisturbed: Undisturbed) -> None:
    """As a power cut does it, but for the disk."""
    run = supervisor.submit(store, SLOW, recipe(epochs=5))
    until(lambda: store.run(run.id).epochs_done >= 1)
    for process in [*supervisors(store), *workers(store)]:
        process.kill()
    asked = time.monotonic()
    until(looking(store, lambda: store.run(run.id).state is RunState.INTERRUPTED), seconds=5)
    assert time.monotonic() - asked < 5
    supervisor.resume(store, run.id)
    until(looking(store, lambda: not store.active()))
    assert outcome(store, run.id) == undisturbed(run)


def test_a_worker_that_ignores_a_stop_is_killed_by_the_next_supervisor_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = supervisor.submit(store, SLOW, recipe(epochs=100))
    until(lambda: store.run(run.id).epochs_done >= 1)
    (worker,) = workers(store)
    for process in supervisors(store):
        process.kill()
    worker.suspend()
    store.request_stop(run.id)
    # Looked at again and again, as a page does: the one that was killed may hold its lock for a moment yet.
    until(looking(store, lambda: store.run(run.id).state is RunState.STOPPED), seconds=20)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


def test_a_number_that_belongs_to_another_process_is_left_alone(store: Store, tmp_path: Path) -> None:
    from mnistnet.runs.worker.processes import kill_recorded

    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as other:
        file = tmp_path / "worker.pid"
        file.write_text(str(other.pid))
        kill_recorded(file, "mnistnet.runs.worker.worker", str(store.root), "0123abcd")
        time.sleep(0.2)
        assert other.poll() is None
        other.kill()
