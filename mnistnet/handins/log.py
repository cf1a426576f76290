"""The log of a hand-in: as text, and what its figures must agree with. Knows no file and no torch."""

import csv
import io
import math
from collections.abc import Sequence

from mnistnet import strict_json
from mnistnet.data import datasets, splits
from mnistnet.handins.manifest import Epoch, Manifest
from mnistnet.training.progress import EpochDone
from mnistnet.training.recipe import Recipe

_CLOSE = 1e-6  # of an image: a share of 60,000 images as a float is that exact


def text(rows: Sequence[Epoch | EpochDone], recipe: Recipe) -> str:
    """The log as the assignment's hand-ins have it, one line an epoch: losses, accuracies and right answers."""
    held = "test" if recipe.protocol == "course" else "validation"
    total = splits.counts(datasets.source(recipe.dataset), recipe.protocol).validation
    return "".join(
        f"Epoch {row.epoch:3}: train loss {row.train_loss:.4f}, train accuracy {row.train_accuracy:.2%}, "
        f"{held} loss {row.validation_loss:.4f}, {held} accuracy {row.validation_accuracy:.2%} "
        f"({round(row.validation_accuracy * total)}/{total}), learning rate {row.learning_rate:.5g}, "
        f"{row.seconds:.1f} s\n"
        for row in rows
    )


def gap(manifest: Manifest) -> str | None:
    """The reason why the log has not epochs 1 to the recipe's number, each once, as claimed; None where it has."""
    numbers, wanted = [row.epoch for row in manifest.log], manifest.recipe.epochs
    if numbers != list(range(1, len(numbers) + 1)):
        at = next(place for place, number in enumerate(numbers, 1) if number != place)
        return f"line {at} of the log is epoch {numbers[at - 1]}: each epoch once, in order, is allowed"
    if len(numbers) != wanted:
        return f"the log has {len(numbers)} epochs, the recipe {wanted}"
    if manifest.claims.epochs != wanted:
        return f"{manifest.claims.epochs} epochs are claimed, the log and the recipe have {wanted}"
    return None


def implausible(manifest: Manifest) -> str | None:
    """The first figure of the log that no training by its recipe can give; None where there is none."""
    recipe = manifest.recipe
    counts = splits.counts(datasets.source(recipe.dataset), recipe.protocol)
    used = recipe.used(counts.train)
    for row in manifest.log:
        if not _is_whole(row.validation_accuracy, counts.validation):
            return _share_of(row, "validation accuracy", row.validation_accuracy, counts.validation)
        if not _is_whole(row.train_accuracy, used):
            return _share_of(row, "train accuracy", row.train_accuracy, used)
        if row.learning_rate > recipe.learning_rate * (1 + _CLOSE):
            rate = f"learning rate {row.learning_rate:g}"
            return f"epoch {row.epoch}: {rate} is above the recipe's peak, {recipe.learning_rate:g}"
        if not math.isclose(row.seconds * row.images_per_second, used, rel_tol=0.01, abs_tol=1):
            return f"epoch {row.epoch}: seconds times images a second are not the {used:,} training images"
    last, claimed = manifest.log[-1].validation_accuracy, manifest.claims.validation
    if round((1 - last) * counts.validation) != claimed.errors:
        return f"its last epoch says {last:.2%}, the claim of a validation accuracy is {claimed.errors:,} errors"
    return None


def _is_whole(share: float, images: int) -> bool:
    right = share * images
    return abs(right - round(right)) <= _CLOSE * max(1.0, right)


def _share_of(row: Epoch, what: str, share: float, images: int) -> str:
    return f"epoch {row.epoch}: {what} {share!r} is no whole number of {images:,} images"


def table_difference(table: bytes, rows: Sequence[Epoch]) -> str | None:
    """The first place where metrics.csv differs from the log of the manifest; None where it does not."""
    try:
        lines = list(csv.DictReader(io.StringIO(table.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        return f"cannot be read ({strict_json.shown(str(error))})"
    if len(lines) != len(rows):
        return f"{len(lines)} epochs, the manifest has {len(rows)}"
    for line, row in zip(lines, rows, strict=True):
        for name, value in row.model_dump().items():
            if _number(line.get(name)) != value:
                found = strict_json.shown(line.get(name))
                return f"epoch {row.epoch}: {name} is {found}, in the manifest {value!r}"
    return None


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None and len(text) < 40 else None
    except ValueError:
        return None
