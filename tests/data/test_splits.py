"""Which images train, validate and test, told apart by their labels' positions."""

import numpy as np
import pytest

from mnistnet.data.datasets import SOURCES, Dataset, load, source
from mnistnet.data.splits import PROTOCOLS, Part, Protocol, counts, describe, split, title


def _numbered(train: int, test: int) -> Dataset:
    """Images filled with their own position, test images counted on from the training images."""
    numbers = np.arange(train + test, dtype=np.uint8)
    images = np.broadcast_to(numbers[:, None, None], (train + test, 28, 28))
    return Dataset(SOURCES["digits"], images[:train], numbers[:train], images[train:], numbers[train:])


def _positions(part: Part) -> list[int]:
    labels = [int(label) for label in part.labels]
    assert part.images[:, 0, 0].tolist() == labels, "images and labels went apart"
    return labels


def test_holdout_keeps_the_last_twelfth_for_validation() -> None:
    parts = split(_numbered(24, 5), "holdout")
    assert _positions(parts.train) == list(range(22))
    assert _positions(parts.validation) == [22, 23]
    assert _positions(parts.test) == list(range(24, 29))


def test_holdout_rounds_the_kept_part_down() -> None:
    parts = split(_numbered(35, 5), "holdout")
    assert (len(parts.train), len(parts.validation)) == (33, 2)


def test_course_trains_on_all_and_validates_on_the_test_images() -> None:
    parts = split(_numbered(24, 5), "course")
    assert _positions(parts.train) == list(range(24))
    assert _positions(parts.validation) == _positions(parts.test) == list(range(24, 29))


def test_a_parts_length_is_its_number_of_images() -> None:
    assert len(split(_numbered(24, 5), "course").test) == 5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_counts_are_those_of_the_split(protocol: Protocol) -> None:
    parts, told = split(load("digits"), protocol), counts(SOURCES["digits"], protocol)
    assert (told.train, told.validation, told.test) == (len(parts.train), len(parts.validation), len(parts.test))


def test_mnist_holds_out_5_000() -> None:
    told = counts(SOURCES["mnist"], "holdout")
    assert (told.train, told.validation, told.test) == (55_000, 5_000, 10_000)


def test_mnist_as_in_the_course_holds_out_none() -> None:
    told = counts(SOURCES["mnist"], "course")
    assert (told.train, told.validation, told.test) == (60_000, 10_000, 10_000)


@pytest.mark.mnist
def test_mnists_held_out_images_are_the_last_of_the_training_file() -> None:
    dataset = load("mnist")
    parts = split(dataset, "holdout")
    assert np.array_equal(parts.validation.images, dataset.train_images[55_000:])
    assert np.array_equal(parts.train.labels, dataset.train_labels[:55_000])


def test_splitting_copies_no_images() -> None:
    dataset = _numbered(24, 5)
    parts = split(dataset, "holdout")
    assert np.shares_memory(parts.train.images, dataset.train_images)
    assert np.shares_memory(parts.validation.images, dataset.train_images)


def test_each_protocol_says_where_its_validation_comes_from() -> None:
    mnist, digits = source("mnist"), source("digits")
    assert "first 55,000 training images and validates on the last 5,000" in describe(mnist, "holdout")
    assert "all 60,000 training images and validates on the 10,000 test images" in describe(mnist, "course")
    assert "first 1,375 training images and validates on the last 125" in describe(digits, "holdout")


def test_a_protocol_has_a_short_title_with_the_data_sets_own_numbers() -> None:
    mnist, digits = SOURCES["mnist"], SOURCES["digits"]
    assert title(mnist, "holdout") == "Honest (5,000 held out)"
    assert title(digits, "holdout") == "Honest (125 held out)"
    assert title(mnist, "course") == "As the assignment (test set)"
