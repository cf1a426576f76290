"""Which images train, which validate and which test, under each protocol. No torch."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mnistnet.data.datasets import Bytes, Dataset, Source

Protocol: TypeAlias = Literal["holdout", "course"]

PROTOCOLS: dict[Protocol, str] = {
    "holdout": "Trains on the first {train:,} training images and validates on the last {validation:,}. "
    "The test set is used once, at the end, with the final weights.",
    "course": "Trains on all {train:,} training images and validates on the {test:,} test images after every epoch, "
    "as the assignment does.",
}
_TITLES: dict[Protocol, str] = {
    "holdout": "Honest ({validation:,} held out)",
    "course": "As the assignment (test set)",
}
_HELD_OUT = 12  # one twelfth of the training file: 5,000 of MNIST's 60,000


@dataclass(frozen=True, eq=False)
class Part:
    """Images (n, 28, 28) uint8 and their labels (n,) uint8."""

    images: Bytes
    labels: Bytes

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Split:
    """The three parts. Under `course`, validation and test are the same images."""

    train: Part
    validation: Part
    test: Part


def split(dataset: Dataset, protocol: Protocol) -> Split:
    """`holdout` keeps the last twelfth of the training file for validation; `course` keeps none.

    The end of the file, not a random choice: MNIST is ordered by writer, and a random part shares
    nearly all its writers with the rest, which makes it look better than new writers will.
    """
    test = Part(dataset.test_images, dataset.test_labels)
    images, labels = dataset.train_images, dataset.train_labels
    if protocol == "course":
        return Split(Part(images, labels), test, test)
    kept = len(labels) - len(labels) // _HELD_OUT
    return Split(Part(images[:kept], labels[:kept]), Part(images[kept:], labels[kept:]), test)


@dataclass(frozen=True)
class Counts:
    """Images in each part."""

    train: int
    validation: int
    test: int


def describe(source: Source, protocol: Protocol) -> str:
    """The images that train, validate and test under the protocol, in one or two sentences."""
    return _filled(PROTOCOLS[protocol], source, protocol)


def title(source: Source, protocol: Protocol) -> str:
    """The protocol in a few words, for a choice between the two."""
    return _filled(_TITLES[protocol], source, protocol)


def _filled(text: str, source: Source, protocol: Protocol) -> str:
    found = counts(source, protocol)
    return text.format(train=found.train, validation=found.validation, test=found.test)


def counts(source: Source, protocol: Protocol) -> Counts:
    """The number of images that `split` puts into each part, without loading any."""
    if protocol == "course":
        return Counts(source.train_total, source.test_total, source.test_total)
    held_out = source.train_total // _HELD_OUT
    return Counts(source.train_total - held_out, held_out, source.test_total)
