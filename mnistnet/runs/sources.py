"""The sources of runs and their results: a store, or the gallery that comes with mnistnet. Changes nothing.

Imports torch to read weights, not before.
"""

from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

from mnistnet import gallery
from mnistnet.data import datasets, splits
from mnistnet.errors import OperationFailed
from mnistnet.gallery import Entry
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.files import predictions
from mnistnet.runs.files.predictions import Guesses, Predictions, SplitName
from mnistnet.runs.run import GALLERY_PREFIX, EpochMetrics, Run, RunState
from mnistnet.runs.store.store import Store

if TYPE_CHECKING:
    from mnistnet.runs.files.checkpoint import Weights


class NoWeights(OperationFailed):
    """The run has no complete checkpoint."""


class RunSource(Protocol):
    """A source of runs: reading alone."""

    def runs(self) -> list[Run]:
        """All runs."""

    def metrics(self, run: Run) -> list[EpochMetrics]:
        """The run's epochs, in order."""

    def predictions(self, run: Run, split: SplitName) -> Predictions | None:
        """The stored predictions of the run's final weights; None where none are stored."""

    def guesses(self, run: Run, epoch: EpochMetrics) -> Guesses | None:
        """The classes predicted for the run's validation images after an epoch; None where they were not stored."""

    def weights(self, run: Run, like: "Weights") -> "Weights":
        """The run's newest weights. `like`: those of its network, untrained.

        Raises NoWeights before the first stored epoch, gallery.DamagedEntry where the gallery's weights are not those
        that were evaluated.
        """


def source_of(store: Store, run: Run) -> RunSource:
    """The source that the run comes from: the gallery, or else the store."""
    return GALLERY if run.is_of_gallery else StoredRuns(store)


@dataclass(frozen=True)
class StoredRuns:
    """The runs of a store, the newest first."""

    store: Store

    def runs(self) -> list[Run]:
        return self.store.runs()

    def metrics(self, run: Run) -> list[EpochMetrics]:
        return self.store.metrics(run.id)

    def predictions(self, run: Run, split: SplitName) -> Predictions | None:
        if run.weights_sha256 is None:
            return None
        folder = self.store.folder(run.id)
        found = predictions.read(folder, split, run.weights_sha256, run.answers_sha256(split))
        return found if found and len(found.labels) == _images(run, split) else None

    def guesses(self, run: Run, epoch: EpochMetrics) -> Guesses | None:
        found = predictions.read_guesses(self.store.folder(run.id), epoch.epoch, epoch.guesses_sha256)
        return found if found and len(found.labels) == _images(run, "validation") else None

    def weights(self, run: Run, like: "Weights") -> "Weights":
        from mnistnet.runs.files import checkpoint

        found = checkpoint.newest(self.store.folder(run.id), self.metrics(run), like)
        if found is None:
            raise NoWeights(f"run {run.id}: no epoch is stored yet; wait for its first epoch or resume it")
        weights: Weights = found[1]["kept"]
        if run.weights_sha256 not in (None, checkpoint.weights_sha256(weights)):
            raise NoWeights(f"run {run.id}: the checkpoint of its final weights is damaged; train it again")
        return weights


def _images(run: Run, split: SplitName) -> int:
    """The number of images in the split. Stored predictions of another number belong to other images."""
    return int(getattr(splits.counts(datasets.source(run.recipe.dataset), run.recipe.protocol), split))


@dataclass(frozen=True)
class GalleryRuns:
    """The first seed's training of each preset, as runs that are done. Of its answers, those to the test images."""

    def runs(self) -> list[Run]:
        return list(_gallery_runs().values())

    def find(self, run_id: str | None) -> Run | None:
        """The run of this id; None where the gallery has none."""
        return _gallery_runs().get(run_id or "")

    def metrics(self, run: Run) -> list[EpochMetrics]:
        curve = _entry(run).outcomes[0].curve
        return [EpochMetrics(**asdict(row), checkpoint="", checkpoint_sha256="") for row in curve]

    def predictions(self, run: Run, split: SplitName) -> Predictions | None:
        data = gallery.answers(_entry(run)) if split == "test" else None
        return predictions.unpack(data, run.weights_sha256 or "") if data else None

    def guesses(self, run: Run, epoch: EpochMetrics) -> Guesses | None:
        return None

    def weights(self, run: Run, like: "Weights") -> "Weights":
        from safetensors.torch import load

        return load(gallery.weights(_entry(run)))


GALLERY = GalleryRuns()


def _entry(run: Run) -> Entry:
    return gallery.entries()[run.name]


@cache
def _gallery_runs() -> dict[str, Run]:
    runs = [_run(entry) for entry in gallery.entries().values() if not entry.is_final_fit]
    return {run.id: run for run in runs}


def _run(entry: Entry) -> Run:
    preset, first = PRESETS[entry.preset], entry.outcomes[0]
    last = first.curve[-1]
    return Run(
        id=f"{GALLERY_PREFIX}{entry.preset}",
        name=entry.preset,
        state=RunState.DONE,
        architecture_json=preset.architecture.to_json(),
        recipe_json=entry.recipe.changed(seed=first.seed).model_dump_json(),
        params=preset.params,
        threads=entry.threads,
        attempt=1,
        images_per_second=last.images_per_second,
        epochs_done=len(first.curve),
        validation_accuracy=last.validation_accuracy,
        best_validation_accuracy=first.best_validation_accuracy,
        train_seconds=first.train_seconds,
        test_errors=first.test_errors,
        test_total=first.test_total,
        weights_sha256=first.weights_sha256,
    )
