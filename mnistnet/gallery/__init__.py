"""The results of the presets, seed by seed, and one set of weights each. Knows no torch.

Our own nets have two entries: trained and scored under `holdout`, with weights; and as a final fit, the same frozen
recipe under `course` on all training images, figures only.

`python -m benchmarks.gallery` writes the files and can check them.
"""

import hashlib
import json
from dataclasses import astuple, dataclass, fields
from functools import cache
from importlib.resources import files
from statistics import mean, stdev
from typing import Any

from mnistnet.errors import OperationFailed
from mnistnet.nets.presets import PRESETS
from mnistnet.training import recipe as recipes
from mnistnet.training.progress import EpochDone
from mnistnet.training.recipe import Recipe

VERSION = 1


class DamagedEntry(OperationFailed):
    """A file of the gallery is missing or does not have its hash."""


CURVE = tuple(field.name for field in fields(EpochDone))


@dataclass(frozen=True)
class Outcome:
    """One seed's training from first epoch to score."""

    seed: int
    curve: tuple[EpochDone, ...]
    train_seconds: float
    test_errors: int
    test_total: int
    weights_sha256: str

    @property
    def test_accuracy(self) -> float:
        """Share of the test images that the final weights get right."""
        return 1 - self.test_errors / self.test_total

    @property
    def best_validation_accuracy(self) -> float:
        """That of the best epoch."""
        return max(row.validation_accuracy for row in self.curve)


@dataclass(frozen=True)
class Entry:
    """A preset's trainings under one frozen recipe. `conditions`: machine and versions; without
    `weights_file_sha256` there are no weights."""

    preset: str
    recipe: Recipe
    outcomes: tuple[Outcome, ...]
    conditions: str
    threads: int
    weights_file_sha256: str | None

    @property
    def name(self) -> str:
        """The name of its files: the preset's, for a final fit with the protocol's added."""
        return final_fit(self.preset) if self.is_final_fit else self.preset

    @property
    def is_final_fit(self) -> bool:
        """True where it is the second training of a net of ours, on all training images; figures only."""
        return self.weights_file_sha256 is None

    @property
    def mean(self) -> float:
        """Mean test accuracy of the final weights over the seeds."""
        return mean(outcome.test_accuracy for outcome in self.outcomes)

    @property
    def deviation(self) -> float:
        """Standard deviation of the test accuracy over the seeds (0 for one seed)."""
        accuracies = [outcome.test_accuracy for outcome in self.outcomes]
        return stdev(accuracies) if len(accuracies) > 1 else 0.0

    @property
    def worst(self) -> float:
        """The lowest test accuracy of a seed."""
        return min(outcome.test_accuracy for outcome in self.outcomes)

    @property
    def best_validation(self) -> float:
        """Mean over the seeds of the best epoch's validation accuracy."""
        return mean(outcome.best_validation_accuracy for outcome in self.outcomes)


def final_fit(preset: str) -> str:
    """The name of the entry that holds the preset's final fit."""
    return f"{preset}-course"


def entry(name: str) -> Entry | None:
    """The entry of this name; None where there is none."""
    return entries().get(name)


@cache
def entries() -> dict[str, Entry]:
    """All entries by name: each preset's, in the presets' order, then the final fits."""
    folder = files(__name__)
    found = {name: folder.joinpath(f"{name}.json") for name in (*PRESETS, *map(final_fit, PRESETS))}
    return {name: parse(file.read_bytes()) for name, file in found.items() if file.is_file()}


def parse(text: str | bytes) -> Entry:
    """The entry in a file's text."""
    value = json.loads(text)
    return Entry(
        preset=value["preset"],
        recipe=recipes.recipe(value["recipe"]),
        outcomes=tuple(_outcome(outcome) for outcome in value["outcomes"]),
        conditions=value["conditions"],
        threads=value["threads"],
        weights_file_sha256=value["weights_file_sha256"],
    )


def _outcome(value: dict[str, Any]) -> Outcome:
    return Outcome(**{**value, "curve": tuple(EpochDone(*row) for row in value["curve"])})


def text(one: Entry) -> str:
    """The entry as its file: one line an epoch, so that a change can be read."""
    head = {
        "version": VERSION,
        "preset": one.preset,
        "recipe": one.recipe.model_dump(exclude={"seed"}),
        "conditions": one.conditions,
        "threads": one.threads,
        "weights_file_sha256": one.weights_file_sha256,
        "curve": CURVE,
    }
    outcomes = []
    for outcome in one.outcomes:
        values = {field.name: getattr(outcome, field.name) for field in fields(outcome) if field.name != "curve"}
        curve = ",\n      ".join(json.dumps(astuple(row)) for row in outcome.curve)
        outcomes.append(f'    {json.dumps(values)[:-1]}, "curve": [\n      {curve}]}}')
    return json.dumps(head, indent=2)[:-2] + ',\n  "outcomes": [\n' + ",\n".join(outcomes) + "\n  ]\n}\n"


def answers(one: Entry) -> bytes | None:
    """The file with the first seed's predictions for the test images; None where it is missing."""
    try:
        return files(__name__).joinpath(f"{one.preset}.npz").read_bytes()
    except OSError:
        return None


def weights(one: Entry) -> bytes:
    """The first seed's final weights, as safetensors. Raises DamagedEntry where they are not those that were scored."""
    file = files(__name__).joinpath(f"{one.preset}.safetensors")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DamagedEntry(f"{file.name}: {error.strerror}; get mnistnet's files anew") from None
    if hashlib.sha256(data).hexdigest() != one.weights_file_sha256:
        raise DamagedEntry(f"{file.name}: not the weights that were scored; get mnistnet's files anew")
    return data
