"""What dashboards and commands do with searches: start, pause, resume, stop, extend. Imports no torch, no Optuna."""

import subprocess
import time
from contextlib import suppress
from pathlib import Path

from mnistnet.runs.store.store import Store
from mnistnet.runs.users import User
from mnistnet.runs.worker.processes import NotStarted, detach
from mnistnet.search import folder as folders
from mnistnet.search import sampler
from mnistnet.search.executors import connection
from mnistnet.search.folder import LOG, OUTPUT, SearchFolder, Wanted
from mnistnet.search.search import Search, SearchError

_END_SECONDS = 2.0  # that the process of a controller that has done its work may take to end
_PATIENCE_SECONDS = 20.0  # between two starts of a controller that ends at once

_started: dict[Path, tuple[subprocess.Popen[bytes], float]] = {}
_ended: dict[Path, tuple[Wanted, int]] = {}  # of searches that have ended: what was wanted, and bytes of the log


def start(store: Store, search: Search, owner: str = "", cluster: str = "", *, insecure: bool = False) -> SearchFolder:
    """Start a search and the process that controls it; where none can be started, any look at the store tries again.

    Raises SearchError for a search that could not run, MissingExtra, WriteError, and what the cluster's address raises.
    """
    sampler.require_available(search)
    connection.require_usable(cluster, insecure=insecure)
    folder = folders.create(store, search, owner, cluster, insecure=insecure)
    _ensure(folder)
    return folder


def refresh(store: Store) -> None:
    """Start a controller for every search that waits for one. Reads no log twice of a search that has ended."""
    for path, (process, since) in list(_started.items()):
        if process.poll() is not None and time.monotonic() - since > _PATIENCE_SECONDS:
            del _started[path]
    for folder in folders.all_of(store):
        with suppress(SearchError, OSError):
            if _waits(folder):
                _ensure(folder)


def _waits(folder: SearchFolder) -> bool:
    wanted = folder.wanted()
    if wanted.state != "running" or folder.is_controlled():
        return False
    log = folder.path / LOG
    now = wanted, log.stat().st_size if log.exists() else 0
    if _ended.get(folder.path) == now:
        return False
    waits = folder.state(folder.trials()) == "waiting"
    if not waits:
        _ended[folder.path] = now
    return waits


def pause(folder: SearchFolder, by: User | None = None) -> None:
    """Start no further training; those under way end. Raises SearchError, NotOwner, WriteError."""
    folder.want(by, state="paused")


def stop(folder: SearchFolder, by: User | None = None) -> None:
    """End it with the trainings under way; `resume` begins these anew. Raises as `pause`."""
    folder.want(by, state="stopped")


def resume(folder: SearchFolder, by: User | None = None) -> None:
    """Let a paused or stopped search go on. Raises as `pause`."""
    folder.want(by, state="running")
    _ensure(folder, at_once=True)


def extend(folder: SearchFolder, trials: int, by: User | None = None) -> None:
    """Let a search have so many trials more, also one that is done. Raises as `pause`."""
    folder.want(by, state="running", trials=folder.wanted().trials + trials)
    _ensure(folder, at_once=True)


def _ensure(folder: SearchFolder, *, at_once: bool = False) -> None:
    process, since = _started.get(folder.path, (None, 0.0))
    if at_once and process and not folder.is_controlled():  # it has just let go of the search, and ends
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
    is_alive = process is not None and process.poll() is None
    is_early = not at_once and time.monotonic() - since < _PATIENCE_SECONDS
    if is_alive or is_early or folder.is_controlled():
        return
    with suppress(NotStarted, OSError):  # the next look tries again
        started = detach("mnistnet.search.controller", str(folder.store.root), folder.id, log=folder.path / OUTPUT)
        _started[folder.path] = (started, time.monotonic())
