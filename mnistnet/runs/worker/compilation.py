"""Compiles the kernels before the first training needs them: `python -m mnistnet.runs.worker.compilation`.

A process of its own with the lowest priority, which ends by itself. Nothing waits for it: a run compiles what it needs
and does not find. What is compiled is kept kernel by kernel, so it may be killed at any time. Dashboards call the
functions. Imports no torch.
"""

import os
import platform
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from mnistnet import strict_json, system
from mnistnet.nets.presets import FIRST, PRESETS
from mnistnet.runs.files import locks
from mnistnet.runs.worker.environment import prepare
from mnistnet.runs.worker.processes import NotStarted, detach
from mnistnet.training import acceleration

SWITCH = "MNISTNET_PRECOMPILE"
_LOCK, _PROGRESS, _DONE, _LOG = "compilation.lock", "compilation", "compiled", "compilation.log"
_BATCH, _LOWEST_PRIORITY = 16, 19
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Progress:
    """Designs whose kernels are compiled, of all."""

    done: int
    total: int


def ensure() -> None:
    """Start the process where kernels are missing and no other compiles them; of several started at once, one stays."""
    folder = _folder()
    if folder is None or _is_done(folder) or _is_at_work(folder):
        return
    with suppress(NotStarted, OSError):  # the first run compiles what it needs
        _started.append(detach(__name__, log=folder / _LOG))


def progress() -> Progress | None:
    """The progress of the process; None where none is at work."""
    folder = _folder()
    if folder is None or _is_done(folder) or not _is_at_work(folder):
        return None
    with suppress(OSError, ValueError):
        done = int(strict_json.contents(folder / _PROGRESS))
        return Progress(min(max(done, 0), len(PRESETS)), len(PRESETS))
    return Progress(0, len(PRESETS))


def _is_at_work(folder: Path) -> bool:
    """True where a process compiles, or one that this process has started is about to."""
    _started[:] = [process for process in _started if process.poll() is None]
    return bool(_started) or locks.is_held(folder / _LOCK)


def _folder() -> Path | None:
    if os.environ.get(SWITCH, "").lower() == "off" or acceleration.absence():
        return None
    return acceleration.cache_folder()


def _is_done(folder: Path) -> bool:
    with suppress(OSError, ValueError):
        return strict_json.contents(folder / _DONE).decode() == _conditions()
    return False


@cache
def _conditions() -> str:
    """The conditions that compiled kernels depend on."""
    versions = f"numba {version('numba')}, Python {platform.python_version()}"
    return f"{acceleration.sources_digest()}, {versions}, {system.processor()}"


def compile_kernels(folder: Path) -> None:
    """Train one small batch of each preset, the first design first. Returns at once where another process does."""
    lock = locks.hold(folder / _LOCK, patience_seconds=0)
    if lock is None or _is_done(folder):
        return
    system.give_way(_LOWEST_PRIORITY)
    prepare(threads=1)
    from mnistnet.runs.worker.trial import train_one_batch  # torch: with the lock already held

    for done, preset in enumerate(sorted(PRESETS.values(), key=lambda preset: preset is not FIRST)):
        system.put(folder / _PROGRESS, b"%d" % done)
        train_one_batch(preset.architecture, _BATCH)
    system.put(folder / _DONE, _conditions().encode())


if __name__ == "__main__":
    place = _folder()
    if place:
        compile_kernels(place)
