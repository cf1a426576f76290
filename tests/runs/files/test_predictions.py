"""Stored answers: read back whole, or not at all."""

import io
import os
import random
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistnet.runs.files import predictions
from mnistnet.runs.files.names import GUESSES
from mnistnet.runs.files.predictions import Guesses, Predictions

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


def flipped(path: Path, bits: Iterable[int]) -> Iterator[int]:
    """Has each of these bits flipped in the file in turn, the others as they were."""
    whole = path.read_bytes()
    with path.open("r+b", buffering=0) as file:  # in place: thousands of new files would take half a minute
        for bit in bits:
            byte = bit // 8
            os.pwrite(file.fileno(), bytes([whole[byte] ^ 1 << bit % 8]), byte)
            yield bit
            os.pwrite(file.fileno(), whole[byte : byte + 1], byte)


def test_a_flipped_bit_gives_the_same_answers_or_none(stored: Path, answers: Predictions) -> None:
    path = predictions.path(stored, "test")
    for _ in flipped(path, random.Random(0).sample(range(8 * path.stat().st_size), 3_000)):
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


# Files that somebody has made


def of_arrays(folder: Path, save: Callable[..., None] = np.savez, **changes: Any) -> Predictions | None:
    """What is read from a file with these arrays in the place of what belongs there; None leaves one out."""
    probabilities = np.full((20, 10), 0.1, np.float32)
    arrays = {"probabilities": probabilities, "labels": np.zeros(20, np.uint8), "weights_sha256": np.array(HASH)}
    given = {name: array for name, array in {**arrays, **changes}.items() if array is not None}
    save(predictions.path(folder, "test"), **given)
    return predictions.read(folder, "test", HASH)


def test_a_file_made_elsewhere_with_nothing_wrong_is_read(tmp_path: Path) -> None:
    assert of_arrays(tmp_path) is not None
    assert of_arrays(tmp_path, probabilities=np.full((20, 10), 0.1, np.float16)) is not None  # as the gallery's


