"""The files of a hand-in, read from a zip file or a folder of a stranger. Writes nothing, runs nothing.

A zip file is held against limits before a byte is unpacked: its own size, number and names of members, their sizes
and compression, and that no two of them share bytes. Of its members only those in `LARGEST` are unpacked.
"""

import io
import os
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mnistnet import strict_json
from mnistnet.errors import BadInput
from mnistnet.runs.files import zip_members
from mnistnet.runs.files.contents import contents

_KB, _MB = 1024, 1024**2
MANIFEST, DESIGN, RECIPE, WEIGHTS = "manifest.json", "design.json", "recipe.json", "weights.safetensors"
LOG, METRICS, MODEL = "log.txt", "metrics.csv", "model.py"
# The files that are read, and the most bytes of each. The largest design has 20 MB of weights.
LARGEST = {
    MANIFEST: 64 * _KB,
    DESIGN: 64 * _KB,
    RECIPE: 64 * _KB,
    WEIGHTS: 24 * _MB,
    LOG: 256 * _KB,
    METRICS: 256 * _KB,
    MODEL: 256 * _KB,
}
REQUIRED = (MANIFEST, DESIGN, RECIPE, WEIGHTS)
MOST_BYTES = 32 * _MB  # of the zip file
_MOST_UNPACKED = 96 * _MB
_MOST_MEMBERS = 100
_MOST_DIRECTORY = 64 * _KB
_MOST_TIMES = 200  # that a member may grow when it is unpacked; text shrinks to a tenth
_SMALL = 64 * _KB  # that may grow any number of times
_LONGEST_NAME = 200
# What systems add by themselves when a folder is packed.
_ADDED = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_END = struct.Struct("<4s4H2LH")  # the end record: signature, four counts, size and place of the directory, comment
_LOCATOR_BYTES = 20  # of a zip64 file, before the end record
_HEADER_BYTES = 30  # of a member, before its name
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_EXPORT = "export a new one with `python -m mnistnet export RUN --format handin`"


class NotAHandIn(BadInput):
    """The file or folder is no hand-in, or damaged, or beyond the limits."""


@dataclass(frozen=True)
class Files:
    """The files of a hand-in: contents by the names in `LARGEST`, and the names of all others, which are not read."""

    read: Mapping[str, bytes]
    others: tuple[str, ...]


def from_path(path: Path) -> Files:
    """The files in a zip file or folder. Raises NotAHandIn, whose message begins with its path."""
    try:
        if path.is_dir():
            return _from_folder(path)
        data = contents(path, MOST_BYTES) if path.is_file() else None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no file can have this name"
        raise _refused(str(path), f"{reason}: at most {MOST_BYTES // _MB} MB that can be read are allowed") from None
    if data is None:
        raise NotAHandIn(f"{strict_json.shown(str(path))}: no such file: give a hand-in, a zip file or its folder")
    return from_bytes(data, str(path))


def from_bytes(data: bytes, name: str) -> Files:
    """The files in the bytes of a zip file called `name`. Raises NotAHandIn, whatever the bytes are."""
    try:
        _require_small(data, name)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _members(archive, name)
            read = {
                inner: _unpacked(archive, entry, inner, name) for inner, entry in members.items() if inner in LARGEST
            }
    except zip_members.BROKEN as error:
        raise _refused(name, f"damaged or no zip file ({strict_json.shown(str(error))})") from None
    except (OSError, NotImplementedError, MemoryError, RecursionError):
        raise _refused(name, "damaged or no zip file") from None
    return _complete(read, tuple(inner for inner in members if inner not in LARGEST), name)


def _require_small(data: bytes, name: str) -> None:
    """Check the end record, before zipfile makes an object of each member."""
    if len(data) > MOST_BYTES:
        raise _refused(name, f"{len(data):,} bytes: at most {MOST_BYTES:,} are allowed")
    end = data[-_END.size :]
    if len(end) < _END.size or not end.startswith(b"PK\5\6"):
        raise _refused(name, "no zip file, cut off, or one with a comment")
    _, disk, first, here, count, size, place, comment = _END.unpack(end)
    if data[-_END.size - _LOCATOR_BYTES :].startswith(b"PK\6\7") or comment or disk or first or here != count:
        raise _refused(name, "of several parts, zip64 or with a comment: one plain zip file is allowed")
    if count > _MOST_MEMBERS or size > _MOST_DIRECTORY:
        raise _refused(name, f"{count:,} members, listed in {size:,} bytes: at most {_MOST_MEMBERS} are allowed")
    if place + size != len(data) - _END.size:
        raise _refused(name, "its list of members is not where it should be")


