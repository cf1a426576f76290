"""Arrays of known types and shapes in an npz file. Headers are checked before memory is allocated for the arrays."""

import io
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

_HEADER_BYTES = 4096  # numpy's own are 128
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
# What zipfile and numpy raise for bytes that are no such file. RuntimeError: encrypted, or an unknown compression;
# the last three: a header that cannot be parsed.
_BROKEN = (
    OSError,
    ValueError,
    LookupError,
    EOFError,
    RuntimeError,
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,
    SyntaxError,
    MemoryError,
)


class ArraysError(ValueError):
    """The file holds other things than exactly these arrays."""


@dataclass(frozen=True)
class Form:
    """Allowed types and shape of an array; None is the number of images, the same in the whole file, up to a limit."""

    dtypes: tuple[str, ...]
    shape: tuple[int | None, ...]

    def bytes(self, images: int) -> int:
        """The size of the array for this number of images."""
        count = 1
        for length in self.shape:
            count *= images if length is None else length
        return count * max(np.dtype(dtype).itemsize for dtype in self.dtypes)


def largest(forms: Mapping[str, Form], images: int) -> int:
    """The most bytes that a file of these forms can have."""
    return sum(form.bytes(images) + 2 * _HEADER_BYTES for form in forms.values())


def read(data: bytes, forms: Mapping[str, Form], images: int, *, packed: bool = False) -> Arrays:
    """The arrays by their names, for up to so many images; `packed`: the file may be compressed. Raises ArraysError."""
    if len(data) > largest(forms, images):
        raise ArraysError
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            if entries.keys() != forms.keys() or len(archive.infolist()) != len(forms):
                raise ArraysError
            ways = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) if packed else (zipfile.ZIP_STORED,)
            found = {}
            for name, form in forms.items():
                entry, most = entries[name], form.bytes(images) + _HEADER_BYTES
                if entry.compress_type not in ways or entry.file_size > most:
                    raise ArraysError
                with archive.open(entry) as member:  # reads, and unpacks, no more than it is asked for
                    found[name] = _array(member.read(most + 1), form)
    except _BROKEN as error:
        raise ArraysError(str(error)) from None
    lengths = {found[name].shape[0] for name, form in forms.items() if form.shape and form.shape[0] is None}
    if len(lengths) > 1 or not all(0 < length <= images for length in lengths):
        raise ArraysError
    return found


def array(data: bytes, form: Form) -> npt.NDArray[Any]:
    """The array in the bytes of an npy file. Raises ArraysError."""
    try:
        return _array(data, form)
    except _BROKEN as error:
        raise ArraysError(str(error)) from None


def _array(data: bytes, form: Form) -> npt.NDArray[Any]:
    file = io.BytesIO(data)
    shape, in_columns, dtype = _READERS[np.lib.format.read_magic(file)](file, max_header_size=_HEADER_BYTES)
    values = data[file.tell() :]
    if dtype not in map(np.dtype, form.dtypes) or in_columns or not _fits(shape, form):
        raise ArraysError
    count = 1
    for length in shape:
        count *= length
    if len(values) != count * dtype.itemsize:
        raise ArraysError
    return np.frombuffer(values, dtype).reshape(shape).copy()


def _fits(shape: tuple[int, ...], form: Form) -> bool:
    return len(shape) == len(form.shape) and all(
        type(length) is int and length >= 0 and wanted in (None, length)
        for length, wanted in zip(shape, form.shape, strict=True)
    )
