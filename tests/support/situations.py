"""Stores with a run in each state, as the dashboard may find them. No test of its own."""

from collections.abc import Callable

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import FIRST
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import training_job
from mnistnet.training.recipe import Recipe, recipe
from tests.support.samples import metrics, started

DIGITS = recipe({"dataset": "digits", "epochs": 3, "batch_size": 128})


def queued(store: Store, how: Recipe = DIGITS, design: Architecture = FIRST.architecture) -> Run:
    return store.enqueue(design, how)


def starting(store: Store) -> Run:
    run = queued(store)
    transitions.claim(store, slots=64)
    return store.run(run.id)


def running(store: Store, how: Recipe = DIGITS, design: Architecture = FIRST.architecture) -> Run:
    """A run in its second epoch, as far as its row knows."""
    queued(store, how, design)
    run = started(store)
    transitions.record_epoch(store, run.id, metrics(1, validation_accuracy=0.9952))
    transitions.advance(store, run.id, "training", 3, 11, 5000.0)
    return store.run(run.id)


def ended(state: RunState) -> Callable[[Store], Run]:
    """What makes a run that ended so after one epoch."""

    def make(store: Store) -> Run:
        run = running(store)
        transitions.finish(store, run.id, state, "the reason")
        return store.run(run.id)

    return make


def done(store: Store, design: Architecture = FIRST.architecture) -> Run:
    """A run that was really trained, so that its predictions are there too."""
    queued(store, design=design)
    run = started(store)
    training_job.train(store, run)
    return store.run(run.id)


STATES: dict[str, Callable[[Store], Run | None]] = {
    "no runs": lambda _: None,
    "queued": queued,
    "starting": starting,
    "running": running,
    "stopped": ended(RunState.STOPPED),
    "failed": ended(RunState.FAILED),
    "interrupted": ended(RunState.INTERRUPTED),
    "diverged": ended(RunState.DIVERGED),
    "done": done,
}
