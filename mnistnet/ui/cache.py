"""The data that pages read: runs, epochs, predictions, images and summaries, in bounded caches that all sessions share.

Reading changes nothing: states are kept true by `run_states`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from mnistnet.data import datasets
from mnistnet.data.datasets import Bytes
from mnistnet.errors import MnistnetError
from mnistnet.insight.network import answers
from mnistnet.insight.network.steps import Steps
from mnistnet.insight.predictions.evaluation import Evaluation
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.layer_types import DRAWN, caption
from mnistnet.nets.summary import LayerSummary, Summary, summarize
from mnistnet.runs.files import kernels as kernel_files
from mnistnet.runs.files import samples as sample_files
from mnistnet.runs.files.kernels import Kernels
from mnistnet.runs.files.predictions import Guesses, SplitName
from mnistnet.runs.files.samples import Sample
from mnistnet.runs.run import DamagedRun, EpochMetrics, Run
from mnistnet.runs.sources import GALLERY, source_of
from mnistnet.runs.store import selections
from mnistnet.runs.store.run_rows import DamagedRunError, UnknownRun
from mnistnet.runs.store.store import Store, default_root
from mnistnet.ui import computations

_MOMENT_SECONDS = 1.0
_LATEST = 200
_SAMPLE_SECONDS = 0.25
_SAMPLES_SHOWN = 120  # two charts of them travel at every tick


@dataclass(frozen=True)
class Snapshot:
    """The store as it was at most a second ago, or why it could not be read.

    `runs` are all that lists may offer and all at work: the other trials of searches are read when they are opened.
    """

    runs: Sequence[Run]
    problem: str | None = None
    set_aside: Sequence[str] = ()  # file names of databases that were damaged and replaced
    folders_aside: Sequence[str] = ()  # folders of runs that could not be taken into a new database
    damaged: Sequence[DamagedRun] = ()

    def run(self, run_id: str | None) -> Run | None:
        """The run of this id; None where there is none."""
        return next((run for run in self.runs if run.id == run_id), None)


def store() -> Store:
    """The store of this dashboard."""
    return Store()


def snapshot() -> Snapshot:
    """The runs, the newest first; the store is read once a moment, however many sessions watch."""
    return _snapshot(str(default_root()), moment())


def moment() -> int:
    """The number of the current second, by a monotonic clock."""
    return int(time.monotonic() / _MOMENT_SECONDS)


def forget() -> None:
    """Have the next `snapshot` read the store: something was just changed here."""
    _snapshot.clear()
    _latest.clear()


# The moment is part of the key in place of a `ttl`: with one, Streamlit's cache can lose an entry between finding and
# reading it, and raise KeyError.
@st.cache_resource(max_entries=2, show_spinner=False)
def _snapshot(root: str, moment: int) -> Snapshot:
    place = store()
    try:
        found = selections.listed(place)
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
    """A sentence where the store was read before and is not there any more."""
    seen = _stores_seen()
    if is_there:
        seen.add(root)
        return None
    where = default_root().resolve()
    return f"{where}: there was a store here, and it was deleted or moved" if root in seen else None


@st.cache_resource(show_spinner=False)
def _stores_seen() -> set[str]:
    return set()


def listed_runs(*also: str | None) -> list[Run]:
    """The runs that lists offer, the newest first: of a search's trainings only what was scored on the test set, and
    those whose ids are among `also`. A search has hundreds of them, and the Search page shows them all."""
    offered = [run for run in snapshot().runs if run.search is None or run.scored]
    more = {run.id: run for run in map(chosen, also) if run and run.search and not run.scored}
    return sorted([*offered, *more.values()], key=lambda run: run.created, reverse=True) if more else offered


def latest_runs() -> list[Run]:
    """The newest runs, trials of searches included: what says how fast this machine is. Read once a moment."""
    return _latest(str(default_root()), moment())


@st.cache_resource(max_entries=2, show_spinner=False)
def _latest(root: str, moment: int) -> list[Run]:
    try:
        return selections.latest(store(), _LATEST)
    except MnistnetError:  # the snapshot says why
        return []


def runs_with_predictions(*also: str | None) -> list[Run]:
    """The listed runs with at least one epoch, which have predictions; those of the gallery last."""
    return [*(run for run in listed_runs(*also) if run.epochs_done), *GALLERY.runs()]


def chosen(run_id: str | None) -> Run | None:
    """The run of this id or prefix; read from the store where the snapshot does not have it yet."""
    found = GALLERY.find(run_id) or snapshot().run(run_id)
    if found or not run_id:
        return found
    try:
        return store().run(run_id)
    except (UnknownRun, DamagedRunError):
        return None


def metrics(run: Run) -> list[EpochMetrics]:
    """The stored epochs of a run."""
    return _metrics(str(default_root()), run.id, run.attempt, run.epochs_done, run)


@st.cache_resource(max_entries=256, show_spinner=False)
def _metrics(root: str, run_id: str, attempt: int, epochs_done: int, _run: Run) -> list[EpochMetrics]:
    return source_of(store(), _run).metrics(_run)


def samples(run: Run) -> list[Sample]:
    """The samples within the run's epochs, at most 120; the file is read four times a second at most."""
    return [] if run.is_of_gallery else _samples(str(default_root()), run.id, int(time.monotonic() / _SAMPLE_SECONDS))


