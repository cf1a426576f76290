"""A run from its first stage to its score: connects training loop, checkpoints and store. Knows no process."""

import math
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache

import torch

from mnistnet.data import datasets, splits
from mnistnet.data.splits import Part, Split
from mnistnet.errors import OperationFailed
from mnistnet.nets.network import build, first_kernels
from mnistnet.runs import limits
from mnistnet.runs.files import checkpoint, kernels, predictions
from mnistnet.runs.files.atomic import write_atomic
from mnistnet.runs.files.checkpoint import CheckpointError
from mnistnet.runs.files.predictions import Guesses, Predictions, SplitName
from mnistnet.runs.files.samples import Sampler
from mnistnet.runs.run import EpochMetrics, Run, RunState
from mnistnet.runs.store import transitions
from mnistnet.runs.store.database import StoreError
from mnistnet.runs.store.store import Store
from mnistnet.training import acceleration
from mnistnet.training.inference import logits, pixels
from mnistnet.training.loop import Diverged, Training
from mnistnet.training.progress import BatchDone, EpochDone

REPORT_SECONDS = 2.0  # the page reads as often; each report is a synced write of about 10 ms
LOOK_SECONDS = 0.4
# What torch raises for the state of another optimizer.
_MISFIT = (RuntimeError, ValueError, TypeError, KeyError, AttributeError, IndexError)
FIRST_BATCH = "first batch (a new machine compiles for up to 30 s)"


_dataset = lru_cache(maxsize=1)(datasets.load)  # trials of a search are trained in turn by one process


class NoStart(OperationFailed):
    """The weights that the run starts from are damaged or gone."""


@dataclass(frozen=True)
class End:
    """The end of a run before its score: stopped or diverged, and why."""

    state: RunState
    message: str = ""


def train(store: Store, run: Run) -> End | None:
    """Train the remaining epochs of the run and score it; None where it is done, as the store then says.

    Every epoch is synced to disk before the next begins.
    """
    job = _Job(store, run)
    try:
        for progress in job.training.run():
            if isinstance(progress, EpochDone):
                job.commit(progress)
            else:
                job.report(progress)
            if end := job.end():
                return end
    except Diverged as error:
        return End(RunState.DIVERGED, str(error))
    job.score()
    return None


