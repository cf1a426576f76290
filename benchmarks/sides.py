"""Trainings timed side by side: one process each, all alive, taking turns, so that noise hits all alike."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Self

from mnistnet import system
from mnistnet.runs.worker.environment import prepare


@dataclass(frozen=True)
class Turn:
    """`steps` batches took `seconds`; `peak_bytes` is the process's largest resident size so far; 0 on Windows."""

    steps: int
    seconds: float
    peak_bytes: int


class Side:
    """One training in a process of its own, which goes on only when it is its turn."""

    def __init__(self, training: Callable[..., Iterator[Any]], *arguments: Any, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, training, arguments, threads), daemon=True)
        self._process.start()

    def turn(self, steps: int) -> Turn:
        """Train `steps` batches now, alone."""
        self._connection.send(steps)
        turn: Turn = self._connection.recv()
        return turn

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def _serve(
    connection: Connection, training: Callable[..., Iterator[Any]], arguments: tuple[Any, ...], threads: int
) -> None:
    prepare(threads)
    import torch

    torch.set_num_threads(threads)
    batches = training(*arguments)
    while True:
        steps = connection.recv()
        started = time.perf_counter()
        for _ in range(steps):
            next(batches)
        seconds = time.perf_counter() - started
        connection.send(Turn(steps, seconds, system.peak_memory() or 0))
