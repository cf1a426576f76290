"""What Python or the kernel offers on some systems only, each with an equivalent elsewhere or a stated absence.

Nothing else asks which system this is. Tried on Linux; on macOS and Windows by the hosted workflow alone.
"""

import contextlib
import ctypes
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mnistnet.containers import Groups

GROUPS, PROC = Groups(), Path("/proc")
_UNKNOWN_MEMORY = 8 * 1024**3
# mallopt's parameters, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEEP_BYTES, _RETURN_BYTES = 1 << 30, 4 << 20
# Windows does not replace a file that somebody has open: seconds to wait before each next attempt.
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_PS_SECONDS = 5


def cores() -> int:
    """Processor cores this process may use: those of its affinity, where a container has fewer, those.

    macOS and Windows: all of the machine.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(own, GROUPS.cores() or own)


def memory() -> int:
    """Bytes of memory: the machine's or, where that is less, the container's; 8 GiB where the system does not tell."""
    physical = _physical_memory() or _UNKNOWN_MEMORY
    return min(physical, GROUPS.memory() or physical)


def _physical_memory() -> int | None:
    with contextlib.suppress(ValueError, OSError, AttributeError):  # POSIX
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    windows = getattr(ctypes, "windll", None)
    # MEMORYSTATUSEX: its own length and the load in percent, four bytes each, then seven numbers of eight bytes.
    status = (ctypes.c_uint64 * 8)(64)
    if windows and windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return int(status[1])
    return None


def peak_memory() -> int | None:
    """Bytes of this process's largest resident size so far. Windows: None."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def confine_memory(most: int) -> None:
    """Let the kernel refuse this process more than `most` bytes of its own. Linux without a GPU.

    A CUDA driver maps far more than it uses. macOS takes the limit and does not hold it, Windows has none: there a
    run that needs more than was estimated makes the machine swap.
    """
    if Path("/dev/nvidiactl").exists():
        return
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (most if hard < 0 else min(most, hard), hard))


def keep_freed_memory() -> None:
    """Keep what is freed for the next allocation. Linux with glibc; elsewhere a step is slower, and the same."""
    _mallopt({_MMAP_THRESHOLD: _KEEP_BYTES, _TRIM_THRESHOLD: _KEEP_BYTES})


def return_freed_memory() -> None:
    """Give large blocks back to the system as soon as they are freed, whichever thread had them.

    Linux with glibc, which otherwise keeps those below 32 MB for each thread that ever had one; elsewhere the system
    does as it likes.
    """
    _mallopt({_MMAP_THRESHOLD: _RETURN_BYTES})


def _mallopt(settings: dict[int, int]) -> None:
    with contextlib.suppress(OSError, AttributeError, TypeError):  # no mallopt; no library without a name
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in settings.items():
            mallopt(parameter, value)


def give_way(niceness: int = 10) -> None:
    """Let others go first for the processor, and, on Linux, last when memory runs out.

    `niceness`: how much is added to the process's own, 19 for the lowest priority. Windows: `detached` has done this
    already.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.nice(niceness)
    with contextlib.suppress(OSError):
        (PROC / "self" / "oom_score_adj").write_text("800", "ascii")


def detached() -> dict[str, Any]:
    """Arguments of `subprocess.Popen` for a process that no signal to its parent's group or terminal reaches.

    POSIX: a session of its own. Windows: a group and a console of its own, and a low priority.
    """
    flags = ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS")
    return {"start_new_session": True, "creationflags": sum(getattr(subprocess, flag, 0) for flag in flags)}


def command_line(pid: int) -> str | None:
    """What a process was started with, arguments parted by blanks; None where it is gone, and on Windows.

    Linux: /proc. macOS: what `ps` says.
    """
    with contextlib.suppress(OSError):
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, timeout=_PS_SECONDS)
        return said.stdout.decode(errors="replace").strip() or None
    return None


def kill(pid: int) -> None:
    """End a process at once, without asking it. Raises OSError where it is gone."""
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows ends a process at once for either


def was_killed(returncode: int | None) -> bool:
    """True where a child ended by the signal that no process can catch. Windows does not tell: False."""
    return hasattr(signal, "SIGKILL") and returncode == -signal.SIGKILL


def sync_folder(folder: Path) -> None:
    """Make renames and removals in the folder outlive a power cut. Windows opens no folders: the last may be lost."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(source: Path, target: Path) -> None:
    """Put a file in the place of another. Windows refuses while somebody reads that one: tried for a second."""
    for pause in _PAUSES:
        with contextlib.suppress(PermissionError):
            source.replace(target)
            return
        time.sleep(pause)
    source.replace(target)


def home() -> Path | None:
    """The user's home folder, which need not be there; None where nobody knows it, or it is closed to this user.

    Both occur in containers: a user without a name and without $HOME, and one whose $HOME is root's.
    """
    try:
        folder = Path.home()
        (folder / ".streamlit").stat()
    except (RuntimeError, PermissionError):
        return None
    except OSError:
        pass
    return folder


def private_folder(name: str) -> Path | None:
    """A folder among the temporary ones that is this user's alone and the same each time; None where there is none.

    What another user could have put there is not used: what lies in it may be code.
    """
    user = os.getuid() if hasattr(os, "getuid") else ""  # Windows: the folder of temporary files is the user's own
    folder = Path(tempfile.gettempdir()) / f"{name}-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    if hasattr(os, "getuid") and (folder.is_symlink() or found.st_uid != user or found.st_mode & 0o077):
        return None
    return folder


def cache_folders() -> Iterator[Path]:
    """The folders for what can be made anew, the best first: the user's, then a temporary one of this user alone."""
    if user := home():
        yield Path(os.environ.get("XDG_CACHE_HOME") or user / ".cache") / "mnistnet"
    if temporary := private_folder("mnistnet"):
        yield temporary


def processor() -> str:
    """The name of this kind of processor, on Linux with its family, model and stepping."""
    wanted = ("model name", "cpu family", "model", "stepping")
    with contextlib.suppress(OSError):
        first = (PROC / "cpuinfo").read_text("utf-8", "replace").partition("\n\n")[0]
        facts = dict(re.split(r"\s*:\s*", line, maxsplit=1) for line in first.splitlines() if ":" in line)
        if found := [facts[name] for name in wanted if name in facts]:
            return " ".join(found)
    return f"{platform.machine()} {platform.processor()}"


def put(file: Path, data: bytes) -> None:
    """Write the file so that others find all of it or none. Not synced: for what can be made anew. Raises OSError."""
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(data)
    replace(part, file)


def is_writable(folder: Path) -> bool:
    """True where files can be made in the folder, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def send_at_once() -> None:
    """Have the TCP connections of this process, and those that it accepts from now on, send small messages at once.

    Windows: nothing.
    """
    for number in [int(file.name) for file in Path("/dev/fd").glob("*")]:
        with contextlib.suppress(OSError):  # no socket, none of TCP, or closed meanwhile
            found = socket.socket(fileno=number)
            try:
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            finally:
                found.detach()  # whoever opened it closes it
