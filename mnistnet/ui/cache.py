"""What the pages read, each through one bounded cache shared by all sessions."""

import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import streamlit as st

from mnistnet.charts.palette import LAYER_TITLE
from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.data.splits import counts
from mnistnet.errors import MnistnetError
from mnistnet.insight.network import answers
from mnistnet.insight.network.steps import Steps
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.nets.architecture import Architecture, Conv, Depthwise
from mnistnet.nets.summary import LayerSummary, Summary, summarize
from mnistnet.runs import gallery_runs
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import DamagedRun, EpochMetrics, Run
from mnistnet.runs.store.store import Store, default_root
from mnistnet.runs.store.transitions import DamagedRunError, UnknownRun
from mnistnet.runs.worker import supervisor
from mnistnet.training.estimate import Estimate, Measured, estimate
from mnistnet.training.recipe import Recipe
from mnistnet.ui import computations

LOOK_SECONDS = 1.0
_LOG_LINES, _LOG_BYTES = 20, 16 * 1024  # a line too long for that loses its beginning
_SIGNS_KEPT = 1000
_WATCHER, _WATCHER_SECONDS = "_watcher", 30.0
_RUNS_TO_LEARN_FROM, _RUNS_TO_LOOK_AT = 20, 200
_SAME_FIELD = {"batchnorm", "dropout", "dropout2d"}


@dataclass(frozen=True)
class Snapshot:
    """All runs as the store had them a moment ago, or why it could not be read."""

    runs: Sequence[Run]
    problem: str | None = None
    set_aside: Sequence[str] = ()  # databases that were damaged, by their files' names
    folders_aside: Sequence[str] = ()  # of runs that could not be taken into a new database
    damaged: Sequence[DamagedRun] = ()

    def run(self, run_id: str | None) -> Run | None:
        """The run of this id; None where there is none."""
        return next((run for run in self.runs if run.id == run_id), None)


def store() -> Store:
    """The store of this dashboard."""
    return Store()


def snapshot() -> Snapshot:
    """All runs, the newest first; one look a second, however many sessions watch."""
    return _snapshot(str(default_root()))


def forget() -> None:
    """Look again at once: something was just changed from here."""
    _snapshot.clear()


@st.cache_resource(ttl=LOOK_SECONDS, max_entries=8, show_spinner=False)
def _snapshot(root: str) -> Snapshot:  # root: another store, another entry
    place = store()
    try:
        supervisor.refresh(place)
        found = place.reading()
        problem = _gone(root, is_there=place.database.exists())
        databases, folders = place.database.set_aside(), place.folders_aside()
        return Snapshot(
            found.runs,
            problem,
            set_aside=[path.name for path in databases],
            folders_aside=[path.name for path in folders],
            damaged=found.damaged,
        )
    except MnistnetError as error:
        return Snapshot([], str(error))


def _gone(root: str, *, is_there: bool) -> str | None:
    """That the store has been there and is not any more, where it is so."""
    seen = _stores_seen()
    if is_there:
        seen.add(root)
        return None
    where = default_root().resolve()
    return f"{where}: there was a store here, and it was deleted or moved" if root in seen else None


@st.cache_resource(show_spinner=False)
def _stores_seen() -> set[str]:
    return set()


def silence(run: Run) -> float:
    """Seconds since a run under training was last seen to get on, by a clock that nobody sets; 0 for any other."""
    if not run.is_training or run.stage != "training":
        return 0.0
    signs, now = _signs(str(default_root())), time.monotonic()
    if len(signs) > _SIGNS_KEPT:
        signs.clear()
    sign = (run.attempt, run.epochs_done, run.step)
    seen, since = signs.get(run.id, (None, now))
    if seen != sign:
        since = now
    signs[run.id] = (sign, since)
    return now - since


@st.cache_resource(max_entries=8, show_spinner=False)
def _signs(root: str) -> dict[str, tuple[tuple[int, int, int], float]]:
    return {}


def watchers() -> int:
    """How many sessions have watched runs within the last seconds; this one is one of them from now on."""
    seen, now = _watchers(str(default_root())), time.monotonic()
    seen[st.session_state.setdefault(_WATCHER, secrets.token_hex(8))] = now
    for session, when in list(seen.items()):
        if now - when > _WATCHER_SECONDS:
            seen.pop(session, None)
    return len(seen)


@st.cache_resource(max_entries=8, show_spinner=False)
def _watchers(root: str) -> dict[str, float]:
    return {}


def with_answers() -> list[Run]:
    """The runs whose answers can be looked at, the newest first, the gallery's last."""
    return [*(run for run in snapshot().runs if run.epochs_done), *gallery_runs.runs()]


def chosen(run_id: str | None) -> Run | None:
    """The run of this id or prefix, seen anew where the snapshot does not have it yet."""
    if run_id and (entry := gallery_runs.entry_of(run_id)):
        return gallery_runs.as_run(entry)
    found = snapshot().run(run_id)
    if found or not run_id:
        return found
    try:
        return store().run(run_id)
    except (UnknownRun, DamagedRunError):
        return None


