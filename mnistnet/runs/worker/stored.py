"""The recorder of a run of the store: files into its folder, rows into the database, each file before its row."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict

from mnistnet.errors import OperationFailed
from mnistnet.nets.network import first_kernels
from mnistnet.runs.files import checkpoint, kernels, predictions
from mnistnet.runs.files.atomic import write_atomic
from mnistnet.runs.files.checkpoint import CheckpointError
from mnistnet.runs.files.predictions import Guesses, Predictions, SplitName
from mnistnet.runs.files.samples import Sampler
from mnistnet.runs.run import EpochMetrics, Run
from mnistnet.runs.store import transitions
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.store import Store
from mnistnet.training.loop import Training
from mnistnet.training.progress import BatchDone, EpochDone, Sums

# What torch raises for the state of another optimizer.
_MISFIT = (RuntimeError, ValueError, TypeError, KeyError, AttributeError, IndexError)


class NoStart(OperationFailed):
    """The weights that the run starts from are damaged or gone."""


class StoreRecorder:
    """Records the training of one run. Every epoch is synced to disk before the next begins."""

    def __init__(self, store: Store, run: Run) -> None:
        self._store, self._run, self._folder = store, run, store.folder(run.id)
        self._sampler: Sampler | None = None

    def advance(self, stage: str) -> None:
        transitions.advance(self._store, self._run.id, stage)

    def progress(self, step: int, steps: int, images_per_second: float) -> None:
        with suppress(StoreError):  # a busy or full disk costs the display, not the training
            transitions.advance(self._store, self._run.id, "training", step, steps, images_per_second)

    def resumed(self, begin: Callable[[], Training]) -> Training:
        """The training at the newest whole checkpoint, else from the weights that the run starts from, if it does.

        Raises NoStart where these are damaged.
        """
        training = begin()
        stored, epoch = self._store.metrics(self._run.id), 0
        for metrics, state in checkpoint.whole(self._folder, stored, training.network.state_dict()):
            try:
                training.restore(state)
            except _MISFIT:  # the optimizer's state does not fit; the network's is loaded already, so begin anew
                training = begin()
            else:
                epoch = metrics.epoch
                break
        if not epoch and self._run.start_sha256:
            training = self._from_start(begin(), self._run.start_sha256)
        if stored and epoch < stored[-1].epoch:
            again = f"went on from epoch {epoch}" if epoch else "began anew"
            message = f"the checkpoint of epoch {stored[-1].epoch} was damaged or gone: training {again}"
            transitions.forget_epochs_after(self._store, self._run.id, epoch, message)
        self._sampler = Sampler(self._folder, training.epoch)
        return training

    def _from_start(self, training: Training, sha256: str) -> Training:
        """The beginning of a run that trains another one further."""
        try:
            weights = checkpoint.start_weights(self._folder, sha256, training.network.state_dict())
        except CheckpointError as error:
            advice = f"train run {self._run.started_from} further once more"
            raise NoStart(f"{error}: these are the weights that the run starts from; {advice}") from None
        for network in (training.network, training.ema_network):
            network.load_state_dict(weights)
        return training

    def sample(self, progress: BatchDone, sums: Callable[[], Sums]) -> None:
        if self._sampler:
            self._sampler.take(progress, sums)

    def record(self, epoch: EpochDone, guesses: Guesses, training: Training) -> None:
        """Write the epoch's files, then its row with their hashes: a row never refers to a file that is missing."""
        packed = predictions.pack_guesses(guesses)
        write_atomic(predictions.guesses_path(self._folder, epoch.epoch), packed)
        if (first := first_kernels(training.ema_network)) is not None:
            kernels.write(self._folder, first[:, 0].cpu().numpy())
        name, sha256 = checkpoint.save(self._folder, epoch.epoch, training.state)
        metrics = EpochMetrics(
            **asdict(epoch), checkpoint=name, checkpoint_sha256=sha256, guesses_sha256=predictions.sha256(packed)
        )
        transitions.record_epoch(self._store, self._run.id, metrics)
        checkpoint.sweep(self._folder, epoch.epoch)

    def stop_requested(self) -> bool:
        return self._store.stop_requested(self._run.id)

    def complete(
        self, answers: Mapping[SplitName, Predictions], weights_sha256: str, test_errors: tuple[int, int] | None
    ) -> None:
        """Write the predictions into files, then the score into the store."""
        hashes: dict[SplitName, str] = {}
        for split, answered in answers.items():
            packed = predictions.pack(answered, weights_sha256)
            write_atomic(predictions.path(self._folder, split), packed)
            hashes[split] = predictions.sha256(packed)
        transitions.complete(self._store, self._run.id, test_errors, weights_sha256, hashes)
