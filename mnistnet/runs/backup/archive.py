"""A zip file that is refused where a single byte has changed. Knows no store.

Members are stored as they are (checkpoints hardly shrink), so that sizes are what they say. A manifest, the last
member, gives each one's sha256; the zip's comment is the sha256 of all bytes before it.
"""

import errno
import hashlib
import json
import os
import stat
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Annotated

from pydantic import BaseModel, ConfigDict, Field

from mnistnet import strict_json
from mnistnet.errors import BadInput
from mnistnet.runs.files import zip_members

VERSION = 1
MANIFEST = "manifest.json"
_MANIFEST_BYTES = 64 * 1024**2  # some 500,000 members
_CHUNK_BYTES = 1024**2
_ZIP64_BYTES = 1024**3  # from here on a member's header keeps room for sizes beyond 4 GB
_SEAL = hashlib.sha256().digest_size * 2  # its length as hexadecimal digits


class ArchiveError(BadInput):
    """The file was not written by `pack`, or has changed since."""


class Member(BaseModel):
    """A member, as the manifest describes it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class Manifest(BaseModel):
    """The members of an archive. `made`: seconds since 1970."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    version: int
    made: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    members: dict[str, Member]

    @property
    def bytes(self) -> int:
        """The size of all members together."""
        return sum(member.bytes for member in self.members.values())


def pack(files: Mapping[str, Path], path: Path) -> Manifest:
    """Write the files, under their names, to `path`, and sync it to disk. Raises OSError."""
    with zipfile.ZipFile(path, "x") as packed:
        members = {name: _add(packed, name, file) for name, file in files.items()}
        manifest = Manifest(version=VERSION, made=time.time(), members=members)
        packed.writestr(_entry(MANIFEST), manifest.model_dump_json(indent=1))
        packed.comment = b"0" * _SEAL
    with path.open("r+b") as file:
        seal = _seal(file)
        file.seek(-_SEAL, os.SEEK_END)
        file.write(seal)
        file.flush()
        os.fsync(file.fileno())
    return manifest


def read(path: Path, is_allowed: Callable[[str], bool]) -> Manifest:
    """The archive's manifest, after every check that needs no unpacking. `is_allowed`: whether it may hold a name.

    Raises ArchiveError, OSError.
    """
    if not path.is_file():
        raise ArchiveError(f"{path}: no such file: give one that `python -m mnistnet backup` has written")
    with path.open("rb") as file:
        seal = _seal(file)
        if len(seal) != _SEAL or file.read() != seal:
            raise ArchiveError(
                f"{path}: no backup, or damaged: its checksum is not that of its bytes; use another copy"
            )
    with _opened(path) as packed:
        return _checked(packed, path, is_allowed)


def unpack(path: Path, manifest: Manifest, folder: Path) -> None:
    """Write the members that `read` found below the folder, where none is yet, and sync them to disk.

    Raises ArchiveError for bytes that are not those of the manifest, OSError where the disk does not take them.
    """
    with _opened(path) as packed:
        for name, member in manifest.members.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if _unpacked(packed, name, target) != member:
                raise _not_as_written(path, f"{strict_json.shown(name)} is not what the manifest says")


def sha256(file: Path) -> str:
    """The sha256 of the file's bytes. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _add(packed: zipfile.ZipFile, name: str, file: Path) -> Member:
    digest, size = hashlib.sha256(), 0
    large = file.stat().st_size > _ZIP64_BYTES
    with file.open("rb") as source, packed.open(_entry(name), "w", force_zip64=large) as target:
        for chunk in _chunks(source):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
    return Member(sha256=digest.hexdigest(), bytes=size)


def _unpacked(packed: zipfile.ZipFile, name: str, target: Path) -> Member:
    digest, size = hashlib.sha256(), 0
    with packed.open(name) as source, target.open("xb") as file:
        for chunk in _chunks(source):
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return Member(sha256=digest.hexdigest(), bytes=size)


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK_BYTES):
        yield chunk


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _seal(file: IO[bytes]) -> bytes:
    """The sha256 of all bytes before the seal; the file's position is then the seal's. Empty for a shorter file."""
    left = file.seek(0, os.SEEK_END) - _SEAL
    if left <= 0:
        return b""
    file.seek(0)
    digest = hashlib.sha256()
    while left:
        chunk = file.read(min(left, _CHUNK_BYTES))
        if not chunk:  # it has just been cut off
            return b""
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest().encode()


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with closing(zipfile.ZipFile(path)) as packed:
            yield packed
    except zip_members.BROKEN as error:
        raise _not_as_written(path, strict_json.shown(str(error))) from None
    except OSError as error:
        if error.errno == errno.EINVAL:  # an offset in the zip's headers leads to a place before the file
            raise _not_as_written(path, "a place in its headers is not in it") from None
        raise


def _checked(packed: zipfile.ZipFile, path: Path, is_allowed: Callable[[str], bool]) -> Manifest:
    entries = packed.infolist()
    sizes = {entry.orig_filename: entry.file_size for entry in entries}
    if len(sizes) != len(entries):
        raise _not_as_written(path, "a name is given twice")
    for entry in entries:
        if entry.orig_filename != MANIFEST and not is_allowed(entry.orig_filename):
            raise _not_as_written(path, f"{strict_json.shown(entry.orig_filename)} is no file of a store")
        if not _is_plain(entry):
            raise _not_as_written(path, f"{strict_json.shown(entry.orig_filename)} is no plain file")
    # Members that overlap, or claim more bytes than there are, would grow when they are unpacked.
    if sum(sizes.values()) > path.stat().st_size:
        raise _not_as_written(path, "its members are larger than itself")
    if not 0 < sizes.pop(MANIFEST, 0) <= _MANIFEST_BYTES:
        raise _not_as_written(path, "it has no manifest")
    manifest = _manifest(packed.read(MANIFEST), path)
    if {name: member.bytes for name, member in manifest.members.items()} != sizes:
        raise _not_as_written(path, "its members are not those of the manifest")
    return manifest


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    """True where it is neither link nor folder, neither compressed nor encrypted."""
    is_stored = entry.compress_type == zipfile.ZIP_STORED and entry.compress_size == entry.file_size
    return is_stored and zip_members.is_plain(entry)


def _manifest(text: bytes, path: Path) -> Manifest:
    try:
        document = json.loads(text)
        version = document["version"]
        if isinstance(version, int) and version > VERSION:
            raise ArchiveError(f"{path}: made by a newer mnistnet (backup version {version}); update mnistnet")
        return strict_json.validated(Manifest, document)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise _not_as_written(path, f"its manifest cannot be read ({strict_json.shown(str(error))})") from None


def _not_as_written(path: Path, what: str) -> ArchiveError:
    return ArchiveError(f"{path}: {what}: only a file as `python -m mnistnet backup` wrote it is allowed; use another")