class _Job:
    """The training of a run, and when it last wrote to and read from the store."""

    def __init__(self, store: Store, run: Run) -> None:
        self.store, self.run = store, run
        self._began = time.monotonic()
        self.folder = store.folder(run.id)
        torch.set_num_threads(run.threads)
        transitions.advance(store, run.id, f"loading {datasets.source(run.recipe.dataset).title}")
        dataset = _dataset(run.recipe.dataset)
        self.split: Split = splits.split(dataset, run.recipe.protocol)
        self.source = dataset.source
        self.training = self._beginning()
        self._restore()
        self._sampler = Sampler(self.folder, self.training.epoch)
        transitions.advance(store, run.id, self._first_batch())
        self._looked = time.monotonic()
        self._reported, self._reported_step = -math.inf, 0  # the first batch reports itself

    def _first_batch(self) -> str:
        """The phase before the first batch; the log is told the precision, and where compiled kernels are missing."""
        sys.stderr.write(f"precision: {self.training.precision}\n")
        if self.training.device.type != "cpu":
            return "first batch"
        loaded = acceleration.load()
        if loaded.notice:
            sys.stderr.write(f"{loaded.notice}\n")
        return FIRST_BATCH if loaded.kernels else f"first batch, without compiled kernels ({loaded.absence})"

    def _beginning(self) -> Training:
        network = build(self.run.architecture, self.run.recipe.seed)
        return Training(network, self.split, self.source, self.run.recipe, epochs_before=self.run.epochs_before)

    def _from_start(self, sha256: str) -> Training:
        """The beginning of a run that trains another one further."""
        training = self._beginning()
        try:
            weights = checkpoint.start_weights(self.folder, sha256, training.network.state_dict())
        except CheckpointError as error:
            advice = f"train run {self.run.started_from} further once more"
            raise NoStart(f"{error}: these are the weights that the run starts from; {advice}") from None
        for network in (training.network, training.ema_network):
            network.load_state_dict(weights)
        return training

    def _restore(self) -> None:
        stored, epoch = self.store.metrics(self.run.id), 0
        for metrics, state in checkpoint.whole(self.folder, stored, self.training.network.state_dict()):
            try:
                self.training.restore(state)
            except _MISFIT:  # the optimizer's state does not fit; the network's is loaded already, so begin anew
                self.training = self._beginning()
            else:
                epoch = metrics.epoch
                break
        if not epoch and self.run.start_sha256:
            self.training = self._from_start(self.run.start_sha256)
        if stored and epoch < stored[-1].epoch:
            again = f"went on from epoch {epoch}" if epoch else "began anew"
            message = f"the checkpoint of epoch {stored[-1].epoch} was damaged or gone: training {again}"
            transitions.forget_epochs_after(self.store, self.run.id, epoch, message)

    def commit(self, epoch: EpochDone) -> None:
        """Write the epoch's files, then its row with their hashes: a row never refers to a file that is missing."""
        guesses = Guesses(self.training.validation_guesses, self.split.validation.labels)
        packed = predictions.pack_guesses(guesses)
        write_atomic(predictions.guesses_path(self.folder, epoch.epoch), packed)
        if (first := first_kernels(self.training.ema_network)) is not None:
            kernels.write(self.folder, first[:, 0].cpu().numpy())
        name, sha256 = checkpoint.save(self.folder, epoch.epoch, self.training.state)
        metrics = EpochMetrics(
            **asdict(epoch), checkpoint=name, checkpoint_sha256=sha256, guesses_sha256=predictions.sha256(packed)
        )
        transitions.record_epoch(self.store, self.run.id, metrics)
        checkpoint.sweep(self.folder, epoch.epoch)
        self._reported, self._reported_step = time.monotonic(), 0

    def report(self, progress: BatchDone) -> None:
        """Store the progress within the epoch, after the first batch and then every two seconds; samples more often."""
        self._sampler.take(progress, lambda: self.training.sums)
        now = time.monotonic()
        if now - self._reported < REPORT_SECONDS:
            return
        images = (progress.step - self._reported_step) * self.run.recipe.batch_size
        speed = images / (now - self._reported)  # 0 after the first batch, whose time includes compilation
        with suppress(StoreError):  # a busy or full disk costs the display, not the training
            transitions.advance(self.store, self.run.id, "training", progress.step, progress.steps, speed)
        self._reported, self._reported_step = now, progress.step

    def end(self) -> End | None:
        """The end that is due now, if any: a stop is requested, read twice a second, or its hours are over."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return None
        self._looked = now
        allowed = limits.seconds_of_an_attempt()
        if now - self._began > allowed:
            return End(
                RunState.STOPPED, f"the limit of {allowed / 3600:g} hours is reached; Resume gives it as many again"
            )
        return End(RunState.STOPPED) if self.store.stop_requested(self.run.id) else None

    def score(self) -> None:
        """Apply the final weights to validation and test images: predictions into files, the score into the store.

        Under `holdout` this is the only time that the test set is touched; the trial of a search does not touch it.
        """
        transitions.advance(self.store, self.run.id, f"scoring the {'test' if self.run.scored else 'validation'} set")
        sha256 = checkpoint.weights_sha256(self.training.ema_network.state_dict())
        answers: dict[SplitName, Predictions] = {"validation": self._answers(self.split.validation)}
        if self.run.scored:
            same = self.split.validation is self.split.test
            answers["test"] = answers["validation"] if same else self._answers(self.split.test)
        hashes: dict[SplitName, str] = {}
        for split, answered in answers.items():
            packed = predictions.pack(answered, sha256)
            write_atomic(predictions.path(self.folder, split), packed)
            hashes[split] = predictions.sha256(packed)
        transitions.complete(self.store, self.run.id, _errors(answers.get("test")), sha256, hashes)

    def _answers(self, part: Part) -> Predictions:
        images = pixels(part.images, self.training.source, self.training.device)
        answers = logits(self.training.ema_network, images, self.training.source)
        return Predictions(answers.softmax(1).cpu().numpy(), part.labels)


def _errors(answered: Predictions | None) -> tuple[int, int] | None:
    """Wrong answers, and how many there are; None where there are none."""
    if answered is None:
        return None
    return int((answered.probabilities.argmax(1) != answered.labels).sum()), len(answered.labels)
