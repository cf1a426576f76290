"""What a process that trains, or one that serves pages, sets before it imports torch."""

import os

from mnistnet import system


def prepare(threads: int, memory: int | None = None) -> None:
    """Set threads and memory for many short operations; call it before torch is imported.

    `memory`: the most bytes that the process may allocate, where the kernel can enforce it.
    """
    if memory:
        system.confine_memory(memory)
    # OpenMP threads spin while they wait for each other, then sleep. With 1,000 turns before the sleep, a step on
    # two idle cores took a third longer than with 10,000. More turns are no faster there, and where other processes
    # use the cores, a spinning thread keeps the one that it waits for from running.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    # Numba's pool has a thread for each core whatever is set later, and all take part in every loop:
    # two trainings with one thread each took twice as long on two cores.
    os.environ["NUMBA_NUM_THREADS"] = str(threads)
    # Each step needs the memory that the previous step freed. If that returned to the kernel in between, every
    # page of it would fault again.
    system.keep_freed_memory()


def prepare_to_look() -> None:
    """Set threads and memory for a process that serves pages; call it before torch is imported. May be repeated."""
    # A thread that waits for another sleeps soon, and leaves the core to a training.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # Each page runs in a thread of its own: the memory that these threads kept came to 700 MB after a probe of one
    # network.
    system.return_freed_memory()