@pytest.mark.parametrize(
    "changes",
    [
        {"probabilities": np.full((20, 10), 0.1, np.float64)},
        {"probabilities": np.full((20, 9), 0.1, np.float32)},
        {"probabilities": np.full((10, 20), 0.1, np.float32).T},
        {"probabilities": np.full((20, 10), 0.1, ">f4")},
        {"probabilities": np.full((19, 10), 0.1, np.float32)},
        {"probabilities": np.full((0, 10), 0.1, np.float32), "labels": np.zeros(0, np.uint8)},
        {"probabilities": np.full((60_001, 10), 0.1, np.float32), "labels": np.zeros(60_001, np.uint8)},
        {"probabilities": np.full((20, 10), np.nan, np.float32)},
        {"probabilities": np.full((20, 10), 0.2, np.float32)},
        {"probabilities": np.tile(np.array([-1, 2] + [0] * 8, np.float32), (20, 1))},
        {"labels": np.full(20, 10, np.uint8)},
        {"labels": np.zeros(20, np.int64)},
        {"labels": None},
        {"more": np.zeros(1)},
        {"weights_sha256": np.array([HASH])},
        {"weights_sha256": np.array("x" * 100_000)},
    ],
    ids=lambda changes: " ".join(f"{name} {getattr(array, 'shape', '')}" for name, array in changes.items()),
)
def test_arrays_of_another_form_or_with_other_values_are_no_answer(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert of_arrays(tmp_path, **changes) is None


def test_a_compressed_file_is_no_answer(tmp_path: Path) -> None:
    assert of_arrays(tmp_path, np.savez_compressed) is None


def bomb(file: Path, name: str, claimed: int) -> None:
    """A file with an array of 100 MB in a tenth of one; its header says that it has `claimed` bytes."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (100_000_000,)})
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        with packed.open(f"{name}.npy", "w") as member:
            member.write(header.getvalue())
            for _ in range(100):
                member.write(bytes(1_000_000))
        packed.writestr("labels.npy", b"")
    data = file.read_bytes()
    size = (100_000_000 + len(header.getvalue())).to_bytes(4, "little")
    file.write_bytes(data.replace(size, claimed.to_bytes(4, "little")))


@pytest.mark.parametrize("claimed", [100_000_128, 5_128])
def test_a_bomb_takes_no_memory(tmp_path: Path, claimed: int) -> None:
    bomb(predictions.guesses_path(tmp_path, 7), "guesses", claimed)
    bomb(predictions.path(tmp_path, "test"), "probabilities", claimed)
    tracemalloc.start()
    try:
        assert predictions.read_guesses(tmp_path, 7) is None
        assert predictions.read(tmp_path, "test", HASH) is None
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_answers_are_read_only_where_the_store_knows_their_hash(stored: Path, answers: Predictions) -> None:
    sha256 = predictions.sha256(predictions.path(stored, "test").read_bytes())
    assert_same(predictions.read(stored, "test", HASH, sha256), answers)
    assert predictions.read(stored, "test", HASH, "0" * 64) is None


# Each epoch's guesses.


@pytest.fixture
def guesses() -> Guesses:
    """As many as there are validation images: of a smaller file, a checksum is held against all before any is used."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 5_000).astype(np.uint8)
    return Guesses(
        np.where(generator.random(5_000) < 0.02, generator.integers(0, 10, 5_000), labels).astype(np.uint8), labels
    )


@pytest.fixture
def kept(tmp_path: Path, guesses: Guesses) -> Path:
    predictions.guesses_path(tmp_path, 7).write_bytes(predictions.pack_guesses(guesses))
    return tmp_path


def assert_same_guesses(read: Guesses | None, guesses: Guesses) -> None:
    assert read is not None
    np.testing.assert_array_equal(read.guesses, guesses.guesses)
    np.testing.assert_array_equal(read.labels, guesses.labels)
    assert read.guesses.dtype == read.labels.dtype == np.uint8


def test_guesses_read_back_as_they_were_packed(kept: Path, guesses: Guesses) -> None:
    assert_same_guesses(predictions.read_guesses(kept, 7), guesses)


def test_guesses_are_read_only_where_the_store_knows_their_hash(kept: Path, guesses: Guesses) -> None:
    sha256 = predictions.sha256(predictions.guesses_path(kept, 7).read_bytes())
    assert_same_guesses(predictions.read_guesses(kept, 7, sha256), guesses)
    assert predictions.read_guesses(kept, 7, "0" * 64) is None


def test_guesses_that_are_not_compressed_are_read(tmp_path: Path, guesses: Guesses) -> None:
    np.savez(predictions.guesses_path(tmp_path, 7), guesses=guesses.guesses, labels=guesses.labels)
    assert_same_guesses(predictions.read_guesses(tmp_path, 7), guesses)


def test_guesses_that_are_no_classes_are_none(tmp_path: Path) -> None:
    np.savez(predictions.guesses_path(tmp_path, 7), guesses=np.full(20, 11, np.uint8), labels=np.zeros(20, np.uint8))
    assert predictions.read_guesses(tmp_path, 7) is None


def test_there_are_no_guesses_of_an_epoch_that_was_not_stored(kept: Path) -> None:
    assert predictions.read_guesses(kept, 8) is None


def test_answers_in_the_place_of_guesses_are_no_guesses(kept: Path, answers: Predictions) -> None:
    predictions.guesses_path(kept, 7).write_bytes(predictions.pack(answers, HASH))
    assert predictions.read_guesses(kept, 7) is None


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_no_guesses(kept: Path, share: float) -> None:
    path = predictions.guesses_path(kept, 7)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert predictions.read_guesses(kept, 7) is None


def headers(whole: bytes) -> list[int]:
    """The bits of what stands before each array in a file: its name, size, shape and kind."""
    starts = [8 * entry.start() for entry in re.finditer(rb"PK\x03\x04", whole)]
    return [bit for start in starts for bit in range(start, start + 8 * 280)]


def test_a_flipped_bit_in_an_array_gives_the_same_guesses_or_none(kept: Path, guesses: Guesses) -> None:
    path = predictions.guesses_path(kept, 7)
    whole = path.read_bytes()
    arrays = sorted(set(range(8 * len(whole))) - set(headers(whole)))
    for _ in flipped(path, random.Random(0).sample(arrays, 3_000)):
        if read := predictions.read_guesses(kept, 7):
            assert_same_guesses(read, guesses)


def test_a_flipped_bit_in_a_header_gives_the_same_guesses_or_none(kept: Path, guesses: Guesses) -> None:
    path = predictions.guesses_path(kept, 7)
    for _ in flipped(path, headers(path.read_bytes())):
        if read := predictions.read_guesses(kept, 7):
            assert_same_guesses(read, guesses)


def test_a_flipped_bit_in_a_header_gives_the_same_five_thousand_answers_or_none() -> None:
    many = Predictions(np.full((5_000, 10), 0.1, np.float32), np.zeros(5_000, np.uint8))
    whole = predictions.pack(many, HASH)
    for bit in headers(whole):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        if read := predictions.unpack(bytes(damaged), HASH):
            assert_same(read, many)


@pytest.mark.parametrize("epoch", [1, 42, 9_999, 10_000, 999_999_999])
def test_a_file_of_guesses_is_known_by_its_name(epoch: int, tmp_path: Path) -> None:
    assert GUESSES.fullmatch(predictions.guesses_path(tmp_path, epoch).name)


@pytest.mark.parametrize(
    "name", ["guesses-1.npz", "guesses-0001.pt", "guesses-0001.npz.tmp", "guesses-٠٠٠١.npz", "predictions-test.npz"]
)
def test_no_other_file_is_taken_for_guesses(name: str) -> None:
    assert not GUESSES.fullmatch(name)
