"""The four IDX files of a data set: verify, read, download. Knows no data set by name."""

import errno
import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterable, Mapping
from http.client import HTTPException
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnistnet import system
from mnistnet.errors import OperationFailed

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_SHAPES: dict[str, tuple[int, ...]] = {
    NAMES[0]: (60_000, 28, 28),
    NAMES[1]: (60_000,),
    NAMES[2]: (10_000, 28, 28),
    NAMES[3]: (10_000,),
}
MANIFEST = "SHA256SUMS"
_TIMEOUT_SECONDS = 20
# What torchvision's download raises: no connection, another md5, an answer that is not HTTP.
_UNREACHABLE = (OSError, RuntimeError, HTTPException)


class DataError(OperationFailed):
    """A data set that is missing, damaged or out of reach; the message says what to do."""


def size(name: str) -> int:
    """Bytes of the file: a header of 4 bytes and 4 for each dimension, then one byte a value."""
    shape = _SHAPES[name]
    return 4 + 4 * len(shape) + int(np.prod(shape))


def complete(folder: Path) -> bool:
    """True where all four files are there with the right sizes. Raises DataError for what cannot be read."""
    return all(_size_on_disk(folder / name) == size(name) for name in NAMES)


def verify(folder: Path, sha256: Mapping[str, str], names: Iterable[str] = NAMES) -> None:
    """Check size and hash of each file; DataError names the first that is missing or altered.

    Where `sha256` is empty (no published hash of the unpacked file), the manifest written at the
    verified download stands in; where there is none either, the size is all that can be checked.
    """
    known = sha256 or _manifest(folder)
    for name in names:
        path, found = folder / name, _size_on_disk(folder / name)
        if found is None:
            raise DataError(f"{path}: missing")
        if found != size(name):
            raise DataError(f"{path}: {found:,} bytes instead of {size(name):,}: truncated or another file")
        if name in known and _sha256(path) != known[name]:
            raise DataError(f"{path}: its sha256 is not the published one: damaged or altered")


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """The array in a verified IDX file of bytes."""
    shape = _SHAPES[path.name]
    values = np.fromfile(path, np.uint8, offset=4 + 4 * len(shape))
    return values.reshape(shape)


def download(folder: Path, dataset: str, sha256: Mapping[str, str], problem: DataError) -> None:
    """Fetch torchvision's data set `dataset` near `folder`, verify it, then move it in as a whole.

    `problem` is what made the download necessary; it opens the message of the DataError that is
    raised where the files cannot be had or written. A damaged file is replaced, never read.
    """
    try:
        near = next(parent for parent in folder.parents if parent.is_dir())  # so that failing leaves no folders
        with tempfile.TemporaryDirectory(dir=near, prefix="download-") as place:
            _fetch(dataset, Path(place))
            verify(Path(place), sha256)
            _write_manifest(Path(place))
            folder.mkdir(parents=True, exist_ok=True)
            for name in (*NAMES, MANIFEST):
                system.replace(Path(place) / name, folder / name)
    except (*_UNREACHABLE, DataError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        files = ", ".join(f"{name} ({size(name):,} bytes)" for name in NAMES)
        raise DataError(
            f"{problem}, and no copy could be fetched ({reason}): put {files} into {folder.resolve()}, "
            "or set MNISTNET_DATA to a folder that holds them as torchvision lays them out, "
            "or train on the offline sample with --dataset digits"
        ) from None


def _fetch(dataset: str, place: Path) -> None:
    """Mirrors and md5 of the packed files are torchvision's; each mirror is tried in turn."""
    from mnistnet.data.torchvision_import import datasets

    kind = getattr(datasets, dataset)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT_SECONDS)  # torchvision opens its addresses without one
    try:
        for packed, md5 in kind.resources:
            _first_mirror(kind.mirrors, packed, md5, place)
            (place / packed).unlink(missing_ok=True)
    finally:
        socket.setdefaulttimeout(before)


def _first_mirror(mirrors: list[str], packed: str, md5: str, place: Path) -> None:
    from mnistnet.data.torchvision_import import datasets

    for number, mirror in enumerate(mirrors, 1):
        try:
            datasets.utils.download_and_extract_archive(f"{mirror}{packed}", str(place), md5=md5)
            return
        except _UNREACHABLE:
            if number == len(mirrors):
                raise


def _manifest(folder: Path) -> dict[str, str]:
    try:
        lines = (folder / MANIFEST).read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines if "  " in line)}


def _write_manifest(folder: Path) -> None:
    lines = [f"{_sha256(folder / name)}  {name}\n" for name in NAMES]
    (folder / MANIFEST).write_text("".join(lines), "ascii")


def _size_on_disk(path: Path) -> int | None:
    """None where no file is there. Raises DataError where it, or the way to it, is closed to this user."""
    try:
        found = path.stat()
        if not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}: make it readable, or set MNISTNET_DATA to another folder") from None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