def _members(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """The members by name, without a folder that all are in. Raises NotAHandIn for one that is not allowed."""
    found: dict[str, zipfile.ZipInfo] = {}
    entries = archive.infolist()
    for entry in entries:
        inner = entry.orig_filename
        if reason := _fault(entry):
            raise _refused(name, f"{strict_json.shown(inner)}: {reason}")
        if inner in found:
            raise _refused(name, f"{strict_json.shown(inner)}: given twice: each name once is allowed")
        found[inner] = entry
    _require_apart(entries, archive.start_dir, name)
    if (total := sum(entry.file_size for entry in entries)) > _MOST_UNPACKED:
        raise _refused(name, f"{total:,} bytes unpacked: at most {_MOST_UNPACKED:,} are allowed")
    return _without_folder({inner: entry for inner, entry in found.items() if not _is_added(inner, entry)})


def _fault(entry: zipfile.ZipInfo) -> str | None:
    inner = entry.orig_filename
    parts = inner.removesuffix("/").split("/")
    if not inner.isprintable() or "\\" in inner or ":" in inner or len(inner) > _LONGEST_NAME:
        return "not allowed as a name: printable characters without \\ and : are"
    if any(part in ("", ".", "..") for part in parts):
        return "leads out of its folder: names of files in it are allowed"
    if not (entry.is_dir() and not entry.file_size) and not zip_members.is_plain(entry):
        return "a link, a device or encrypted: plain files are allowed"
    if entry.compress_type not in _COMPRESSIONS:
        return "packed in another way: stored and deflated members are allowed"
    if entry.file_size > max(_SMALL, _MOST_TIMES * entry.compress_size):
        return f"{entry.compress_size:,} bytes grow to {entry.file_size:,}: {_MOST_TIMES} times as many are allowed"
    most = LARGEST.get(parts[-1], _MOST_UNPACKED)
    return f"{entry.file_size:,} bytes: at most {most:,} are allowed" if entry.file_size > most else None


def _require_apart(entries: list[zipfile.ZipInfo], end: int, name: str) -> None:
    """Raise NotAHandIn where two members share bytes of the file, or one reaches into the list of members."""
    stop = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset < stop:
            raise _refused(name, f"{strict_json.shown(entry.orig_filename)}: shares its bytes with another member")
        stop = entry.header_offset + _HEADER_BYTES + len(entry.orig_filename) + entry.compress_size
    if stop > end:
        raise _refused(name, "its members are longer than itself")


def _is_added(inner: str, entry: zipfile.ZipInfo) -> bool:
    return entry.is_dir() or inner.startswith(_ADDED[0]) or inner.rpartition("/")[2] in _ADDED[1:]


def _without_folder(members: dict[str, zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    folders = {inner.partition("/")[0] if "/" in inner else "" for inner in members}
    if len(folders) != 1 or "" in folders:
        return members
    return {inner.partition("/")[2]: entry for inner, entry in members.items()}


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, inner: str, name: str) -> bytes:
    with archive.open(entry) as member:
        data = member.read(LARGEST[inner] + 1)  # reads, and unpacks, no more than it is asked for
    if len(data) != entry.file_size:
        raise _refused(name, f"{inner}: {len(data):,} bytes, not the {entry.file_size:,} that are listed")
    return data


def _from_folder(folder: Path) -> Files:
    """The files in a folder; links are not followed."""
    read: dict[str, bytes] = {}
    for inner, most in LARGEST.items():
        file = folder / inner
        if not os.path.lexists(file):
            continue
        if file.is_symlink() or not file.is_file():
            raise _refused(str(folder), f"{inner}: a link or no file: plain files are allowed")
        try:
            read[inner] = contents(file, most)
        except OSError as error:
            reason = f"{inner}: {error.strerror}: at most {most:,} bytes that can be read are allowed"
            raise _refused(str(folder), reason) from None
    return _complete(read, (), str(folder))


def _complete(read: dict[str, bytes], others: tuple[str, ...], name: str) -> Files:
    missing = [inner for inner in REQUIRED if inner not in read]
    if missing:
        raise _refused(name, f"no {missing[0]} in it: a hand-in has {', '.join(REQUIRED)}")
    return Files(read, others)


def _refused(name: str, reason: str) -> NotAHandIn:
    return NotAHandIn(f"{strict_json.shown(name)}: {reason}; {_EXPORT}")