def metrics(run: Run) -> list[EpochMetrics]:
    """The stored epochs of a run."""
    if entry := gallery_runs.entry_of(run.id):
        return gallery_runs.metrics(entry)
    return _metrics(str(default_root()), run.id, run.attempt, run.epochs_done)


@st.cache_resource(max_entries=256, show_spinner=False)
def _metrics(root: str, run_id: str, attempt: int, epochs_done: int) -> list[EpochMetrics]:
    return store().metrics(run_id)


@st.cache_resource(max_entries=512, show_spinner=False)
def summary(architecture: Architecture) -> Summary:
    """The design's rows and its first fault."""
    return summarize(architecture)


def named_layers(architecture: Architecture) -> list[tuple[str, LayerSummary]]:
    """The layers with a receptive field of their own (not batch norm, not dropout), named by number and kind."""
    return [
        (f"{row.layer + 1} {_kind(architecture, row)}", row)
        for row in summary(architecture).rows
        if row.type not in _SAME_FIELD
    ]


def _kind(architecture: Architecture, row: LayerSummary) -> str:
    """The kind as the Design page names it: `conv 3×3`, `depthwise 3×3, stride 2`, `conv 1×1`, `max pool`."""
    layer = architecture.layers[row.layer]
    if not isinstance(layer, Conv | Depthwise):
        return LAYER_TITLE[row.type]
    stride = f", stride {layer.stride}" if layer.stride > 1 else ""
    return f"{layer.kind} {layer.kernel}×{layer.kernel}{stride}"


def training_time(architecture: Architecture, recipe: Recipe, threads: int) -> Estimate:
    """Training time on this machine, corrected by the runs measured here with as many threads.

    The offline sample's small batches are slower for each image: it and the others do not correct each other.
    """
    is_sample = recipe.dataset == datasets.OFFLINE.name
    seen = (
        Measured(run.architecture, run.images_per_second)
        for run in islice(snapshot().runs, _RUNS_TO_LOOK_AT)
        if run.epochs_done
        and run.images_per_second
        and run.threads == threads
        and (run.recipe.dataset == datasets.OFFLINE.name) == is_sample
    )
    images = counts(datasets.source(recipe.dataset), recipe.protocol).train
    return estimate(architecture, images, recipe.epochs, islice(seen, _RUNS_TO_LEARN_FROM))


def log_tail(run: Run) -> str:
    """The last lines of what the run's process printed."""
    try:
        with (store().folder(run.id) / "log.txt").open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(0, end - _LOG_BYTES))
            text = log.read(_LOG_BYTES).decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-_LOG_LINES:])


def evaluation(run: Run, split: SplitName) -> Evaluation:
    """The run's answers on a split, read where the run wrote them, computed where it did not.

    Raises OperationFailed where neither is possible.
    """
    return stored_evaluation(run, split) or _computed_evaluation(run, split)


def _computed_evaluation(run: Run, split: SplitName) -> Evaluation:
    def start() -> Steps[Evaluation]:
        return Evaluation((yield from answers.compute(store(), run, split)))

    key = ("evaluation", str(default_root()), run.id, run.attempt, run.epochs_done, run.weights_sha256, split)
    return computations.result(key, start, "Computing the network's answers to every image")


def stored_evaluation(run: Run, split: SplitName) -> Evaluation | None:
    """The run's answers where they were stored; None where they would have to be computed."""
    return _stored_evaluation(str(default_root()), run.id, run.weights_sha256, split, run)


@st.cache_resource(max_entries=64, show_spinner=False)
def _stored_evaluation(root: str, run_id: str, weights: str | None, split: SplitName, _run: Run) -> Evaluation | None:
    found = answers.stored(store(), _run, split)
    return Evaluation(found) if found else None


def guesses(run: Run, epoch: int) -> npt.NDArray[np.uint8] | None:
    """What the run answered for its validation images after an epoch; None where that was not kept."""
    row = next((row for row in metrics(run) if row.epoch == epoch), None)
    found = answers.guesses(store(), run, row) if row else None
    return found.guesses if found else None


@st.cache_resource(max_entries=4, show_spinner="Reading the images…")
def images(dataset: str, protocol: str, split: SplitName) -> Bytes:
    """The images of a split, (n, 28, 28) uint8. Raises DataError where they are not on this machine."""
    from mnistnet.data import splits

    if split == "test" or protocol == "course":
        return datasets.load_test(dataset)[0]
    return splits.split(datasets.load(dataset, fetch=False), "holdout").validation.images


@st.cache_data(max_entries=64, show_spinner="torchinfo is counting…")
def torchinfo_summary(architecture: Architecture) -> str:
    """torchinfo's table of the design. Imports torch at its first call, and not before."""
    from mnistnet.nets.network import torchinfo_summary

    return torchinfo_summary(architecture)
