"""The gallery's trainings as runs that are done, though no store has them."""

from dataclasses import asdict

from mnistnet import gallery
from mnistnet.gallery import Entry
from mnistnet.nets.presets import PRESETS
from mnistnet.runs.files.predictions import Predictions, unpack
from mnistnet.runs.run import GALLERY, EpochMetrics, Run, RunState


def runs() -> list[Run]:
    """The first seed's training of each entry, whose weights are there."""
    return [as_run(entry) for entry in gallery.entries().values() if not entry.is_final_fit]


def entry_of(run_id: str) -> Entry | None:
    """The entry that a run's id belongs to; None for a run of the store, and where no weights are kept."""
    entry = gallery.entry(run_id.removeprefix(GALLERY)) if run_id.startswith(GALLERY) else None
    return entry if entry and not entry.is_final_fit else None


def metrics(entry: Entry) -> list[EpochMetrics]:
    """The first seed's epochs; their checkpoints were not kept."""
    return [EpochMetrics(**asdict(row), checkpoint="", checkpoint_sha256="") for row in entry.outcomes[0].curve]


def predictions(entry: Entry) -> Predictions | None:
    """The first seed's answers for the test images; None where they are not those of its weights."""
    data = gallery.answers(entry)
    return unpack(data, entry.outcomes[0].weights_sha256) if data else None


def as_run(entry: Entry) -> Run:
    """The first seed's training."""
    preset, first = PRESETS[entry.preset], entry.outcomes[0]
    last = first.curve[-1]
    return Run(
        id=f"{GALLERY}{entry.preset}",
        name=entry.preset,
        state=RunState.DONE,
        architecture_json=preset.architecture.to_json(),
        recipe_json=entry.recipe.changed(seed=first.seed).model_dump_json(),
        params=preset.params,
        threads=entry.threads,
        attempt=1,
        created=0.0,
        started=None,
        ended=None,
        stage="",
        message="",
        stop_requested=False,
        step=0,
        steps=0,
        images_per_second=last.images_per_second,
        epochs_done=len(first.curve),
        validation_accuracy=last.validation_accuracy,
        best_validation_accuracy=first.best_validation_accuracy,
        train_seconds=first.train_seconds,
        test_errors=first.test_errors,
        test_total=first.test_total,
        weights_sha256=first.weights_sha256,
    )
