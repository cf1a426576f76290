"""A Python that has this folder on its path shows mnistnet, and nobody else, a system without what only POSIX has.

The standard library and other packages keep it: on a real Windows they have code of their own. Every process that
such a Python starts is another one, as the path is handed on.
"""

import builtins
import errno
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

# The reference of Python's library calls these available on Unix only.
MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
NAMES = {
    "os": """
        O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK WNOHANG chown confstr fchown fchmod fdatasync fork forkpty getegid
        geteuid getgid getgroups getloadavg getpgid getpriority getsid getuid initgroups killpg lchown mkfifo nice
        openpty pathconf posix_fadvise posix_fallocate pread pwrite sched_getaffinity sched_setaffinity sendfile setgid
        setgroups setpgid setpriority setsid setuid statvfs sync sysconf tcgetpgrp ttyname uname wait wait3 wait4 waitid
        """,
    "signal": """
        SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGUSR1 SIGUSR2 alarm pause pthread_kill
        pthread_sigmask setitimer sigwait
        """,
    "ctypes": "",
}


class Elsewhere(ModuleType):
    """A module of the standard library without the names."""

    def __init__(self, module: ModuleType, absent: set[str], **others: Any) -> None:
        super().__init__(module.__name__)
        self._module, self._absent, self._others = module, absent, others

    def __getattr__(self, name: str) -> Any:
        if name in self._absent:
            raise AttributeError(f"module {self._module.__name__!r} has no attribute {name!r}")
        return self._others.get(name) or getattr(self._module, name)


def opened(path: Any, *arguments: Any, **options: Any) -> int:
    """As `os.open` of Windows, which opens no folders."""
    if Path(path).is_dir():
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return os.open(path, *arguments, **options)


def library(name: str | None, *arguments: Any) -> Any:
    """As `ctypes.CDLL` of Windows, where the program itself is no library."""
    if name is None:
        raise TypeError("LoadLibrary() argument 1 must be str, not None")
    import ctypes

    return ctypes.CDLL(name, *arguments)


OTHERS: dict[str, dict[str, Any]] = {"os": {"open": opened}, "ctypes": {"CDLL": library}}
imported: Callable[..., ModuleType] = builtins.__import__


def importing(name: str, scope: Mapping[str, Any] | None = None, *arguments: Any, **options: Any) -> ModuleType:
    """As `__import__`, poorer for mnistnet."""
    module = imported(name, scope, *arguments, **options)
    system: Any = sys.modules.get("mnistnet.system")
    if hasattr(system, "GROUPS"):
        system.PROC = Path("no-such-folder")
        system.GROUPS = system.Groups(system.PROC, system.PROC)
    if not str((scope or {}).get("__package__")).startswith("mnistnet"):
        return module
    if name in MODULES:
        raise ModuleNotFoundError(f"No module named {name!r}")
    absent = set(NAMES[name].split()) if name in NAMES else set()
    return Elsewhere(module, absent, **OTHERS.get(name, {})) if name in NAMES else module


setattr(builtins, "__import__", importing)  # noqa: B010 - its type says more than `import` passes on
