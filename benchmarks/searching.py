"""What a search costs beside its trainings: trials that train nothing, through the controller and the store's queue.

`python -m benchmarks.searching [--trials 200]`

(a) the controller alone: an executor whose tasks have ended when they are asked for; (b) through the store's own
queue: a process beside it claims each run, stores an epoch and a score that nobody measured, and completes it. Each
proposal is counted, each line of the log synced, each run a row and a folder. Then the controller's memory: how much
it grows from the first to the last trial of (a).
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from mnistnet.nets.presets import PRESETS
from mnistnet.runs.run import EpochMetrics
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import supervisor
from mnistnet.search import folder as folders
from mnistnet.search.controller import Controller
from mnistnet.search.executors.executor import Event, Executor, Task, TaskEnded
from mnistnet.search.executors.local import LocalQueue
from mnistnet.search.ready import READY
from mnistnet.search.search import Search
from mnistnet.training.recipe import recipe

_EPOCH = EpochMetrics(1, 1.0, 0.5, 1.0, 0.5, 0.1, 1.0, 1.0, checkpoint="epoch-0001.pt", checkpoint_sha256="")


class Instant:
    """An executor whose tasks have ended when they are asked for."""

    slots, waits_for = 3, ""

    def __init__(self) -> None:
        self._keys: list[str] = []

    def submit(self, task: Task) -> None:
        self._keys.append(task.key)

    def events(self) -> list[Event]:
        ended, self._keys = self._keys, []
        return [TaskEnded(key, "done", None, 0.5) for key in ended]

    def cancel(self, key: str) -> None:
        return

    def close(self) -> None:
        return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    trials = parser.parse_args().trials
    with tempfile.TemporaryDirectory() as root:
        before = psutil.Process().memory_info().rss
        seconds = _seconds(Store(Path(root, "a")), Instant(), _search(trials))
        grown = (psutil.Process().memory_info().rss - before) / 2**20
        print(f"(a) controller alone: {trials} trials in {seconds:.1f} s, {trials / seconds:.0f} a second")
        print(f"    memory: {grown:.0f} MiB more, {grown * 1000 / trials:.0f} MiB for a thousand trials")
        store = Store(Path(root, "b"))
        supervisor.ensure = lambda store: None  # nothing is to be trained
        worker = multiprocessing.get_context("spawn").Process(target=_pretend, args=(str(store.root), trials))
        worker.start()
        seconds = _seconds(store, LocalQueue(store), _search(trials))
        worker.join()
        print(f"(b) store's own queue: {trials} trials in {seconds:.1f} s, {trials / seconds:.0f} a second")


def _search(trials: int) -> Search:
    made = READY["spend-the-rest"].make(PRESETS["mnistnet-8k"].architecture, recipe({"epochs": 1}), 1_000_000)
    return made.changed(trials=trials, sampler="random", finalists=0)


def _seconds(store: Store, executor: Executor, search: Search) -> float:
    folder = folders.create(store, search)
    began = time.perf_counter()
    Controller(folder, executor).work()
    return time.perf_counter() - began


def _pretend(root: str, trials: int) -> None:
    """Do what a worker does with so many runs, but for the training."""
    store, done = Store(Path(root)), 0
    while done < trials:
        run = transitions.claim(store, sys.maxsize) if store.root.exists() else None
        if run is None or transitions.start(store, run.id, run.attempt) is None:
            time.sleep(0.002)
            continue
        transitions.record_epoch(store, run.id, _EPOCH)
        done += transitions.complete(store, run.id, None, "0" * 64)


if __name__ == "__main__":
    main()
