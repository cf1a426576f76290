"""Locks that a process holds as long as it lives: the kernel frees them however it ends."""

from pathlib import Path

from filelock import FileLock, Timeout

_PATIENCE_SECONDS = 5.0  # `is_held` takes the lock for a moment; a worker that starts must wait longer than that


def hold(path: Path, patience_seconds: float = _PATIENCE_SECONDS) -> FileLock | None:
    """Take the lock until the process ends; None where another process has it, or its folder is gone."""
    if not path.parent.is_dir():  # filelock would make it
        return None
    lock = FileLock(path)
    try:
        lock.acquire(timeout=patience_seconds, poll_interval=0.02)
    except Timeout:
        return None
    return lock


def is_held(path: Path) -> bool:
    """True where a living process holds the lock: True where it cannot be opened, False where its folder is gone."""
    if not path.parent.is_dir():
        return False
    try:
        lock = hold(path, patience_seconds=0)
    except OSError:  # a read-only store: nobody there can be declared dead, and nothing can be started
        return True
    if lock is None:
        return True
    lock.release()
    return False


def of_run(folder: Path) -> Path:
    """The lock that a run's worker holds."""
    return folder / "lock"


def of_supervisor(root: Path) -> Path:
    """The lock that a store's supervisor holds."""
    return root / "supervisor.lock"
