"""Checkpoints on a disk that flips bits, fills up and loses power."""

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from mnistnet.runs import checkpoint
from mnistnet.runs.checkpoint import GENERATIONS, CheckpointError
from mnistnet.runs.durable import NotSaved
from mnistnet.runs.run import Metrics
from tests.samples import metrics


def state(epoch: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(epoch)
    return {"epoch": epoch, "network": {"weight": torch.randn(8, 8, generator=generator)}, "lr": 0.1}


def save(folder: Path, epoch: int) -> Metrics:
    name, sha256 = checkpoint.save(folder, epoch, state(epoch))
    return metrics(epoch, checkpoint=name, checkpoint_sha256=sha256)


def assert_is(loaded: dict[str, Any], epoch: int) -> None:
    expected = state(epoch)
    assert (loaded["epoch"], loaded["lr"]) == (epoch, expected["lr"])
    assert torch.equal(loaded["network"]["weight"], expected["network"]["weight"])


def test_what_was_saved_loads_again(tmp_path: Path) -> None:
    assert_is(checkpoint.load(tmp_path, save(tmp_path, 3)), epoch=3)


def test_nothing_but_the_checkpoint_is_left_by_a_save(tmp_path: Path) -> None:
    row = save(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == [row.checkpoint]


def test_an_epoch_trained_again_replaces_its_checkpoint(tmp_path: Path) -> None:
    before = save(tmp_path, 2)
    name, sha256 = checkpoint.save(tmp_path, 2, state(7))
    assert name == before.checkpoint
    assert_is(checkpoint.load(tmp_path, metrics(2, checkpoint=name, checkpoint_sha256=sha256)), epoch=7)


@pytest.mark.bar("F7")
def test_a_hundred_single_flipped_bits_are_all_rejected(tmp_path: Path) -> None:
    row = save(tmp_path, 1)
    path = tmp_path / row.checkpoint
    whole = path.read_bytes()
    accepted = []
    for bit in random.Random(0).sample(range(8 * len(whole)), 100):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        if checkpoint.newest(tmp_path, [row]):
            accepted.append(bit)
    assert accepted == []


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[:-1],
    "half": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "zeroed": lambda data: bytes(len(data)),
    "lengthened": lambda data: data + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_rejected_by_name(tmp_path: Path, damage: str) -> None:
    row = save(tmp_path, 1)
    path = tmp_path / row.checkpoint
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(CheckpointError, match=r"epoch-0001\.pt: not the bytes that were written: damaged$"):
        checkpoint.load(tmp_path, row)


def test_a_missing_file_is_rejected_by_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"epoch-0001\.pt: No such file or directory$"):
        checkpoint.load(tmp_path, metrics(1))


def test_the_newest_whole_generation_is_used(tmp_path: Path) -> None:
    rows = [save(tmp_path, epoch) for epoch in (1, 2, 3)]
    (tmp_path / rows[2].checkpoint).write_bytes(b"")
    found = checkpoint.newest(tmp_path, rows)
    assert found is not None
    assert found[0] == rows[1]
    assert_is(found[1], epoch=2)


def test_no_generation_is_used_where_all_are_damaged(tmp_path: Path) -> None:
    rows = [save(tmp_path, epoch) for epoch in (1, 2)]
    for row in rows:
        (tmp_path / row.checkpoint).unlink()
    assert checkpoint.newest(tmp_path, rows) is None


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_sweep_keeps_the_newest_generations(tmp_path: Path) -> None:
    for epoch in range(8, 13):
        save(tmp_path, epoch)
    checkpoint.sweep(tmp_path, 12)
    assert names(tmp_path) == [f"epoch-{epoch:04d}.pt" for epoch in range(13 - GENERATIONS, 13)]


def test_a_sweep_removes_what_a_killed_writer_left(tmp_path: Path) -> None:
    save(tmp_path, 1)
    (tmp_path / "epoch-0002.pt.part").write_bytes(b"half")
    checkpoint.sweep(tmp_path, 1)
    assert names(tmp_path) == ["epoch-0001.pt"]


def test_a_sweep_keeps_a_new_beginning_and_not_the_damaged_end_before_it(tmp_path: Path) -> None:
    for epoch in (1, 8, 9, 10):
        save(tmp_path, epoch)
    checkpoint.sweep(tmp_path, 1)
    assert names(tmp_path) == ["epoch-0001.pt"]


def test_a_sweep_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("a line")
    checkpoint.sweep(tmp_path, 5)
    assert names(tmp_path) == ["log.txt"]


def full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_reported_and_no_save_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    monkeypatch.setattr(os, call, full)
    message = r"epoch-0002\.pt: No space left on device: not saved; the earlier ones are intact$"
    with pytest.raises(NotSaved, match=message):
        save(tmp_path, 2)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_earlier_checkpoints_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    earlier = save(tmp_path, 1)
    monkeypatch.setattr(os, call, full)
    with pytest.raises(NotSaved, match="not saved"):
        save(tmp_path, 2)
    assert names(tmp_path) == [earlier.checkpoint]
    assert_is(checkpoint.load(tmp_path, earlier), epoch=1)


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NotSaved, match=r"epoch-0001\.pt: No such file or directory: not saved"):
        save(tmp_path / "gone", 1)


# Weights hash


def test_the_weights_hash_does_not_depend_on_order_or_memory_layout() -> None:
    weights = {"a": torch.arange(96.0).reshape(2, 3, 4, 4), "b": torch.ones(3)}
    other = {"b": weights["b"].clone(), "a": weights["a"].to(memory_format=torch.channels_last)}
    assert checkpoint.weights_sha256(other) == checkpoint.weights_sha256(weights)


@pytest.mark.parametrize(
    "other",
    [
        {"a": torch.tensor([1.0, 2.0000002])},
        {"b": torch.tensor([1.0, 2.0])},
        {"a": torch.tensor([[1.0, 2.0]])},
        {"a": torch.tensor([1.0, 2.0], dtype=torch.float64)},
        {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([])},
    ],
    ids=["value", "name", "shape", "dtype", "extra"],
)
def test_the_weights_hash_depends_on_everything_else(other: dict[str, torch.Tensor]) -> None:
    assert checkpoint.weights_sha256(other) != checkpoint.weights_sha256({"a": torch.tensor([1.0, 2.0])})
