"""Where compiled loops are kept, also by those who may write nowhere."""

import os
import tempfile
from pathlib import Path

import pytest
from numba import config

from mnistnet import loops, system
from tests.support import strangers

ROOT = pytest.mark.skipif(
    getattr(os, "getuid", lambda: 1)() != 0, reason="only root can become somebody else than the checkout's owner"
)
NUMBA = "import numba, numpy\nnumba.njit(lambda n: numpy.zeros((n, n), numpy.float32))(2)"


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package into which nothing can be written; home and temporary folder lie in `tmp_path`."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(system, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "package"


def test_every_state_of_the_sources_has_a_cache_of_its_own(tmp_path: Path) -> None:
    for name in ("training/kernels/compiled/one.py", "data/warping.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("1", "ascii")
        before = loops.digest(tmp_path)
        assert loops.digest(tmp_path) == before
        (tmp_path / name).write_text("2", "ascii")
        assert loops.digest(tmp_path) != before


def test_every_file_with_loops_is_among_the_sources() -> None:
    compiled = {file for file in loops.PACKAGE.rglob("*.py") if "import njit" in file.read_text("utf-8")}
    assert compiled <= {file for pattern in loops.SOURCES for file in loops.PACKAGE.glob(pattern)}


def test_loops_are_kept_beside_their_sources(tmp_path: Path, closed: Path) -> None:
    assert loops.place(tmp_path) == tmp_path / "__pycache__" / f"numba-{loops.digest(tmp_path)}"


def test_a_chosen_folder_comes_first(tmp_path: Path, closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "chosen"))
    assert loops.place(tmp_path) == tmp_path / "chosen"
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "file" / "chosen"))
    assert loops.place(closed) == tmp_path / "home" / ".cache" / "mnistnet" / f"numba-{loops.digest(closed)}"


def test_without_package_and_home_they_are_kept_among_temporary_files(
    tmp_path: Path, closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "home", lambda: None)
    found = loops.place(closed)
    assert found is not None
    assert found.parent == system.private_folder("mnistnet")


def test_where_nothing_can_be_written_they_are_not_kept(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "home", lambda: None)
    monkeypatch.setattr(system, "private_folder", lambda name: None)
    assert loops.place(closed) is None


COMPILE = """
import numpy as np
from mnistnet.data import warping
assert warping._stretched(np.zeros((2, 2), np.float32), 4).shape == (2, 4)
from mnistnet import loops
print(loops.config.CACHE_DIR)
"""


@ROOT
def test_a_user_without_a_home_or_rights_to_the_package_compiles_among_temporary_files() -> None:
    with strangers.open_to_all() as place:
        assert strangers.said(COMPILE, before=NUMBA, TMPDIR=str(place)).startswith(str(place / "mnistnet-12345"))
        assert list(place.rglob("*.nbi"))


@ROOT
def test_a_user_who_can_write_nowhere_compiles_all_the_same() -> None:
    nowhere = "import tempfile; tempfile.tempdir = '/proc'\n"
    assert strangers.said(nowhere + COMPILE, before=NUMBA) == ""
