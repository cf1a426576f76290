"""Live samples under faults: workers killed while they write one, files that nobody could have written, two dashboards.

Samples are for the eye alone: whatever happens to them, training, metrics and pages go on.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch

from mnistnet import links
from mnistnet.data import datasets, splits
from mnistnet.runs.files import samples
from mnistnet.runs.files.names import SAMPLES
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import training_job
from mnistnet.runs.worker.processes import PROJECT
from tests.faults.conftest import Outcome, outcome
from tests.support.dashboards import free_port, session
from tests.support.dashboards import started as dashboard
from tests.support.pages import opened, texts
from tests.support.processes import until
from tests.support.samples import TINY, recipe, started

pytestmark = pytest.mark.bar("F16")

Undisturbed = Callable[[Run], Outcome]
GIGABYTE = 2**30


@pytest.mark.posix
def test_twenty_kills_while_a_sample_is_written_leave_one_line_and_cost_no_bit(
    store: Store, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.enqueue(TINY, recipe(epochs=30))
    deaths = killed(store, run, kills=20)
    steps = run.recipe.steps(splits.counts(datasets.OFFLINE, "holdout").train)
    for death in deaths:
        written = len(death["positions"])
        assert death["positions"] == [pytest.approx((n + 1) / steps) for n in range(written)]
        assert death["stored"] * steps <= written + 1, "the line goes on where the checkpoint is"
    assert deaths[-1]["stored"] > 5

    monkeypatch.setattr(samples, "SECONDS", 0.0)
    finish(store)
    assert outcome(store, run.id) == undisturbed(run)
    assert len(samples.read(store.folder(run.id))) == 30 * steps


def killed(store: Store, run: Run, kills: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.faults.torn", str(store.root), run.id, str(kills), "15"]
    ended = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, "NUMBA_NUM_THREADS": "1"}, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(found) == kills
    return found


def finish(store: Store) -> None:
    """Train the next run of the queue to its end, in this process."""
    threads = torch.get_num_threads()
    training_job.train(store, started(store))
    torch.set_num_threads(threads)


def gigabyte(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(GIGABYTE)


def folder_instead(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": lambda file: os.truncate(file, file.stat().st_size - 7),
    "garbage": lambda file: file.write_bytes(random.Random(3).randbytes(100_000)),
    "a gigabyte": gigabyte,
    "a folder": folder_instead,
}


@pytest.mark.posix
@pytest.mark.parametrize("damage", DAMAGE)
def test_samples_that_are_damaged_are_left_out_quickly_and_training_goes_on(
    damage: str, store: Store, undisturbed: Undisturbed
) -> None:
    run = store.enqueue(TINY, recipe())
    file = store.folder(run.id) / SAMPLES
    file.write_bytes(bytes(2000))
    DAMAGE[damage](file)
    finish(store)  # the worker finds it so
    assert outcome(store, run.id) == undisturbed(run)

    if file.is_file():
        DAMAGE[damage](file)  # and so does the page
    before = peak_memory()
    began = time.monotonic()
    app = opened("train", run=run.id)
    assert not app.exception
    assert "All 3 epochs finished" in texts(app)
    assert time.monotonic() - began < 20  # on a busy machine; the rest of the page takes a second
    assert peak_memory() - before < GIGABYTE / 4


def peak_memory() -> int:
    """The most bytes of memory that this process has had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@pytest.fixture
def sealed() -> Iterator[Callable[[Path], None]]:
    """Makes a file or folder read-only, for root as well."""
    places: list[Path] = []

    def seal(place: Path) -> None:
        mounted = subprocess.run(["mount", "--bind", str(place), str(place)], capture_output=True, check=False)
        if mounted.returncode:
            pytest.skip(f"no read-only place can be made here: {mounted.stderr.decode().strip()}")
        places.append(place)
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)

    yield seal
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.posix
def test_samples_that_cannot_be_written_cost_nothing_else(
    store: Store, undisturbed: Undisturbed, sealed: Callable[[Path], None]
) -> None:
    run = store.enqueue(TINY, recipe())
    file = store.folder(run.id) / SAMPLES
    file.touch()
    sealed(file)
    finish(store)
    assert outcome(store, run.id) == undisturbed(run)
    assert samples.read(store.folder(run.id)) == []


@pytest.mark.posix
def test_a_run_in_a_read_only_folder_is_shown_with_its_samples(store: Store, sealed: Callable[[Path], None]) -> None:
    run = store.enqueue(TINY, recipe())
    finish(store)
    assert samples.read(store.folder(run.id))
    sealed(store.folder(run.id))
    app = opened("train", run=run.id)
    assert not app.exception
    assert "the training batches as they are trained on" in texts(app)


def test_two_dashboards_on_one_store_run_nothing_twice(store: Store, tmp_path: Path) -> None:
    """Each starts a run at the same time; both then watch both."""
    address = f"design={links.encode_design(TINY)}&recipe={links.encode_recipe(recipe(epochs=20))}"
    place = {"MNISTNET_STORE": str(store.root)}
    with ExitStack() as stack:
        ports = [free_port(), free_port()]
        for port in ports:
            command = ("streamlit", "run", "streamlit_app.py", "--server.port", str(port))
            stack.enter_context(dashboard(*command, log=tmp_path / f"{port}.log", port=port, variables=place))
        visits = [stack.enter_context(session(port)).run("design", address) for port in ports]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda visit: visit.run("design", address, press=visit.button("Start anyway")), visits))
        until(lambda: not store.active())
        for run in store.runs():
            for visit in visits:
                assert "All 20 epochs finished" in visit.run("train", f"run={run.id}").said
        for port in ports:
            assert "Traceback" not in (tmp_path / f"{port}.log").read_text()
    runs = store.runs()
    assert [(run.state, run.attempt, run.epochs_done) for run in runs] == [(RunState.DONE, 1, 20)] * 2
    for run in runs:
        positions = [sample.position for sample in samples.read(store.folder(run.id))]
        assert len(set(positions)) == len(positions) > 0