@st.cache_resource(max_entries=64, show_spinner=False)
def _samples(root: str, run_id: str, moment: int) -> list[Sample]:
    return sample_files.thinned(sample_files.read(store().folder(run_id)), _SAMPLES_SHOWN)


def first_kernels(run: Run) -> Kernels | None:
    """The first convolution's kernels (channels, k, k) after the run's latest epoch; None where none are stored."""
    return None if run.is_of_gallery else _first_kernels(str(default_root()), run.id, run.attempt, run.epochs_done)


@st.cache_resource(max_entries=64, show_spinner=False)
def _first_kernels(root: str, run_id: str, attempt: int, epochs_done: int) -> Kernels | None:
    return kernel_files.read(store().folder(run_id))


@st.cache_resource(max_entries=512, show_spinner=False)
def summary(architecture: Architecture) -> Summary:
    """The summary of a design."""
    return summarize(architecture)


def named_layers(architecture: Architecture) -> list[tuple[str, LayerSummary]]:
    """The layers with a receptive field of their own (not batch norm, not dropout), each with number and type."""
    return [
        (f"{row.layer + 1} {caption(architecture.layers[row.layer])}", row)
        for row in summary(architecture).rows
        if row.type in DRAWN
    ]


def evaluation(run: Run, split: SplitName) -> Evaluation:
    """The run's predictions for a split, stored or computed, compared with the labels.

    Raises OperationFailed where they are not stored and cannot be computed.
    """
    return stored_evaluation(run, split) or _computed_evaluation(run, split)


def _computed_evaluation(run: Run, split: SplitName) -> Evaluation:
    def start() -> Steps[Evaluation]:
        return Evaluation((yield from answers.compute(store(), run, split)))

    key = ("evaluation", str(default_root()), run.id, run.attempt, run.epochs_done, run.weights_sha256, split)
    return computations.result(key, start, "Computing the network's answers to every image")


def stored_evaluation(run: Run, split: SplitName) -> Evaluation | None:
    """The evaluation of stored predictions; None where they would have to be computed."""
    return _stored_evaluation(str(default_root()), run.id, run.weights_sha256, split, run)


@st.cache_resource(max_entries=64, show_spinner=False)
def _stored_evaluation(root: str, run_id: str, weights: str | None, split: SplitName, _run: Run) -> Evaluation | None:
    found = source_of(store(), _run).predictions(_run, split)
    return Evaluation(found) if found else None


def guesses(run: Run, epoch: int) -> npt.NDArray[np.uint8] | None:
    """The predicted classes (n,) of the run's validation images after an epoch; None where they were not stored."""
    found = answers_of_epoch(run, epoch)
    return found.guesses if found else None


def answers_of_epoch(run: Run, epoch: int) -> Guesses | None:
    """The predicted classes of the run's validation images after an epoch, with their labels; None as `guesses`."""
    row = next((row for row in metrics(run) if row.epoch == epoch), None)
    return _answers_of_epoch(str(default_root()), run.id, row.guesses_sha256, run, row) if row else None


@st.cache_resource(max_entries=256, show_spinner=False)
def _answers_of_epoch(root: str, run_id: str, sha256: str | None, _run: Run, _row: EpochMetrics) -> Guesses | None:
    return source_of(store(), _run).guesses(_run, _row)


@st.cache_resource(max_entries=4, show_spinner="Reading the images…")
def images(dataset: str, protocol: str, split: SplitName) -> Bytes:
    """The images of a split, (n, 28, 28) uint8. Raises DataError where they are not on this machine."""
    from mnistnet.data import splits

    if split == "test" or protocol == "course":
        return datasets.load_test(dataset)[0]
    return splits.split(datasets.load(dataset, fetch=False), "holdout").validation.images
