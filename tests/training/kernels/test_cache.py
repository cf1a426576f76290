"""Where compiled loops are kept, also by those who may write nowhere."""

import os
import tempfile
from pathlib import Path

import pytest

import mnistnet
from mnistnet import system
from mnistnet.training.kernels import cache
from tests.support import strangers

ROOT = pytest.mark.skipif(
    getattr(os, "getuid", lambda: 1)() != 0, reason="only root can become somebody else than the checkout's owner"
)
NUMBA = "import numba, numpy\nnumba.njit(lambda n: numpy.zeros((n, n), numpy.float32))(2)"


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of kernels into which nothing can be written; home and temporary folder lie in `tmp_path`."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(system, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "kernels"


def test_every_state_of_the_sources_has_a_cache_of_its_own(tmp_path: Path) -> None:
    for name in ("compiled/one.py", "compiled/another.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1", "ascii")
        before = cache.digest(tmp_path)
        assert cache.digest(tmp_path) == before
        (tmp_path / name).write_text("2", "ascii")
        assert cache.digest(tmp_path) != before


def test_every_file_with_loops_is_among_the_sources() -> None:
    package = Path(mnistnet.__file__).parent
    compiled = {file for file in package.rglob("*.py") if "@njit" in file.read_text("utf-8")}
    assert len(compiled) > 5
    assert compiled <= set(cache.FOLDER.glob(cache.SOURCES))


def test_loops_are_kept_beside_their_sources(tmp_path: Path, closed: Path) -> None:
    assert cache.place(tmp_path) == tmp_path / "__pycache__" / f"numba-{cache.digest(tmp_path)}"


def test_a_chosen_folder_comes_first(tmp_path: Path, closed: Path) -> None:
    assert cache.place(tmp_path, str(tmp_path / "chosen")) == tmp_path / "chosen"
    assert (
        cache.place(closed, str(tmp_path / "file" / "chosen"))
        == tmp_path / "home" / ".cache" / "mnistnet" / f"numba-{cache.digest(closed)}"
    )


def test_without_package_and_home_they_are_kept_among_temporary_files(
    tmp_path: Path, closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "home", lambda: None)
    found = cache.place(closed)
    assert found is not None
    assert found.parent == system.private_folder("mnistnet")


def test_where_nothing_can_be_written_they_are_not_kept(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "home", lambda: None)
    monkeypatch.setattr(system, "private_folder", lambda name: None)
    assert cache.place(closed) is None


COMPILE = """
import numpy as np
from mnistnet.training.kernels.compiled import options, warping
assert warping._stretched(np.zeros((2, 2), np.float32), 4).shape == (2, 4)
print(options.config.CACHE_DIR)
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
