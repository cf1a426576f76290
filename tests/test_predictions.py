"""Stored answers: read back whole, or not at all."""

import random
from pathlib import Path

import numpy as np
import pytest

from mnistnet.runs import predictions
from mnistnet.runs.predictions import Predictions

HASH = "ab" * 32


@pytest.fixture
def answers() -> Predictions:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(10), 20).astype(np.float32)
    return Predictions(probabilities, np.arange(20, dtype=np.uint8) % 10)


@pytest.fixture
def stored(tmp_path: Path, answers: Predictions) -> Path:
    predictions.path(tmp_path, "test").write_bytes(predictions.pack(answers, HASH))
    return tmp_path


def assert_same(read: Predictions | None, answers: Predictions) -> None:
    assert read is not None
    np.testing.assert_array_equal(read.probabilities, answers.probabilities)
    np.testing.assert_array_equal(read.labels, answers.labels)
    assert read.probabilities.dtype == np.float32
    assert read.labels.dtype == np.uint8


def test_answers_read_back_as_they_were_packed(stored: Path, answers: Predictions) -> None:
    assert_same(predictions.read(stored, "test", HASH), answers)


def test_answers_of_other_weights_are_not_read(stored: Path) -> None:
    assert predictions.read(stored, "test", "cd" * 32) is None


def test_there_are_no_answers_for_a_split_that_was_not_stored(stored: Path) -> None:
    assert predictions.read(stored, "validation", HASH) is None


def test_a_flipped_bit_gives_the_same_answers_or_none(stored: Path, answers: Predictions) -> None:
    path = predictions.path(stored, "test")
    whole = path.read_bytes()
    for bit in random.Random(0).sample(range(8 * len(whole)), 3_000):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        if read := predictions.read(stored, "test", HASH):
            assert_same(read, answers)  # the bit was in a time stamp or the like


def test_a_file_that_looks_encrypted_or_packed_strangely_is_no_answer(stored: Path) -> None:
    path = predictions.path(stored, "test")
    whole = path.read_bytes()
    entry = whole.index(b"PK\x01\x02")
    for offset, value in ((8, 1), (8, 1 << 5), (10, 99)):  # flags and compression method of the first entry
        damaged = bytearray(whole)
        damaged[entry + offset] = value
        path.write_bytes(damaged)
        assert predictions.read(stored, "test", HASH) is None


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_no_answer(stored: Path, share: float) -> None:
    path = predictions.path(stored, "test")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert predictions.read(stored, "test", HASH) is None


def test_pickled_objects_are_not_read(stored: Path) -> None:
    objects = np.array([{"a": 1}], dtype=object)
    np.savez(predictions.path(stored, "test"), probabilities=objects, labels=objects, weights_sha256=np.array(HASH))
    assert predictions.read(stored, "test", HASH) is None
