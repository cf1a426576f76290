"""Missing, damaged and unreachable files: refused by name, replaced as a whole, nothing left behind."""

import hashlib
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mnistnet.data import datasets, files
from mnistnet.data.files import MANIFEST, NAMES, DataError, complete, download, read_idx, size, verify
from tests.support import idx

IMAGES = NAMES[0]
PROBLEM = DataError("train-images: missing")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four small, good files in `data/FashionMNIST/raw`, and no network."""
    idx.shrink(monkeypatch)
    idx.unplug(monkeypatch)
    return idx.write(tmp_path / "data" / "FashionMNIST" / "raw")


def _hashes(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in NAMES}


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _reachable(monkeypatch: pytest.MonkeyPatch, seed: int = 0) -> None:
    """Where a download would bring the four files, let it bring small ones."""
    monkeypatch.setattr(files, "_fetch", lambda dataset, place: idx.write(place, seed))


# Verification.


def test_sizes_are_those_of_the_format() -> None:
    assert [size(name) for name in NAMES] == [47_040_016, 60_008, 7_840_016, 10_008]


def test_four_good_files_are_complete_and_verified(folder: Path) -> None:
    assert complete(folder)
    verify(folder, _hashes(folder))


@pytest.mark.parametrize("name", NAMES)
def test_without_one_file_nothing_is_complete(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert not complete(folder)


def test_a_truncated_file_is_not_complete(folder: Path) -> None:
    _truncate(folder / IMAGES)
    assert not complete(folder)


def test_a_folder_in_a_files_place_is_not_complete(folder: Path) -> None:
    (folder / IMAGES).unlink()
    (folder / IMAGES).mkdir()
    assert not complete(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    hashes = _hashes(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{name}: missing$"):
        verify(folder, hashes)


@pytest.mark.bar("F9")
@pytest.mark.parametrize("name", NAMES)
def test_an_altered_file_is_named(folder: Path, name: str) -> None:
    hashes = _hashes(folder)
    _flip_a_bit(folder / name)
    with pytest.raises(DataError, match=rf"{name}: its sha256 is not the published one: damaged or altered$"):
        verify(folder, hashes)


@pytest.mark.bar("F9")
def test_a_truncated_file_is_named_with_both_sizes(folder: Path) -> None:
    _truncate(folder / IMAGES)
    with pytest.raises(DataError, match=rf"{IMAGES}: 18,831 bytes instead of 18,832: truncated or another file$"):
        verify(folder, {})


@pytest.mark.bar("F9")
def test_a_file_with_something_after_its_end_is_refused(folder: Path) -> None:
    with (folder / IMAGES).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(DataError, match=r"18,833 bytes instead of 18,832"):
        verify(folder, {})


@pytest.mark.bar("F9")
def test_an_empty_file_is_refused(folder: Path) -> None:
    (folder / IMAGES).write_bytes(b"")
    with pytest.raises(DataError, match=r"0 bytes instead of 18,832"):
        verify(folder, {})


def test_only_the_files_asked_for_are_verified(folder: Path) -> None:
    hashes = _hashes(folder)
    (folder / IMAGES).unlink()
    verify(folder, hashes, NAMES[2:])


def test_where_no_hash_is_published_the_manifest_stands_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _reachable(monkeypatch)
    download(folder, "FashionMNIST", {}, PROBLEM)
    _flip_a_bit(folder / IMAGES)
    with pytest.raises(DataError, match=rf"{IMAGES}: its sha256 is not the published one"):
        verify(folder, {})


def test_a_manifest_that_is_no_text_is_no_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b"\xff\xfe\x00 \n\xff")
    verify(folder, {})


def test_a_damaged_hash_in_the_manifest_is_a_mismatch(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b"\xff" * 64 + b"  " + IMAGES.encode() + b"\n")
    with pytest.raises(DataError, match=rf"{IMAGES}: its sha256 is not the published one"):
        verify(folder, {})


def test_the_array_is_what_follows_the_header(folder: Path) -> None:
    images = read_idx(folder / IMAGES)
    assert (images.shape, images.dtype) == ((24, 28, 28), np.dtype(np.uint8))
    assert images.tobytes() == (folder / IMAGES).read_bytes()[16:]


def test_the_labels_are_what_follows_their_header(folder: Path) -> None:
    assert read_idx(folder / NAMES[1]).tobytes() == (folder / NAMES[1]).read_bytes()[8:]


# Download, where a copy can be reached.


def test_a_download_brings_all_files_and_their_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idx.shrink(monkeypatch)
    _reachable(monkeypatch)
    download(tmp_path / "new" / "MNIST" / "raw", "MNIST", {}, PROBLEM)
    assert sorted(_everything(tmp_path)) == sorted(f"new/MNIST/raw/{name}" for name in (*NAMES, MANIFEST))


@pytest.mark.bar("F9")
def test_a_download_replaces_damaged_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = _hashes(folder)
    _flip_a_bit(folder / IMAGES)
    _truncate(folder / NAMES[1])
    _reachable(monkeypatch)
    download(folder, "FashionMNIST", hashes, PROBLEM)
    assert _hashes(folder) == hashes


@pytest.mark.bar("F9")
def test_a_download_of_other_files_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes, before = _hashes(folder), _everything(folder.parent)
    _reachable(monkeypatch, seed=1)
    with pytest.raises(DataError, match=r"no copy could be fetched \(.*its sha256 is not the published one"):
        download(folder, "FashionMNIST", hashes, PROBLEM)
    assert _everything(folder.parent) == before


def test_the_next_mirror_is_tried_where_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mnistnet.data.torchvision_import import datasets as torchvisions

    tried: list[str] = []

    def fetch(url: str, root: str, md5: str) -> None:
        tried.append(url)
        if len(tried) == 1:
            raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr(torchvisions.utils, "download_and_extract_archive", fetch)
    files._first_mirror(["http://one/", "http://two/", "http://three/"], "a.gz", "md5", tmp_path)
    assert tried == ["http://one/a.gz", "http://two/a.gz"]


# Download, where none can.


def _refused(folder: Path, problem: str = str(PROBLEM)) -> str:
    with pytest.raises(DataError, match=rf"^{re.escape(problem)}, and no copy could be fetched \(") as caught:
        download(folder, "FashionMNIST", {}, DataError(problem))
    return str(caught.value)


def test_a_failed_download_says_what_was_wrong_and_what_to_do(folder: Path) -> None:
    message = _refused(folder)
    assert re.search(
        r"Connection refused.*: put train-images-idx3-ubyte \(18,832 bytes\), train-labels-idx1-ubyte \(32 bytes\), "
        r"t10k-images-idx3-ubyte \(3,936 bytes\), t10k-labels-idx1-ubyte \(13 bytes\) into "
        rf"{re.escape(str(folder.resolve()))}, or set MNISTNET_DATA to a folder that holds them as torchvision "
        r"lays them out, or train on the offline sample with --dataset digits$",
        message,
    )


def test_a_failed_download_is_told_in_one_line(folder: Path) -> None:
    assert _refused(folder).isprintable()


def test_a_failed_download_leaves_no_folders_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idx.unplug(monkeypatch)
    _refused(tmp_path / "new" / "FashionMNIST" / "raw")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_leaves_the_files_there_as_they_were(folder: Path) -> None:
    _flip_a_bit(folder / IMAGES)
    before = _everything(folder.parents[1])
    _refused(folder)
    assert _everything(folder.parents[1]) == before


def test_a_failed_download_prints_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _refused(folder)
    assert capfd.readouterr() == ("", "")


def test_a_failed_download_leaves_the_timeout_as_it_was(folder: Path) -> None:
    _refused(folder)
    assert socket.getdefaulttimeout() is None


def test_a_file_in_the_folders_place_is_told_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idx.shrink(monkeypatch)
    _reachable(monkeypatch)
    (tmp_path / "MNIST").write_text("mine")
    assert "xists" in _refused(tmp_path / "MNIST" / "raw") or "Not a directory" in _refused(tmp_path / "MNIST" / "raw")
    assert _everything(tmp_path) == {"MNIST": b"mine"}


@pytest.fixture
def babbler() -> Iterator[str]:
    """The address of a server that answers every request with something that is not HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"SSH-2.0-babble\r\n\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_an_answer_that_is_not_http_is_a_failed_download(
    folder: Path, babbler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    idx.unplug(monkeypatch, babbler)
    assert "SSH-2.0-babble" in _refused(folder)


