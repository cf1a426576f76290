"""Checkpoints on a disk that flips bits, fills up and loses power."""

import contextlib
import errno
import hashlib
import io
import os
import pickle
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from mnistnet.runs.files import checkpoint, torch_zip
from mnistnet.runs.files.atomic import WriteError
from mnistnet.runs.files.checkpoint import GENERATIONS, CheckpointError
from mnistnet.runs.files.torch_zip import StateError
from mnistnet.runs.run import EpochMetrics
from tests.support.samples import metrics


def state(epoch: int) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(epoch)
    return {"epoch": epoch, "network": {"weight": torch.randn(8, 8, generator=generator)}, "lr": 0.1}


def save(folder: Path, epoch: int) -> EpochMetrics:
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


# Bytes of which the hash is right, and which are no checkpoint


def with_hash(folder: Path, data: bytes, epoch: int = 1) -> EpochMetrics:
    row = metrics(epoch, checkpoint_sha256=hashlib.sha256(data).hexdigest())
    (folder / row.checkpoint).write_bytes(data)
    return row


def torch_file(pickled: bytes, *, packed: bool = False, storage: bytes = bytes(256)) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as written:
        for name, data in (("data.pkl", pickled), ("version", b"3\n"), ("byteorder", b"little"), ("data/0", storage)):
            written.writestr(f"archive/{name}", data)
    return buffer.getvalue()


