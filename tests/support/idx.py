"""Small stand-ins for the four files of a data set: the same format, few images, nothing from outside."""

from pathlib import Path

import numpy as np
import pytest

from mnistnet.data import files
from mnistnet.data.datasets import Dataset

SHAPES = dict(zip(files.NAMES, ((24, 28, 28), (24,), (5, 28, 28), (5,)), strict=True))


def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the four files be as small as `SHAPES` until the test ends."""
    for name, shape in SHAPES.items():
        monkeypatch.setitem(files._SHAPES, name, shape)


def write(folder: Path, seed: int = 0) -> Path:
    """Four files of random values, with the headers that belong to `SHAPES`; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    for name, shape in SHAPES.items():
        header = bytes((0, 0, 8, len(shape))) + b"".join(side.to_bytes(4) for side in shape)
        values = generator.integers(0, 256 if len(shape) > 1 else 10, shape, np.uint8)
        (folder / name).write_bytes(header + values.tobytes())
    return folder


def lay(folder: Path, dataset: Dataset) -> Path:
    """The four files of a data set of any size; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels)
    for name, values in zip(files.NAMES, arrays, strict=True):
        header = bytes((0, 0, 8, values.ndim)) + b"".join(side.to_bytes(4) for side in values.shape)
        (folder / name).write_bytes(header + values.tobytes())
    return folder


def unplug(monkeypatch: pytest.MonkeyPatch, address: str = "http://127.0.0.1:9") -> None:
    """Send every request to `address`, where by default nobody listens."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("http_proxy", address)
    monkeypatch.setenv("https_proxy", address)
    monkeypatch.setattr("urllib.request._opener", None)  # an opener keeps the proxies it was made with
