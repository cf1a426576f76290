"""The facts of one run that a report states: verdict, predictions, images, and the run before it."""

from dataclasses import dataclass

import numpy as np

from mnistnet.data import datasets, splits
from mnistnet.data.datasets import Bytes, Source
from mnistnet.data.files import DataError
from mnistnet.errors import MnistnetError
from mnistnet.exports.material import RunResult
from mnistnet.insight.network.steps import Steps
from mnistnet.insight.predictions.evaluation import Evaluation, Score
from mnistnet.insight.predictions.verdict import RunVerdict, final_score, verdict_of
from mnistnet.nets.rules import Profile
from mnistnet.nets.summary import Summary, summarize
from mnistnet.runs.files.predictions import SplitName
from mnistnet.runs.run import EpochMetrics, Run, RunState

WORST = 24  # mistakes with a picture: three rows


@dataclass(frozen=True, eq=False)
class Facts:
    """A run with what a report needs of it.

    `evaluation` is None where its predictions cannot be had, `worst` (n, 28, 28) None where the images cannot;
    `missing` is the reason. `before`: the run that it is compared with, None where there is none.
    """

    result: RunResult
    profile: Profile
    verdict: RunVerdict
    evaluation: Evaluation | None
    worst: Bytes | None
    missing: str
    before: Run | None

    @property
    def run(self) -> Run:
        """The run."""
        return self.result.run

    @property
    def metrics(self) -> tuple[EpochMetrics, ...]:
        """Its stored epochs."""
        return self.result.metrics

    @property
    def summary(self) -> Summary:
        """The arithmetic of its design."""
        return summarize(self.run.architecture)

    @property
    def source(self) -> Source:
        """Its data set."""
        return datasets.source(self.run.recipe.dataset)

    @property
    def is_mnist(self) -> bool:
        """True where its accuracies are MNIST accuracies."""
        return self.source.name == "mnist"

    @property
    def score(self) -> Score | None:
        """The score that is its result: `verdict.final_score`."""
        return final_score(self.run, self.metrics)

    @property
    def scored_on(self) -> str:
        """The images and weights of `score`."""
        if self.run.test_errors is not None:
            return f"test set of {self.source.title}, final weights"
        epoch = f", after epoch {self.metrics[-1].epoch}" if self.metrics else ""
        return f"{images_title(self.run, 'validation')}{epoch}"

    @property
    def evaluated_on(self) -> str:
        """The images and weights of `evaluation`."""
        is_final = self.run.state is RunState.DONE
        weights = "final weights" if is_final else f"weights after epoch {self.run.epochs_done}"
        return f"{images_title(self.run, split_of(self.run))}, {weights}"


def gather(result: RunResult, before: Run | None, profile: Profile) -> Steps[Facts]:
    """The facts of a run, its predictions computed where none are stored. What cannot be had is said, not raised."""
    evaluation, worst, missing = None, None, ""
    verdict = verdict_of(result.run, result.metrics, profile)
    if not result.metrics:
        return Facts(result, profile, verdict, None, None, "no epoch is finished, so there are no weights", before)
    try:
        evaluation = Evaluation((yield from result.predictions(split_of(result.run))))
        worst = _images(result.run, [mistake.index for mistake in evaluation.mistakes[:WORST]])
    except DataError:  # its message names a folder of this machine, and the report goes to others
        missing = f"{datasets.source(result.run.recipe.dataset).title} is not on this machine"
    except MnistnetError as error:
        missing = str(error)
    return Facts(result, profile, verdict, evaluation, worst, missing, before)


def previous(result: RunResult) -> Run | None:
    """The latest run of the same owner that was asked for before this one and has ended; None for a gallery's run."""
    if result.run.is_of_gallery:
        return None
    others = [run for run in result.store.runs() if run.owner == result.run.owner and run.id != result.run.id]
    ended = [run for run in others if not run.state.is_active and run.created <= result.run.created]
    return max(ended, key=lambda run: run.created, default=None)


def split_of(run: Run) -> SplitName:
    """The images whose mistakes are shown: under `holdout`, before the run is done, not the test set."""
    return run.scorable[0]


def images_title(run: Run, split: SplitName) -> str:
    """The name of a split beside an accuracy: data set, and whether it is also the validation set."""
    title = datasets.source(run.recipe.dataset).title
    if run.recipe.protocol == "course":
        return f"test set of {title}, also used for validation"
    return f"test set of {title}" if split == "test" else f"held-out images of {title}"


def _images(run: Run, indices: list[int]) -> Bytes:
    """The images (n, 28, 28) of the split at these places."""
    if split_of(run) == "test":
        return np.asarray(datasets.load_test(run.recipe.dataset)[0][indices])
    whole = splits.split(datasets.load(run.recipe.dataset, fetch=False), run.recipe.protocol)
    return np.asarray(whole.validation.images[indices])
