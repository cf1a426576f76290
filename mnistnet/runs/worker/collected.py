"""The recorder of a training whose results are sent elsewhere: files as bytes, in memory. Knows no store."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict

from mnistnet.nets.network import first_kernels
from mnistnet.runs.files import checkpoint, kernels, predictions
from mnistnet.runs.files.names import FIRST_KERNELS
from mnistnet.runs.files.predictions import Guesses, Predictions, SplitName
from mnistnet.runs.run import EpochMetrics
from mnistnet.training.loop import Training
from mnistnet.training.progress import BatchDone, EpochDone, Sums


class Collector:
    """Keeps what `StoreRecorder` would write: the same files, the checkpoints of the last epochs alone.

    `epochs` are the rows of the epochs so far, `files` the bytes by name, `weights_sha256` is empty until the end.
    `told` is called with each epoch; `stop` says whether the training is to end.
    """

    def __init__(self, told: Callable[[EpochDone], None], stop: Callable[[], bool]) -> None:
        self._told, self._stop = told, stop
        self.epochs: list[EpochMetrics] = []
        self.files: dict[str, bytes] = {}
        self.weights_sha256 = ""

    def advance(self, stage: str) -> None:
        """Nothing: nobody looks."""

    def progress(self, step: int, steps: int, images_per_second: float) -> None:
        """Nothing: nobody looks."""

    def resumed(self, begin: Callable[[], Training]) -> Training:
        return begin()

    def sample(self, progress: BatchDone, sums: Callable[[], Sums]) -> None:
        """Nothing: nobody looks."""

    def record(self, epoch: EpochDone, guesses: Guesses, training: Training) -> None:
        packed, state = predictions.pack_guesses(guesses), checkpoint.pack(training.state)
        if (first := first_kernels(training.ema_network)) is not None:
            self.files[FIRST_KERNELS] = kernels.pack(first[:, 0].cpu().numpy())
        self.files[predictions.guesses_name(epoch.epoch)] = packed
        self.files[checkpoint.name_of(epoch.epoch)] = state
        self.files.pop(checkpoint.name_of(epoch.epoch - checkpoint.GENERATIONS), None)
        self.epochs.append(
            EpochMetrics(
                **asdict(epoch),
                checkpoint=checkpoint.name_of(epoch.epoch),
                checkpoint_sha256=hashlib.sha256(state).hexdigest(),
                guesses_sha256=predictions.sha256(packed),
            )
        )
        self._told(epoch)

    def stop_requested(self) -> bool:
        return self._stop()

    def complete(
        self, answers: Mapping[SplitName, Predictions], weights_sha256: str, test_errors: tuple[int, int] | None
    ) -> None:
        """`test_errors` follow from the predictions: whoever gets these counts them again."""
        for split, answered in answers.items():
            self.files[predictions.name_of(split)] = predictions.pack(answered, weights_sha256)
        self.weights_sha256 = weights_sha256
