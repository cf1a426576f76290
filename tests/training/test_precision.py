"""Which precision `auto` takes on a CPU: measured once, kept in a file, and measured again where that says nothing."""

import json
import tempfile
import time
from pathlib import Path

import pytest
import torch

from mnistnet import system
from mnistnet.training import precision
from mnistnet.training.precision import PRECISIONS, Precision, measured, precision_of

CPU = torch.device("cpu")


class Clock:
    """Stands for the measurement: how often it was asked for, and what it says."""

    def __init__(self, fp32: float, bf16: float) -> None:
        self.calls, self.seconds = 0, {"fp32": fp32, "bf16": bf16}

    def __call__(self) -> dict[str, float]:
        self.calls += 1
        return self.seconds


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the user, on a machine that multiplies bfloat16."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    return tmp_path / "mnistnet"


def clock(monkeypatch: pytest.MonkeyPatch, fp32: float, bf16: float) -> Clock:
    stand_in = Clock(fp32, bf16)
    monkeypatch.setattr(precision, "measured", stand_in)
    return stand_in


@pytest.mark.parametrize("asked", PRECISIONS)
def test_the_precision_asked_for_is_taken_unmeasured(asked: Precision, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "measured", lambda: pytest.fail("measured"))
    assert precision_of(asked, CPU) == asked


def test_a_processor_that_does_not_multiply_bf16_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(precision, "measured", lambda: pytest.fail("measured"))
    assert precision_of("auto", CPU) == "fp32"


@pytest.mark.parametrize(
    ("fp32", "bf16", "faster"), [(1.0, 1.23, "fp32"), (1.0, 0.98, "fp32"), (1.0, 0.64, "bf16")], ids=str
)
def test_auto_takes_the_faster_one_and_keeps_it(
    fp32: float, bf16: float, faster: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = clock(monkeypatch, fp32, bf16)
    assert [precision_of("auto", CPU), precision_of("auto", CPU)] == [faster, faster]
    assert asked.calls == 1
    (file,) = cache.iterdir()
    assert json.loads(file.read_text("utf-8"))["precision"] == faster


@pytest.mark.parametrize(
    "text", ["", "rubbish", "[]", "{}", '{"precision": "bf16"}', "\0" * 1000, "[" * 100_000, '{"precision": "fp8"}']
)
def test_garbage_in_the_file_is_measured_anew_and_mended(
    text: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = clock(monkeypatch, 1.0, 2.0)
    precision_of("auto", CPU)
    (file,) = cache.iterdir()
    file.write_text(text, "utf-8")
    assert precision_of("auto", CPU) == "fp32"
    assert asked.calls == 2
    assert json.loads(file.read_text("utf-8"))["precision"] == "fp32"
    assert list(cache.iterdir()) == [file]


def test_another_processor_and_another_torch_are_measured(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = clock(monkeypatch, 1.0, 0.5)
    precision_of("auto", CPU)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(system, "processor", lambda: "another")
        precision_of("auto", CPU)
    monkeypatch.setattr(torch, "__version__", "3.0.0")
    precision_of("auto", CPU)
    assert asked.calls == 3
    assert len(list(cache.iterdir())) == 3


def test_where_nothing_can_be_written_each_training_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    asked = clock(monkeypatch, 1.0, 0.5)
    assert [precision_of("auto", CPU), precision_of("auto", CPU)] == ["bf16", "bf16"]
    assert asked.calls == 2


def test_a_file_that_cannot_be_read_is_measured_anew(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock(monkeypatch, 1.0, 0.5)
    precision_of("auto", CPU)
    (file,) = cache.iterdir()
    file.unlink()
    file.mkdir()
    assert precision_of("auto", CPU) == "bf16"


def test_the_measurement_is_short_and_leaves_threads_and_draws_as_they_were() -> None:
    threads, drawn = torch.get_num_threads(), torch.random.get_rng_state()
    began = time.thread_time()
    seconds = measured()
    assert time.thread_time() - began < 1
    assert set(seconds) == set(PRECISIONS)
    assert min(seconds.values()) > 0
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), drawn)


def test_a_processor_has_a_name() -> None:
    assert system.processor().strip()
    assert system.processor() == system.processor()
