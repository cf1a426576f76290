"""Hand-ins from people who mean harm, from a random generator: zip files, manifests and weights. No test of its own."""

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from mnistnet.handins.archive import MANIFEST, WEIGHTS
from tests.support.handins import Files, claimed, zipped

_NAMES = (
    "../manifest.json", "a/../../design.json", "/etc/passwd", "C:/x", "C:\\x", "..", ".", "a//b", "a/./b",
    "manifest.json\0.txt", "evil\0", "\u202egpj.exe", "new\nline", "x" * 300, "/".join("ab" * 60), "\\\\host\\share",
    "__MACOSX/../x", "weights.safetensors/", "nul:", "~root/x/..",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, -1, 10**12, 10**400, 0.5, float("nan"), float("inf"), "", "x" * 5000, "\0", "\ud800", "\u202e", [], {},
    [[]] * 50, {"a": 1}, "0" * 64, ["x"] * 2000,
)  # fmt: skip
_DTYPES = ("F64", "F16", "BF16", "I8", "U8", "BOOL", "F8_E4M3", "f32", "", None, 4)
_LENGTHS = (0, 1, 7, 2**16, 2**31, 2**62, 2**63, 2**64 - 1)


def zip_file(files: Files, random: Random) -> bytes:
    """A zip file with one thing wrong."""
    return random.choice(_ZIPS)(files, random)


