"""A run and its epochs as frozen values. Knows no database, no file and no torch."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from mnistnet.nets import architecture as designs
from mnistnet.nets.architecture import Architecture
from mnistnet.runs.files.predictions import SplitName
from mnistnet.training import recipe as recipes
from mnistnet.training.progress import EpochDone
from mnistnet.training.recipe import Recipe


class RunState(StrEnum):
    """The states of a run. The first terminal state wins; `interrupted` and `stopped` can be resumed."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"

    @property
    def is_active(self) -> bool:
        """True where something will still happen to the run by itself."""
        return self in ACTIVE

    @property
    def is_resumable(self) -> bool:
        """True where `resume` can put it back into the queue."""
        return self in RESUMABLE


GALLERY_PREFIX = "gallery-"  # of the ids of the gallery's runs; a store's ids are hexadecimal
ACTIVE = (RunState.QUEUED, RunState.STARTING, RunState.RUNNING)
CLAIMED = (RunState.STARTING, RunState.RUNNING)
RESUMABLE = (RunState.STOPPED, RunState.INTERRUPTED)


@dataclass(frozen=True)
class EpochMetrics(EpochDone):
    """One stored epoch and its checkpoint. `guesses_sha256` is None before version 3 of the store."""

    checkpoint: str
    checkpoint_sha256: str
    guesses_sha256: str | None = None


@dataclass(frozen=True)
class Run:
    """One training, as a store or the gallery has it. Times are seconds since 1970, accuracies fractions, None where
    unknown yet.

    `attempt` counts claims by a supervisor; `step` of `steps` batches of the epoch are done; `stage` says what its
    worker is doing, `message` how it ended. A run that trains another one further has `started_from`, that run's id,
    `epochs_before`, the epochs trained until then, and `start_sha256` of its copy of that run's last checkpoint. A run
    that a search started has that `search`'s id and the number of its `trial`; where `scored` is False, the test set
    is not asked at its end.
    """

    id: str
    name: str
    state: RunState
    architecture_json: str
    recipe_json: str
    params: int
    threads: int
    attempt: int

    owner: str = ""
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    stage: str = ""
    message: str = ""
    stop_requested: bool = False

    step: int = 0
    steps: int = 0
    images_per_second: float | None = None
    epochs_done: int = 0
    validation_accuracy: float | None = None
    best_validation_accuracy: float | None = None
    train_seconds: float | None = None

    test_errors: int | None = None
    test_total: int | None = None
    weights_sha256: str | None = None
    validation_answers_sha256: str | None = None
    test_answers_sha256: str | None = None

    started_from: str | None = None
    epochs_before: int = 0
    start_sha256: str | None = None

    search: str | None = None
    trial: int | None = None
    scored: bool = True

    @property
    def architecture(self) -> Architecture:
        """The design as it was when the run was started."""
        return _architecture(self.architecture_json)

    @property
    def recipe(self) -> Recipe:
        """The recipe as it was when the run was started."""
        return stored_recipe(self.recipe_json)

    @property
    def title(self) -> str:
        """Its id and name, for lists; "gallery" and its name for a run of the gallery; the run that it goes on from."""
        further = f" · further from {self.started_from}" if self.started_from else ""
        trial = f" · trial {self.trial} of search {self.search}" if self.search else ""
        return f"gallery · {self.name}" if self.is_of_gallery else f"{self.id} · {self.name}{further}{trial}"

    @property
    def provenance(self) -> str:
        """A sentence about the run whose weights it starts from; empty for one that starts from random weights."""
        if not self.started_from:
            return ""
        return (
            f"Starts from the weights of run {self.started_from} after {self.epochs_before} epochs; the rules count "
            f"those as well: {self.epochs_in_all} in all."
        )

    @property
    def epochs_in_all(self) -> int:
        """The epochs of its recipe, and those that its first weights were trained for."""
        return self.epochs_before + self.recipe.epochs

    @property
    def is_of_gallery(self) -> bool:
        """True where it comes with mnistnet instead of from a store."""
        return self.id.startswith(GALLERY_PREFIX)

    @property
    def test_accuracy(self) -> float | None:
        """Share of the test images that the final weights get right."""
        if self.test_errors is None or not self.test_total:
            return None
        return 1 - self.test_errors / self.test_total

    def answers_sha256(self, split: SplitName) -> str | None:
        """The sha256 of the file with the final weights' predictions; None in stores before version 3."""
        return self.validation_answers_sha256 if split == "validation" else self.test_answers_sha256

    @property
    def progress(self) -> float:
        """Share of all its training done, 0 to 1."""
        within = self.step / self.steps if self.steps else 0.0
        return min(1.0, (self.epochs_done + within) / self.recipe.epochs)

    @property
    def seconds_left(self) -> float | None:
        """Training time still to come at the last measured speed; None until an eighth of an epoch is done.

        The first seconds are slower: processes still start, and pages are drawn.
        """
        has_begun = self.epochs_done > 0 or self.step * 8 >= max(1, self.steps)
        if not (self.is_training and has_begun and self.images_per_second and self.train_images):
            return None
        return (1 - self.progress) * self.recipe.epochs * self.train_images / self.images_per_second

    @property
    def scorable(self) -> tuple[SplitName, ...]:
        """The splits that it may be scored on now, the first to be looked at first.

        Under `holdout` the test set is touched once, with the final weights: not before the run is done, and not at
        all by the trials of a search.
        Under `course` validation is the test set.
        """
        if self.recipe.protocol == "course":
            return ("test",)
        return ("test", "validation") if self.state is RunState.DONE and self.scored else ("validation",)

    @property
    def is_training(self) -> bool:
        """True where a worker trains it."""
        return self.state is RunState.RUNNING

    @property
    def train_images(self) -> int:
        """Images in an epoch, rounded to whole batches; 0 before training has begun."""
        return self.steps * self.recipe.batch_size


@dataclass(frozen=True)
class DamagedRun:
    """A row of a store that has a fault. `id`: as it may be shown; `fault`: the column, its value, what is allowed."""

    number: int
    id: str
    fault: str


@lru_cache(maxsize=512)
def _architecture(text: str) -> Architecture:
    return designs.parse(text)


@lru_cache(maxsize=16_384)  # in a store of 10,000 runs most differ by their seed
def stored_recipe(text: str) -> Recipe:
    """The recipe in a run's row. Raises RecipeError."""
    return recipes.recipe(recipes.parse(text))
