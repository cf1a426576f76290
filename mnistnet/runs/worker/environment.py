"""What a process sets about itself before it imports torch: one that trains, as benchmarks do, and one that looks."""

import os

from mnistnet import system


def prepare(threads: int, memory: int | None = None) -> None:
    """Make threads and memory quick for many short operations; call it before torch is imported.

    `memory`: the bytes of its own that the process may have, where the kernel can hold it to that.
    """
    if memory:
        system.confine_memory(memory)
    # OpenMP threads spin while they wait for each other, and sleep when that is in vain. Sleeping after 1,000
    # turns made a step on two idle cores a third slower than after 10,000. Spinning on and on is no better
    # there, and with the cores busy elsewhere the one that is waited for cannot run meanwhile.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    # Numba's pool has a thread for each core whatever is asked for later, and all take part in every loop:
    # two trainings with one thread each took twice as long on two cores.
    os.environ["NUMBA_NUM_THREADS"] = str(threads)
    # Each step needs the memory that the step before gave back. Returned to the kernel in between, every
    # page of it is faulted in anew.
    system.keep_freed_memory()


def prepare_to_look() -> None:
    """Make a process that serves pages share threads and memory; call it before torch is imported, and any time."""
    # A thread that waits for another soon sleeps, and leaves the core to a training.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # Every page is drawn by a thread of its own: what each of them kept came to 700 MB after looking into one network.
    system.return_freed_memory()
