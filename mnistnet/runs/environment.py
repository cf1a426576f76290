"""What a process that trains sets about itself before it imports torch. Benchmarks set the same."""

import contextlib
import ctypes
import os
from pathlib import Path

# mallopt's parameters, from glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEEP_BYTES = 1 << 30


def prepare(threads: int, memory: int | None = None) -> None:
    """Make threads and memory quick for many short operations; call it before torch is imported.

    `memory`: the bytes of its own that the process may have, where the kernel can hold it to that.
    """
    if memory:
        _confine(memory)
    # OpenMP threads spin while they wait for each other, and sleep when that is in vain. Sleeping after 1,000
    # turns made a step on two idle cores a third slower than after 10,000. Spinning on and on is no better
    # there, and with the cores busy elsewhere the one that is waited for cannot run meanwhile.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    # Numba's pool has a thread for each core whatever is asked for later, and all take part in every loop:
    # two trainings with one thread each took twice as long on two cores.
    os.environ["NUMBA_NUM_THREADS"] = str(threads)
    # Each step needs the memory that the step before gave back. Returned to the kernel in between, every
    # page of it is faulted in anew.
    with contextlib.suppress(OSError, AttributeError):  # only glibc has it
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _KEEP_BYTES)
        mallopt(_TRIM_THRESHOLD, _KEEP_BYTES)


def _confine(memory: int) -> None:
    """Let the kernel refuse this process more than `memory` bytes of its own; where it can, and without a GPU.

    A CUDA driver maps far more than it uses.
    """
    if Path("/dev/nvidiactl").exists():
        return
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):  # only POSIX has it
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (memory if most < 0 else min(memory, most), most))
