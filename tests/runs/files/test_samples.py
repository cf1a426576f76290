"""Samples within an epoch: what is written comes back, and nothing that happens to their file matters to anyone."""

import os
import random
from pathlib import Path

import pytest

from mnistnet.runs.files import samples
from mnistnet.runs.files.names import SAMPLES
from mnistnet.runs.files.samples import MOST_BYTES, SECONDS, Sample, Sampler
from mnistnet.training.progress import BatchDone, Sums

STEPS = 100
BATCH = 10


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def write(folder: Path, batches: int, first: int = 0, seconds: float = SECONDS, resumed: int = 0) -> Sampler:
    """Train `batches` batches from number `first` on, one each so many seconds; each loses 2 and has half right."""
    clock = Clock()
    sampler = Sampler(folder, resumed, clock)
    for batch in range(first, first + batches):
        epoch, step = divmod(batch, STEPS)
        so_far = Sums((step + 1) * BATCH, (step + 1) * BATCH * 2.0, (step + 1) * BATCH // 2)
        sampler.take(BatchDone(epoch + 1, step + 1, STEPS), lambda so_far=so_far: so_far)  # type: ignore[misc]
        clock.now += seconds
    return sampler


def test_a_sample_is_the_mean_of_the_batches_since_the_one_before(tmp_path: Path) -> None:
    clock = Clock()
    sampler = Sampler(tmp_path, 0, clock)
    for step, so_far in enumerate((Sums(10, 20.0, 5), Sums(20, 30.0, 10), Sums(30, 35.0, 19)), start=1):
        sampler.take(BatchDone(1, step, 4), lambda so_far=so_far: so_far)  # type: ignore[misc]
        clock.now += SECONDS * 0.5
    first, second = samples.read(tmp_path)
    assert first == Sample(0.25, 2.0, 0.5)
    assert [second.position, second.loss, second.accuracy] == pytest.approx([0.75, 0.75, 0.7])


def test_a_new_epoch_begins_its_own_sums(tmp_path: Path) -> None:
    write(tmp_path, 2, first=STEPS - 1)
    found = samples.read(tmp_path)
    assert [one.position for one in found] == pytest.approx([1.0, 1.01])
    assert [one.loss for one in found] == pytest.approx([2.0, 2.0])


def test_there_are_more_than_two_samples_a_second_at_first(tmp_path: Path) -> None:
    write(tmp_path, STEPS, seconds=0.1)
    assert len(samples.read(tmp_path)) > 2 * STEPS * 0.1


def test_the_file_stays_below_its_limit_however_long_training_takes(tmp_path: Path) -> None:
    write(tmp_path, 15_000, seconds=1000.0)
    assert (tmp_path / SAMPLES).stat().st_size <= MOST_BYTES
    assert samples.read(tmp_path)[-1].position > 90


def test_a_resumed_training_continues_the_line_at_its_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, 250)
    write(tmp_path, 30, first=2 * STEPS, resumed=2)
    assert [one.position for one in samples.read(tmp_path)] == [pytest.approx((n + 1) / STEPS) for n in range(230)]


def test_a_training_that_begins_anew_forgets_what_was_there(tmp_path: Path) -> None:
    write(tmp_path, 250)
    write(tmp_path, 3)
    assert len(samples.read(tmp_path)) == 3


def test_cut_anywhere_the_whole_samples_before_are_read(tmp_path: Path) -> None:
    write(tmp_path, 5)
    whole = (tmp_path / SAMPLES).read_bytes()
    for length in range(len(whole)):
        (tmp_path / SAMPLES).write_bytes(whole[:length])
        assert len(samples.read(tmp_path)) == length * 5 // len(whole)
        write(tmp_path, 1, first=STEPS, resumed=1)  # a torn end does not shift what comes after it
        assert samples.read(tmp_path)[-1].position == pytest.approx(1.01)


def test_garbage_reads_as_samples_in_order_or_none(tmp_path: Path) -> None:
    draw = random.Random(7)
    for _ in range(200):
        (tmp_path / SAMPLES).write_bytes(draw.randbytes(draw.randrange(2000)))
        found = samples.read(tmp_path)
        positions = [one.position for one in found]
        assert positions == sorted(positions)
        assert all(0 <= one.accuracy <= 1 and 0 <= one.loss < float("inf") for one in found)


def test_a_file_of_a_gigabyte_is_not_read_and_is_replaced(tmp_path: Path) -> None:
    with (tmp_path / SAMPLES).open("wb") as file:
        file.truncate(2**30)
    assert samples.read(tmp_path) == []
    write(tmp_path, 2)
    assert len(samples.read(tmp_path)) == 2


def test_where_nothing_can_be_written_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / SAMPLES).mkdir()
    write(tmp_path, 3)
    write(tmp_path / "missing", 3)
    assert samples.read(tmp_path) == samples.read(tmp_path / "missing") == []


def test_a_file_that_was_deleted_is_not_made_anew(tmp_path: Path) -> None:
    sampler = write(tmp_path, 3)
    (tmp_path / SAMPLES).unlink()
    sampler.take(BatchDone(2, 1, STEPS), lambda: Sums(10, 20.0, 5))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fails_ends_the_samples_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    sampler = write(tmp_path, 3)
    monkeypatch.setattr(os, "write", full)
    sampler.take(BatchDone(2, 1, STEPS), lambda: Sums(10, 20.0, 5))
    assert len(samples.read(tmp_path)) == 3


def test_thinned_samples_keep_their_mean_and_their_end(tmp_path: Path) -> None:
    found = [Sample(n / 10, float(n), n / 1000) for n in range(1, 1001)]
    few = samples.thinned(found, 300)
    assert len(few) == 250
    assert few[-1].position == 100.0
    assert sum(one.loss for one in few) / 250 == pytest.approx(500.5)
    assert samples.thinned([], 300) == []