def _written(entries: list[tuple[zipfile.ZipInfo | str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def _strange_name(files: Files, random: Random) -> bytes:
    name = random.choice(_NAMES)
    shown = name.replace("\0", "\1")  # zipfile itself cuts a name at NUL
    data = _written([*files.items(), (shown, b"x")])
    return data.replace(shown.encode(), name.encode()) if shown != name else data


def _bomb(files: Files, random: Random) -> bytes:
    inner = random.choice([WEIGHTS, MANIFEST, "report.html", "more.bin"])
    return _packed_bomb(tuple(files.items()), inner)


@cache
def _packed_bomb(files: tuple[tuple[str, bytes], ...], inner: str) -> bytes:
    others: list[tuple[zipfile.ZipInfo | str, bytes]] = [(name, data) for name, data in files if name != inner]
    return _written([*others, (inner, bytes(200_000_000))], zipfile.ZIP_DEFLATED)


def _nested(files: Files, random: Random) -> bytes:
    data = zipped(files)
    for _ in range(random.randint(1, 5)):
        data = _written([("inner.zip", data)])
    return data


@cache
def _crowd(count: int) -> bytes:
    record = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count & 0xFFFF, count & 0xFFFF, len(record) * count, 0, 0)
    return record * count + end


def _many(files: Files, random: Random) -> bytes:
    return _crowd(random.choice([101, 5_000, 65_535, 100_000]))


def _twice(files: Files, random: Random) -> bytes:
    name = random.choice(list(files))
    first, second = f"{name[:-1]}?", name
    return _written([*files.items(), (first, files[second])]).replace(first.encode(), name.encode())


def _at(data: bytes, place: int, form: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, place, *values)
    return bytes(changed)


def _records(data: bytes) -> list[int]:
    """Where the records of the list of members begin."""
    size, place = struct.unpack("<2L", data[-10:-2])
    found, at = [], place
    while at < place + size:
        found.append(at)
        name, extra, comment = struct.unpack_from("<3H", data, at + 28)
        at += 46 + name + extra + comment
    return found


def _record_changed(files: Files, random: Random) -> bytes:
    """A field of one record: flags, compression, sizes, place, attributes, hash."""
    data = zipped(files)
    at = random.choice(_records(data))
    field, form = random.choice([(8, "<H"), (10, "<H"), (16, "<L"), (20, "<L"), (24, "<L"), (42, "<L")])
    most = 2 ** (8 * struct.calcsize(form)) - 1
    old = struct.unpack_from(form, data, at + field)[0]
    if field == 8:  # of the other flags most mean nothing
        return _at(data, at + field, form, random.choice([0x1, 0x20, 0x40, 0x2000]))
    # Not a packed size that is a little smaller: where the last byte is not needed, the contents are the same.
    others = {1, most, most // 2, (old + 100) & most, random.randint(0, most) if field != 20 else most} - {old}
    return _at(data, at + field, form, random.choice(sorted(others)))


def _overlapping(files: Files, random: Random) -> bytes:
    """Two records that lead to the same bytes."""
    data = zipped(files)
    one, other = random.sample(_records(data), 2)
    return _at(data, one + 42, "<L", struct.unpack_from("<L", data, other + 42)[0])


def _link(files: Files, random: Random) -> bytes:
    entry = zipfile.ZipInfo(random.choice([WEIGHTS, MANIFEST, "link"]))
    kind = random.choice([stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
    entry.external_attr = (kind | 0o777) << 16
    others: list[tuple[zipfile.ZipInfo | str, bytes]] = [
        (name, data) for name, data in files.items() if name != entry.filename
    ]
    return _written([*others, (entry, b"/etc/passwd")])


def _other_compression(files: Files, random: Random) -> bytes:
    return _written([*files.items()], random.choice([zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))


def _end_changed(files: Files, random: Random) -> bytes:
    data = zipped(files)
    field, form = random.choice([(4, "<H"), (6, "<H"), (8, "<H"), (10, "<H"), (12, "<L"), (16, "<L"), (20, "<H")])
    at = len(data) - 22 + field
    old, most = struct.unpack_from(form, data, at)[0], 2 ** (8 * struct.calcsize(form)) - 1
    return _at(data, at, form, random.choice([(old + 1) & most, most, (old + random.randint(2, 1000)) & most]))


def _truncated(files: Files, random: Random) -> bytes:
    data = zipped(files)
    return data[: random.randrange(len(data))]


def _garbage(files: Files, random: Random) -> bytes:
    data = random.randbytes(random.choice([1, 21, 22, 23, 1000, 100_000]))
    return random.choice([data, b"PK\3\4" + data, zipped(files) + data, data + b"PK\5\6" + bytes(18)])


def _surrounded(files: Files, random: Random) -> bytes:
    return random.choice([b"#!/bin/sh\n" + zipped(files), zipped(files) + b"\n", zipped(files)[:-1] + b"\5hello"])


def _missing(files: Files, random: Random) -> bytes:
    left_out = random.choice([MANIFEST, WEIGHTS, "design.json", "recipe.json"])
    return zipped({name: data for name, data in files.items() if name != left_out})


def _hostile_manifest(files: Files, random: Random) -> bytes:
    return zipped({**files, MANIFEST: manifest_text(files, random)})


def _hostile_weights(files: Files, random: Random) -> bytes:
    return zipped({**files, WEIGHTS: weights_file(files[WEIGHTS], random)})


_ZIPS: tuple[Callable[[Files, Random], bytes], ...] = (
    _strange_name, _bomb, _nested, _many, _twice, _record_changed, _overlapping, _link, _other_compression,
    _end_changed, _truncated, _garbage, _surrounded, _missing, _hostile_manifest, _hostile_weights,
)  # fmt: skip


def flipped(data: bytes, random: Random) -> bytes:
    """The data with one to eight bits flipped. Those that nothing reads, as of dates, may be among them."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 8)):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def manifest_text(files: Files, random: Random) -> bytes:
    """A manifest that is not allowed."""
    text = files[MANIFEST]
    kind = random.randrange(6)
    if kind == 0:
        return text[: random.randrange(len(text) - 2)]
    if kind == 1:
        depth = random.choice([100, 30_000])
        return text.replace(b'"author": ""', b'"author": ' + b"[" * depth + b"]" * depth)
    if kind == 2:
        return text.replace(b'"run"', b'"version": 1, "run"', 1)
    if kind == 3:
        return random.choice([b"", b"null", b"[]", b"1", b"{}", b"\xff\xfe", b" " * 10**6, b"9" * 60_000, b"NaN"])
    value = claimed(files)
    part, name = _place(value, random)
    if kind == 4:
        part[name] = _other(part[name], random)
    else:
        part[f"{name}?" if isinstance(part, dict) else 0] = _other(part[name], random)
    written = json.dumps(value, default=str)
    return written.encode()


def _place(value: Any, random: Random) -> tuple[Any, Any]:
    """A container within the manifest, and the key of a part that has to be of its own type there."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = random.choice(keys)
        if key in ("author", "files"):
            continue
        if not isinstance(value[key], dict | list) or not value[key] or random.random() < 0.2:
            return value, key
        value = value[key]


def _other(old: Any, random: Random) -> Any:
    """A value that cannot stand where `old` does."""
    of_another_type = [one for one in _VALUES if type(one) is not type(old) and not _both_numbers(one, old)]
    return random.choice(of_another_type)


def _both_numbers(one: Any, old: Any) -> bool:
    return isinstance(one, int | float) and isinstance(old, float) and one == one and abs(one) < 10**13


def weights_file(data: bytes, random: Random) -> bytes:
    """A safetensors file that is not allowed."""
    (length,) = struct.unpack("<Q", data[:8])
    header, values = json.loads(data[8 : 8 + length]), data[8 + length :]
    kind = random.randrange(8)
    if kind == 0:
        return data[: random.randrange(len(data))]
    if kind == 1:
        return struct.pack("<Q", random.choice([one for one in _LENGTHS if one != length])) + data[8:]
    if kind == 2:
        return random.choice([b"", random.randbytes(1000), b"\x80\x02}q\0." * 50, data + b"\0"])
    if kind == 3:
        return _with_header(b"[" * random.choice([10, 100_000, 300_000]), values)
    name = random.choice([name for name in header if name != "__metadata__"])
    if kind == 4:
        place = random.choice([one for one in range(0, len(values) - 4, 4) if one >= 16])
        spoiled = values[:place] + struct.pack("<f", random.choice([float("nan"), float("inf")])) + values[place + 4 :]
        return _with_header(json.dumps(header).encode(), spoiled)
    if kind == 5:
        field = random.choice(["dtype", "shape", "data_offsets"])
        others = _DTYPES if field == "dtype" else _BAD_LISTS
        header[name][field] = random.choice([one for one in others if one != header[name][field]])
    elif kind == 6:
        change = random.choice(["gone", "more", "twice"])
        if change == "gone":
            del header[name]
        elif change == "more":
            header[f"{name}{random.choice(['2', chr(0), '.'])}"] = dict(header[name])
        else:
            text = json.dumps({**header, "?": header[name]}).replace('"?"', json.dumps(name))
            return _with_header(text.encode(), values)
    else:
        begin, end = header[name]["data_offsets"]
        places = [[0, end - begin], [end, begin], [begin + 4, end + 4], [begin, end + 4], [begin + 1, end + 1]]
        header[name]["data_offsets"] = random.choice([one for one in places if one != [begin, end]])
    return _with_header(json.dumps(header).encode(), values)


_BAD_LISTS: tuple[Any, ...] = (
    [], [2**62], [2**31, 2**31, 2**31], [-1], [1.0], ["1"], None, 5, [10**300], [0], [float("nan")], [[1]], [1] * 1000,
)  # fmt: skip


def _with_header(text: bytes, values: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text + values