class _Call:
    """Pickles as a call, which unpickling makes."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def saved_tensor(size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """A file with a tensor of one stored value, 256 bytes, and these sizes and strides."""
    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(1).as_strided(size, stride)}, buffer)
    return buffer.getvalue()


NO_CHECKPOINTS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "text": lambda: b"no checkpoint",
    "a pickle alone": lambda: pickle.dumps({"epoch": 1}),
    "a zip of something else": lambda: torch_file(b"")[:200],
    "an empty pickle": lambda: torch_file(b""),
    "a pickle that is cut off": lambda: torch_file(pickle.dumps({"epoch": 1}, 2)[:-5]),
    "no dict": lambda: torch_file(pickle.dumps([1, 2], 2)),
    "a number": lambda: torch_file(pickle.dumps(1, 2)),
    "a call": lambda: torch_file(pickle.dumps(_Call(print, "called"), 2)),
    "an array of 2 GB": lambda: torch_file(pickle.dumps({"epoch": _Call(bytearray, 2_000_000_000)}, 2)),
    "a later protocol": lambda: torch_file(pickle.dumps({"epoch": _Call(bytearray, 2_000_000_000)}, 4)),
    "an unknown opcode": lambda: torch_file(b"\x80\x02\xff."),
    "a mark that is missing": lambda: torch_file(b"\x80\x02t."),
    "a storage that is missing": lambda: torch_file(b"\x80\x02X\x01\x00\x00\x00aQ."),
    "a list within itself": lambda: torch_file(b"\x80\x02]q\x00h\x00a."),
    "a trillion values from one": lambda: saved_tensor((1_000_000, 1_000_000), (0, 0)),
    "compressed": lambda: torch_file(pickle.dumps({"epoch": 1}, 2), packed=True),
    "a compressed storage of 100 MB": lambda: torch_file(
        pickle.dumps({"epoch": 1}, 2), packed=True, storage=bytes(100_000_000)
    ),
}


@pytest.mark.parametrize("case", NO_CHECKPOINTS)
def test_what_is_no_checkpoint_is_rejected_by_name_whatever_it_is(tmp_path: Path, case: str) -> None:
    row = with_hash(tmp_path, NO_CHECKPOINTS[case]())
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=r"epoch-0001\.pt: no checkpoint \(.*\)$"):
            checkpoint.load(tmp_path, row)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_the_generation_before_what_is_no_checkpoint_is_used(tmp_path: Path) -> None:
    rows = [save(tmp_path, 1), with_hash(tmp_path, b"no checkpoint", epoch=2)]
    found = checkpoint.newest(tmp_path, rows)
    assert found is not None
    assert found[0] == rows[0]


def test_whatever_is_changed_under_a_right_hash_is_rejected_or_loads(tmp_path: Path) -> None:
    whole = (tmp_path / save(tmp_path, 1).checkpoint).read_bytes()
    chance = random.Random(0)
    for _ in range(500):
        changed = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        with contextlib.suppress(CheckpointError):
            checkpoint.load(tmp_path, with_hash(tmp_path, bytes(changed)))


def test_a_checkpoint_under_another_name_is_not_looked_for(tmp_path: Path) -> None:
    row = save(tmp_path, 1)
    with pytest.raises(CheckpointError, match="no name of a checkpoint"):
        checkpoint.load(tmp_path / "below", replace(row, checkpoint=f"../{row.checkpoint}"))


# The state of another network


def trained_state(epoch: int = 1, **changes: Any) -> dict[str, Any]:
    network = {"weight": torch.ones(8, 8), "steps": torch.tensor(3)}
    optimizer = {"state": {0: {"momentum_buffer": torch.zeros(8, 8)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    return {"epoch": epoch, "network": network, "kept": network, "optimizer": optimizer, **changes}


LIKE = {"weight": torch.zeros(8, 8), "steps": torch.tensor(0)}
MISFITS: dict[str, dict[str, Any]] = {
    "another epoch": {"epoch": -1_000},
    "an epoch that is no number": {"epoch": True},
    "no weights": {"kept": {}},
    "weights that are none": {"network": 1},
    "another shape": {"kept": {**LIKE, "weight": torch.zeros(8, 9)}},
    "another type": {"kept": {**LIKE, "weight": torch.zeros(8, 8, dtype=torch.float64)}},
    "another name": {"network": {**LIKE, "bias": torch.zeros(8)}},
    "no number": {"kept": {**LIKE, "weight": torch.full((8, 8), float("nan"))}},
    "no tensor": {"kept": {**LIKE, "weight": 1.0}},
    "an optimizer of another network": {"optimizer": {"state": {0: {"momentum_buffer": torch.zeros(9)}}}},
    "more than belongs there": {"more": 1},
    "an unknown precision": {"precision": "fp8"},
    "a precision that is no text": {"precision": []},
}


@pytest.mark.parametrize("recorded", [{}, {"precision": "bf16"}], ids=["before it had a precision", "now"])
def test_a_state_of_the_network_is_used(tmp_path: Path, recorded: dict[str, Any]) -> None:
    name, sha256 = checkpoint.save(tmp_path, 1, trained_state(**recorded))
    assert checkpoint.newest(tmp_path, [metrics(1, checkpoint=name, checkpoint_sha256=sha256)], LIKE)


@pytest.mark.parametrize("case", MISFITS)
def test_a_state_of_another_network_is_rejected_and_the_one_before_is_used(tmp_path: Path, case: str) -> None:
    rows = []
    for epoch, changes in ((1, {}), (2, MISFITS[case])):
        name, sha256 = checkpoint.save(tmp_path, epoch, trained_state(epoch) | changes)
        rows.append(metrics(epoch, checkpoint=name, checkpoint_sha256=sha256))
    found = checkpoint.newest(tmp_path, rows, LIKE)
    assert found is not None
    assert found[0] == rows[0]


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
    with pytest.raises(WriteError, match=message):
        save(tmp_path, 2)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_earlier_checkpoints_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    earlier = save(tmp_path, 1)
    monkeypatch.setattr(os, call, full)
    with pytest.raises(WriteError, match="not saved"):
        save(tmp_path, 2)
    assert names(tmp_path) == [earlier.checkpoint]
    assert_is(checkpoint.load(tmp_path, earlier), epoch=1)


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"epoch-0001\.pt: No such file or directory: not saved"):
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


def _within_each_other(depth: int, *, as_key: bool) -> bytes:
    """A pickle of a few hundred bytes whose tuples, each twice in the next, come to 2^depth values."""
    grown = b"".join(
        b"j" + struct.pack("<I", place) + b"\x86r" + struct.pack("<I", place + 1) for place in range(1, depth)
    )
    tuples = b")r" + struct.pack("<I", 1) + grown
    key, value = (tuples, b"K\x01") if as_key else (b"X" + struct.pack("<I", 5) + b"epoch", tuples)
    return b"\x80\x02}q\x00" + key + value + b"s."


@pytest.mark.parametrize("as_key", [False, True])
def test_tuples_within_each_other_are_refused_before_anybody_walks_through_them(as_key: bool) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", _within_each_other(45, as_key=as_key))
        archive.writestr("archive/version", "3\n")
    with pytest.raises(StateError, match="its containers lie within each other too often"):
        torch_zip.load(buffer.getvalue())


def test_a_state_may_hold_the_same_containers_twice() -> None:
    betas, weights, buffer = (0.9, 0.99), {"a": torch.ones(2, 3)}, io.BytesIO()
    groups = [{"betas": betas, "size": (1, 2, 3, 4)} for _ in range(40)]
    torch.save({"network": weights, "kept": weights, "groups": groups}, buffer)
    assert torch_zip.load(buffer.getvalue())["groups"] == groups
