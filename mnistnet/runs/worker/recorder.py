"""Where the results of a training go: what `training_job` asks of whoever keeps them. Knows no store and no cluster."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from mnistnet.nets.architecture import Architecture
from mnistnet.runs.files.predictions import Guesses, Predictions, SplitName
from mnistnet.training.progress import BatchDone, EpochDone, Sums
from mnistnet.training.recipe import Recipe

if TYPE_CHECKING:  # torch: a second of importing
    from mnistnet.training.loop import Training


class Wanted(Protocol):
    """What is to be trained: a run, or the task of a cluster. Fields as of a `Run`."""

    @property
    def architecture(self) -> Architecture: ...
    @property
    def recipe(self) -> Recipe: ...
    @property
    def threads(self) -> int: ...
    @property
    def epochs_before(self) -> int: ...
    @property
    def scored(self) -> bool: ...


class Recorder(Protocol):
    """Keeps what a training leaves. Whatever one of its calls raises ends the training."""

    def advance(self, stage: str) -> None:
        """The training does this now, in words for people."""

    def progress(self, step: int, steps: int, images_per_second: float) -> None:
        """So many of so many batches of the epoch are done, at this speed. Nothing depends on it."""

    def resumed(self, begin: Callable[[], "Training"]) -> "Training":
        """The training at its last kept epoch; what `begin` returns where there is none."""

    def sample(self, progress: BatchDone, sums: Callable[[], Sums]) -> None:
        """A batch is done; `sums` are those of its epoch. Nothing depends on it."""

    def record(self, epoch: EpochDone, guesses: Guesses, training: "Training") -> None:
        """Keep an epoch: its figures, its guesses and the state of the training."""

    def stop_requested(self) -> bool:
        """True where the training is to end early. Asked twice a second."""

    def complete(
        self, answers: Mapping[SplitName, Predictions], weights_sha256: str, test_errors: tuple[int, int] | None
    ) -> None:
        """Keep the predictions of the final weights. `test_errors`: of how many test images; None: not asked."""
