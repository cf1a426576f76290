"""Disks that fill up and stores that cannot be written, under real workers and a real dashboard's reads."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnistnet.runs.files import checkpoint
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from tests.faults.conftest import SLOW, Outcome, looking, outcome
from tests.support.processes import supervisors, until, workers
from tests.support.samples import TINY, recipe

pytestmark = [pytest.mark.bar("F6", "E6"), pytest.mark.posix]

Undisturbed = Callable[[Run], Outcome]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store on a disk of its own, of 3 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be made here: {mounted.stderr.decode().strip()}")
    monkeypatch.setenv("MNISTNET_LIMITS", "free_mb=1")
    monkeypatch.setenv("MNISTNET_STORE", str(place / "runs"))
    store = Store()
    try:
        yield store
        (place / "ballast").unlink(missing_ok=True)
        for run in store.active():
            store.request_stop(run.id)
        until(lambda: not supervisors(store) and not workers(store))
        supervisor._alive()
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(store: Store) -> Path:
    """Take all the room that is left on the store's disk."""
    ballast = store.root.parent / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return ballast


def test_a_disk_that_fills_up_costs_no_stored_epoch_and_the_run_goes_on_once_there_is_room(
    small: Store, undisturbed: Undisturbed
) -> None:
    run = supervisor.submit(small, SLOW, recipe(epochs=8))
    until(lambda: small.run(run.id).epochs_done >= 2)
    ballast = fill(small)
    until(lambda: not workers(small))
    stored = small.metrics(run.id)
    assert 2 <= len(stored) < 8
    found = checkpoint.newest(small.folder(run.id), stored)
    assert found is not None
    assert found[0] == stored[-1], "an epoch counts as stored whose checkpoint is not there"
    with pytest.raises(StoreError, match="0 MB free: at least 1 MB are needed"):
        small.enqueue(TINY, recipe())
    assert len(small.runs()) == 1  # it can still be read

    ballast.unlink()
    until(looking(small, lambda: small.run(run.id).state is RunState.INTERRUPTED), seconds=20)
    supervisor.resume(small, run.id)
    until(looking(small, lambda: not small.active()))
    assert small.metrics(run.id)[: len(stored)] == stored
    assert outcome(small, run.id) == undisturbed(run)


def test_a_limit_on_file_sizes_is_no_lost_epoch_either(store: Store, undisturbed: Undisturbed) -> None:
    """Where no small disk can be made: the kernel refuses the worker what is larger than its first checkpoint."""
    run = supervisor.submit(store, SLOW, recipe(epochs=6))
    until(lambda: store.run(run.id).epochs_done >= 2)
    (worker,) = workers(store)
    import resource

    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
    until(looking(store, lambda: store.run(run.id).state is RunState.INTERRUPTED))
    stored = store.metrics(run.id)
    assert checkpoint.newest(store.folder(run.id), stored) is not None
    supervisor.resume(store, run.id)
    until(looking(store, lambda: not store.active()))
    assert store.metrics(run.id)[: len(stored)] == stored
    assert outcome(store, run.id) == undisturbed(run)


def test_a_supervisor_outlives_a_full_disk(small: Store) -> None:
    """It goes on looking, so that what waits begins once there is room, without anybody's help."""
    first = supervisor.submit(small, SLOW, recipe(epochs=100, threads=0))
    waiting = supervisor.submit(small, TINY, recipe(epochs=1, threads=0))
    until(lambda: small.run(first.id).epochs_done >= 1)
    (process,) = supervisors(small)
    ballast = fill(small)
    until(lambda: not workers(small))
    assert process.is_running()
    ballast.unlink()
    until(lambda: small.run(waiting.id).state is RunState.DONE)


@pytest.fixture
def sealed(store: Store) -> Iterator[Store]:
    """A store with one run of which nothing can be changed, not even by root."""
    run = store.enqueue(TINY, recipe())
    store.request_stop(run.id)
    place = store.root
    mounted = subprocess.run(["mount", "--bind", str(place), str(place)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no read-only place can be made here: {mounted.stderr.decode().strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        yield store
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_read_only_store_is_shown_and_every_change_is_refused_with_the_reason(sealed: Store) -> None:
    (run,) = sealed.runs()
    supervisor.refresh(sealed)
    assert run.state is RunState.STOPPED
    for change in (
        lambda: sealed.enqueue(TINY, recipe()),
        lambda: sealed.resume(run.id),
        lambda: sealed.delete(run.id),
    ):
        with pytest.raises(StoreError, match=r"[Rr]ead-?only"):
            change()
    assert sealed.runs() == [run]
    assert not supervisors(sealed)


def test_a_run_that_waits_while_the_disk_fills_up_is_not_started(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The room is looked at again where a run is claimed, whoever queued it."""
    run = store.enqueue(TINY, recipe())
    free = shutil.disk_usage(store.root).free // 1024**2
    monkeypatch.setenv("MNISTNET_LIMITS", f"free_mb={free + 10_000}")
    supervisor.ensure(store)
    until(lambda: not store.run(run.id).state.is_active)
    ended = store.run(run.id)
    assert (ended.state, ended.epochs_done) == (RunState.INTERRUPTED, 0)
    assert "MB free: at least" in ended.message
    assert not os.path.lexists(store.folder(run.id) / "log.txt")


def test_a_run_over_the_limits_is_not_started_whoever_queued_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    long, large = store.enqueue(TINY, recipe(epochs=50)), store.enqueue(SLOW, recipe(batch_size=2048))
    monkeypatch.setenv("MNISTNET_LIMITS", "epochs=19,memory_mb=1500")
    supervisor.ensure(store)
    until(lambda: not store.active())
    assert [store.run(run.id).state for run in (long, large)] == [RunState.FAILED, RunState.FAILED]
    assert store.run(long.id).message == "epochs 50: at most 19 are allowed here; choose fewer"
    assert "batch size 2048: training this network needs about 4.5 GB of memory" in store.run(large.id).message


def test_limits_that_cannot_be_understood_fail_the_run_and_not_the_supervisor(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.enqueue(TINY, recipe())
    monkeypatch.setenv("MNISTNET_LIMITS", "hours=x")
    supervisor.ensure(store)
    until(lambda: not store.active())
    assert store.run(run.id).state is RunState.FAILED
    assert store.run(run.id).message.startswith("MNISTNET_LIMITS: 'hours=x': write NAME=NUMBER")
    until(lambda: not supervisors(store))
    assert (store.root / supervisor.LOG).read_text() == ""
