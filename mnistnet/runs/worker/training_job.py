"""A training from its first stage to its score: connects training loop and recorder. Knows no process and no store."""

import math
import sys
import time
from dataclasses import dataclass
from functools import lru_cache

import torch

from mnistnet.data import datasets, splits
from mnistnet.data.splits import Part, Split
from mnistnet.nets.network import build
from mnistnet.runs import limits
from mnistnet.runs.files import checkpoint
from mnistnet.runs.files.predictions import Guesses, Predictions, SplitName
from mnistnet.runs.run import Run, RunState
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker.recorder import Recorder, Wanted
from mnistnet.runs.worker.stored import NoStart as NoStart
from mnistnet.runs.worker.stored import StoreRecorder
from mnistnet.training import acceleration
from mnistnet.training.inference import logits, pixels
from mnistnet.training.loop import Diverged, Training
from mnistnet.training.progress import BatchDone, EpochDone

REPORT_SECONDS = 2.0  # the page reads as often; each report is a synced write of about 10 ms
LOOK_SECONDS = 0.4
FIRST_BATCH = "first batch (a new machine compiles for up to 30 s)"


_dataset = lru_cache(maxsize=1)(datasets.load)  # trials of a search are trained in turn by one process


@dataclass(frozen=True)
class End:
    """The end of a training before its score: stopped or diverged, and why."""

    state: RunState
    message: str = ""


def train(store: Store, run: Run) -> End | None:
    """Train the remaining epochs of the run and score it; None where it is done, as the store then says."""
    return work(run, StoreRecorder(store, run))


def work(wanted: Wanted, recorder: Recorder) -> End | None:
    """Train what the recorder has no epochs of and score it; None where it is done, as the recorder then has it.

    Every epoch is recorded before the next begins.
    """
    job = _Job(wanted, recorder)
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
    """A training, and when it last wrote to and asked the recorder."""

    def __init__(self, wanted: Wanted, recorder: Recorder) -> None:
        self.wanted, self.recorder = wanted, recorder
        self._began = time.monotonic()
        torch.set_num_threads(wanted.threads)
        recorder.advance(f"loading {datasets.source(wanted.recipe.dataset).title}")
        dataset = _dataset(wanted.recipe.dataset)
        self.split: Split = splits.split(dataset, wanted.recipe.protocol)
        self.source = dataset.source
        self.training = recorder.resumed(self._beginning)
        recorder.advance(self._first_batch())
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
        network = build(self.wanted.architecture, self.wanted.recipe.seed)
        return Training(network, self.split, self.source, self.wanted.recipe, epochs_before=self.wanted.epochs_before)

    def commit(self, epoch: EpochDone) -> None:
        """Have an epoch recorded."""
        guesses = Guesses(self.training.validation_guesses, self.split.validation.labels)
        self.recorder.record(epoch, guesses, self.training)
        self._reported, self._reported_step = time.monotonic(), 0

    def report(self, progress: BatchDone) -> None:
        """Tell the progress within the epoch, after the first batch and then every two seconds; samples more often."""
        self.recorder.sample(progress, lambda: self.training.sums)
        now = time.monotonic()
        if now - self._reported < REPORT_SECONDS:
            return
        images = (progress.step - self._reported_step) * self.wanted.recipe.batch_size
        speed = images / (now - self._reported)  # 0 after the first batch, whose time includes compilation
        self.recorder.progress(progress.step, progress.steps, speed)
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
        return End(RunState.STOPPED) if self.recorder.stop_requested() else None

    def score(self) -> None:
        """Apply the final weights to validation and test images, and have the predictions recorded.

        Under `holdout` this is the only time that the test set is touched; the trial of a search does not touch it.
        """
        self.recorder.advance(f"scoring the {'test' if self.wanted.scored else 'validation'} set")
        sha256 = checkpoint.weights_sha256(self.training.ema_network.state_dict())
        answers: dict[SplitName, Predictions] = {"validation": self._answers(self.split.validation)}
        if self.wanted.scored:
            same = self.split.validation is self.split.test
            answers["test"] = answers["validation"] if same else self._answers(self.split.test)
        self.recorder.complete(answers, sha256, _errors(answers.get("test")))

    def _answers(self, part: Part) -> Predictions:
        images = pixels(part.images, self.training.source, self.training.device)
        answers = logits(self.training.ema_network, images, self.training.source)
        return Predictions(answers.softmax(1).cpu().numpy(), part.labels)


def _errors(answered: Predictions | None) -> tuple[int, int] | None:
    """Wrong answers, and how many there are; None where there are none."""
    if answered is None:
        return None
    return int((answered.probabilities.argmax(1) != answered.labels).sum()), len(answered.labels)
