"""What a process that trains sets about itself, seen from inside such a process."""

import json
import os
import subprocess
import sys

import pytest

SHOW = """
import json, os
from mnistnet.runs.worker.environment import prepare
prepare(1)
import torch
torch.set_num_threads(1)
from mnistnet.training import kernels
import numba
kernels.accelerate(torch.nn.Sequential(torch.nn.BatchNorm2d(4)))(torch.randn(8, 4, 6, 6))
print(json.dumps([os.environ["GOMP_SPINCOUNT"], numba.config.NUMBA_NUM_THREADS, numba.get_num_threads()]))
"""


def shown(**environment: str) -> list[object]:
    kept = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "NUMBA_NUM_THREADS")}
    result = subprocess.run(
        [sys.executable, "-c", SHOW], check=True, capture_output=True, env={**kept, **environment}, timeout=120
    )
    found: list[object] = json.loads(result.stdout)
    return found


def test_a_run_of_one_thread_has_no_helpers_in_numbas_pool() -> None:
    """They would take part in every loop, and halve the speed of two runs side by side."""
    assert shown() == ["10000", 1, 1]


def test_what_the_user_sets_is_kept() -> None:
    assert shown(GOMP_SPINCOUNT="77")[0] == "77"


def test_numbas_threads_do_not_become_torchs() -> None:
    """They share OpenMP: without care, torch's additions, and so the bits, would follow numba's pool."""
    script = """
import torch
torch.set_num_threads(1)
from mnistnet.training import kernels
kernels.accelerate(torch.nn.Sequential(torch.nn.BatchNorm2d(4)))(torch.randn(8, 4, 6, 6))
print(torch.get_num_threads())
"""
    environment = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    result = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, env=environment)
    assert result.stdout.split() == [b"1"]


@pytest.mark.posix
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes the limit and does not hold it")
def test_a_process_cannot_have_more_memory_than_it_was_given() -> None:
    script = """
from mnistnet.runs.worker.environment import prepare
prepare(1, 256 * 1024**2)
try:
    bytearray(1024**3)
except MemoryError:
    print("refused")
"""
    result = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert result.stdout.split() == [b"refused"]