# The real files.


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """MNIST's own files under `tmp_path`: the labels copied, to be damaged; the images linked."""
    there = datasets.folder(datasets.source("mnist")).resolve()
    here = tmp_path / "MNIST" / "raw"
    here.mkdir(parents=True)
    for name in NAMES:
        if "labels" in name:
            shutil.copy(there / name, here / name)
        else:
            (here / name).symlink_to(there / name)
    idx.unplug(monkeypatch)
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path))
    return here


@pytest.mark.bar("F9")
@pytest.mark.mnist
def test_the_real_files_have_the_published_hashes(real: Path) -> None:
    verify(real, datasets.source("mnist").sha256)


@pytest.mark.bar("F9")
@pytest.mark.mnist
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_truncate, "60,007 bytes instead of 60,008: truncated or another file"),
        (_flip_a_bit, "its sha256 is not the published one: damaged or altered"),
        (Path.unlink, "missing"),
    ],
    ids=["truncated", "altered", "missing"],
)
def test_damaged_mnist_is_refused_with_the_way_out(real: Path, damage: object, words: str) -> None:
    assert callable(damage)
    damage(real / NAMES[1])
    message = (
        rf"^{re.escape(str(real / NAMES[1]))}: {words}, and no copy could be fetched \(.*\): put "
        r"train-images-idx3-ubyte \(47,040,016 bytes\), .* into .*, or set MNISTNET_DATA to .*--dataset digits; "
        r"`python -m mnistnet data --dataset mnist` tries again$"
    )
    with pytest.raises(DataError, match=message):
        datasets.load("mnist")


@pytest.mark.bar("F9")
@pytest.mark.mnist
def test_damaged_mnist_is_repaired_where_a_copy_can_be_reached(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {name: (real / name).resolve() for name in NAMES}
    spare = real.parents[1] / "spare"
    shutil.copytree(real, spare, symlinks=True)
    _flip_a_bit(real / NAMES[3])
    monkeypatch.setattr(
        files, "_fetch", lambda dataset, place: shutil.copytree(spare, place, symlinks=True, dirs_exist_ok=True)
    )
    assert datasets.load("mnist").test_labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert {(real / name).resolve() for name in NAMES if "images" in name} <= set(there.values())
