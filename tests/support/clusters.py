"""Dask schedulers and workers as real processes on the loopback, and what workers do in tests. No test of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from mnistnet.errors import MnistnetError
from mnistnet.nets.architecture import Architecture
from mnistnet.runs.store.queue import Trial
from mnistnet.runs.store.store import Store
from mnistnet.search.executors import address, outcome, remote
from mnistnet.search.executors.cluster import Cluster, Train
from mnistnet.search.executors.executor import EpochReported, Event, Task, TaskEnded
from mnistnet.search.executors.outcome import Outcome
from mnistnet.search.executors.scheduler import Scheduler
from tests.support.samples import TINY, recipe

HOUSE = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Processes:
    """Processes with sessions of their own, each with its log in a folder."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.environment = folder, environment
        self.started: list[subprocess.Popen[bytes]] = []
        self.count = 0

    def start(self, command: str, **environment: str) -> subprocess.Popen[bytes]:
        """A command of a shell, in the folder of mnistnet, with this Python first on the path."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.count += 1
        with (self.folder / f"{self.count}.log").open("ab") as log:
            process = subprocess.Popen(
                ["bash", "-c", command],
                cwd=HOUSE,
                env={**os.environ, "PATH": path, **self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def log(self) -> str:
        """All that they have printed."""
        return "".join(file.read_text("utf-8", "replace") for file in sorted(self.folder.glob("*.log")))

    def end(self, process: subprocess.Popen[bytes], by: int = signal.SIGKILL) -> None:
        """End a process and what it has started."""
        for one in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            _signal(one.pid, by)
        _signal(process.pid, by)
        process.wait(20)
        self.started.remove(process)

    def close(self) -> None:
        for process in list(self.started):
            self.end(process)


def _signal(pid: int, by: int) -> None:
    try:
        os.kill(pid, by)
    except ProcessLookupError:
        return


@contextmanager
def processes(folder: Path, **environment: str) -> Iterator[Processes]:
    found = Processes(folder, **environment)
    try:
        yield found
    finally:
        found.close()


def task(number: int, architecture: Architecture = TINY, search: str = "abcdef12", **fields: Any) -> Task:
    """A task of a search, as its controller makes it."""
    scored = fields.pop("scored", False)
    return Task(f"{search}-{number}-0", architecture, recipe(**fields), Trial(search, number, scored))


@contextmanager
def connected(store: Store, place: str, train: Train = remote.train) -> Iterator[Cluster]:
    """The executor for the scheduler at an address."""
    cluster = Cluster(store, Scheduler(address.parsed(place)), train=train)
    try:
        yield cluster
    finally:
        cluster.close()


def events(cluster: Cluster, wanted: Callable[[list[Event]], bool], seconds: float = 60) -> list[Event]:
    """The executor's events until there are those that are wanted. Trouble is borne, as the controller does."""
    found: list[Event] = []
    deadline = time.monotonic() + seconds
    while not wanted(found):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {found}"
        try:
            found += cluster.events()
        except MnistnetError as error:
            sys.stderr.write(f"{error}\n")
            time.sleep(0.3)
        time.sleep(0.02)
    return found


def ends(found: list[Event]) -> list[TaskEnded]:
    return [event for event in found if isinstance(event, TaskEnded)]


def epochs(found: list[Event], key: str) -> list[int]:
    return [event.epoch for event in found if isinstance(event, EpochReported) and event.key == key]


def all_ended(cluster: Cluster, tasks: list[Task], seconds: float = 60) -> dict[str, TaskEnded]:
    """Submit the tasks and wait; the end of each, of which there is one."""
    for one in tasks:
        cluster.submit(one)
    found = ends(events(cluster, lambda found: len(ends(found)) >= len(tasks), seconds))
    assert len({end.key for end in found}) == len(found)
    return {end.key: end for end in found}


# What workers do. They import it from here.


def nothing(text: str) -> bytes:
    """Train nothing: what is left is what sending a task and its result takes."""
    return outcome.pack(Outcome(state="failed", message=f"nothing was trained for {remote.parse(text).key}"))


def deadly(text: str) -> bytes:
    """Train, but for trial 0, which kills its worker."""
    if remote.parse(text).key.split("-")[1] == "0":
        os.kill(os.getpid(), signal.SIGKILL)
    return remote.train(text)


def training_pids(dask_worker: Any) -> int:
    """The process of a worker in which a task is under way, else 0. For `Client.run`."""
    return os.getpid() if dask_worker.active_threads else 0


def slow(text: str) -> bytes:
    """Train on the CPU whatever the recipe says, then wait: long enough to be caught in between."""
    document = json.loads(text)
    document["recipe"]["device"] = "cpu"
    done = remote.train(json.dumps(document))
    time.sleep(1)
    return done
