"""The first kernels of a run: what is written comes back, and a damaged file is as none."""

import random
from pathlib import Path

import numpy as np
import pytest

from mnistnet.runs.files import kernels
from mnistnet.runs.files.names import FIRST_KERNELS
from mnistnet.runs.store.store import Store
from mnistnet.runs.worker import training_job
from mnistnet.runs.worker.stored import StoreRecorder
from mnistnet.training.progress import EpochDone
from tests.support.samples import running

FOUND = np.random.default_rng(1).normal(size=(8, 3, 3)).astype(np.float32)


def test_what_is_written_comes_back_in_place_of_what_was_there(tmp_path: Path) -> None:
    kernels.write(tmp_path, FOUND)
    kernels.write(tmp_path, FOUND.transpose(0, 2, 1))
    found = kernels.read(tmp_path)
    assert found is not None
    np.testing.assert_array_equal(found, FOUND.transpose(0, 2, 1))
    assert [path.name for path in tmp_path.iterdir()] == [FIRST_KERNELS]


@pytest.mark.parametrize("shape", [(0, 3, 3), (4, 3, 5), (4, 2, 2), (4, 3)], ids=str)
def test_arrays_that_are_no_kernels_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / FIRST_KERNELS, np.zeros(shape, np.float32))
    assert kernels.read(tmp_path) is None


def test_a_damaged_file_is_as_none(tmp_path: Path) -> None:
    kernels.write(tmp_path, FOUND)
    whole = (tmp_path / FIRST_KERNELS).read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / FIRST_KERNELS).write_bytes(whole[:length])
        assert kernels.read(tmp_path) is None
    (tmp_path / FIRST_KERNELS).write_bytes(random.Random(2).randbytes(5000))
    assert kernels.read(tmp_path) is None
    with (tmp_path / FIRST_KERNELS).open("wb") as file:
        file.truncate(2**30)
    assert kernels.read(tmp_path) is None
    np.save(tmp_path / FIRST_KERNELS, np.full((4, 3, 3), np.nan, np.float32))
    assert kernels.read(tmp_path) is None


def test_where_nothing_can_be_written_nothing_is_said(tmp_path: Path) -> None:
    kernels.write(tmp_path / "missing", FOUND)
    assert kernels.read(tmp_path / "missing") is None


def test_a_training_leaves_those_of_the_weights_it_is_scored_with(store: Store) -> None:
    run = running(store, epochs=1)
    job = training_job._Job(run, StoreRecorder(store, run))
    for progress in job.training.run():
        if isinstance(progress, EpochDone):
            job.commit(progress)
    found = kernels.read(store.folder(run.id))
    assert found is not None
    np.testing.assert_array_equal(found, job.training.ema_network.state_dict()["conv_1.weight"][:, 0])
