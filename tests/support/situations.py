"""Stores with a run in each state, as the dashboard may find them. No test of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from mnistnet.nets.architecture import Architecture
from mnistnet.nets.presets import FIRST
from mnistnet.runs.files import predictions
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import EpochMetrics, Run, RunState
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
    """A run that was really trained, so that its predictions are there too. Trained once; each call gets its files."""
    queued(store, design=design)
    run, trained = started(store), _trained(design)
    for name, data in trained.files.items():
        (store.folder(run.id) / name).write_bytes(data)
    for epoch in trained.epochs:
        transitions.record_epoch(store, run.id, epoch)
    transitions.complete(store, run.id, trained.score[:2], trained.score[2], trained.answers)
    return store.run(run.id)


@dataclass(frozen=True)
class _Trained:
    """What a training wrote: files of its folder by name, epochs, score with the weights' hash, hashes of answers."""

    files: Mapping[str, bytes]
    epochs: Sequence[EpochMetrics]
    score: tuple[int, int, str]
    answers: transitions.Sha256OfAnswers


@cache
def _trained(design: Architecture) -> _Trained:
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        queued(store, design=design)
        training_job.train(store, started(store))
        (run,) = store.runs()
        files = {path.name: path.read_bytes() for path in store.folder(run.id).iterdir() if path.suffix != ".json"}
        assert run.test_errors is not None
        assert run.test_total is not None
        assert run.weights_sha256 is not None
        score = run.test_errors, run.test_total, run.weights_sha256
        hashes: dict[SplitName, str] = {
            split: predictions.sha256(files[predictions.path(Path(), split).name]) for split in get_args(SplitName)
        }
        return _Trained(files, store.metrics(run.id), score, hashes)


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
